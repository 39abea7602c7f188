"""The settings that only workers have: the way into the vault, and the caps on archives."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from evaluator import Limits
from server.settings import S3Access, Settings, env_example
from worker.sandbox.allowance import Allowance, Walls


class WorkerSettings(Settings):
    vault_url: str = Field(
        "",
        description="truth and tallies, for workers only and never for the web process; "
        "empty means LUSS_DATA_DIR/vault",
    )
    vault_s3_access_key: str = Field(
        "",
        description="key for the vault's bucket, which the web process' key should not open; "
        "empty means that of the store",
    )
    vault_s3_secret_key: SecretStr = Field(
        SecretStr(""), description="the secret of LUSS_VAULT_S3_ACCESS_KEY"
    )
    scoring_jobs: int = Field(
        0, ge=0, description="threads that score one submission; 0 means one a processor"
    )
    archive_max_entries: int = Field(
        300_000, gt=0, description="most entries that an archive may have"
    )
    archive_max_unpacked_bytes: int = Field(
        8 * 1024**3, gt=0, description="most bytes that an archive may unpack to"
    )
    archive_max_ratio: int = Field(
        300, gt=0, description="largest compression ratio of an entry over 1 MB"
    )

    sandbox: Walls = Field(
        Walls.FULL,
        description="where archives are opened: full (a child process with limits that Landlock "
        "and seccomp shut in), limits (a child with limits alone), none (the worker itself)",
    )
    sandbox_memory_bytes: int = Field(
        2 * 1024**3, gt=0, description="most memory of a child that opens an archive, in bytes"
    )
    sandbox_wall_seconds: int = Field(
        900,
        gt=0,
        description="longest that such a child may take, in seconds; nine tenths of "
        "LUSS_SCORING_LIMIT_SECONDS at most",
    )
    sandbox_cpu_seconds: int = Field(
        3600, gt=0, description="most processor time of such a child over all threads, in seconds"
    )
    sandbox_file_bytes: int = Field(
        2 * 1024**3, gt=0, description="largest file that such a child may write, in bytes"
    )

    @property
    def allowance(self) -> Allowance:
        """What a child may use up; it ends early enough for its worker to say so."""
        return Allowance(
            memory_bytes=self.sandbox_memory_bytes,
            cpu_seconds=self.sandbox_cpu_seconds,
            wall_seconds=min(self.sandbox_wall_seconds, 0.9 * self.scoring_limit_seconds),
            file_bytes=self.sandbox_file_bytes,
        )

    model_runs_dir: str = Field(
        "",
        description="where runs of the reference model keep checkpoints and masks; must outlive "
        "the worker, and be one folder for all workers that shall take over from one another; "
        "empty means LUSS_DATA_DIR/model-runs",
    )
    model_run_retention_days: int = Field(
        0,
        ge=0,
        description="how long the folder of a reference run that has ended is kept, in days, and "
        "until another run begins; its page and submission always stay; 0 means for ever",
    )
    model_checkpoint_seconds: int = Field(
        120, gt=0, description="how much of a training is lost at most with its worker, in seconds"
    )
    model_device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="what runs of the reference model compute on"
    )
    worker_grace_seconds: int = Field(
        30, gt=0, description="how long a worker that is told to stop may finish, in seconds"
    )
    worker_metrics_port: int = Field(
        0, ge=0, lt=65536, description="port of a worker's own metrics; 0 means none"
    )
    worker_metrics_host: str = Field(
        "127.0.0.1", description="address that a worker's own metrics are served at"
    )

    @property
    def vault(self) -> str:
        return self.vault_url or (self.data_dir.absolute() / "vault").as_uri()

    @property
    def vault_s3_access(self) -> S3Access:
        if not self.vault_s3_access_key:
            return self.s3_access
        return replace(
            self.s3_access,
            access_key=self.vault_s3_access_key,
            secret_key=self.vault_s3_secret_key,
        )

    @property
    def truth_cache(self) -> Path:
        """Where packed truth lies that was fetched from a vault elsewhere."""
        return self.data_dir.absolute() / "truth-cache"

    @property
    def model_runs(self) -> Path:
        """Where runs of the reference model keep what they need to go on."""
        return Path(self.model_runs_dir or self.data_dir / "model-runs").absolute()

    @property
    def limits(self) -> Limits:
        return Limits(
            max_entries=self.archive_max_entries,
            max_total_bytes=self.archive_max_unpacked_bytes,
            max_ratio=self.archive_max_ratio,
        )


if __name__ == "__main__":
    sys.stdout.write(env_example(Settings, WorkerSettings))
