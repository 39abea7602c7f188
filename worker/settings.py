"""The settings that only workers have: the way into the vault, and the caps on archives."""

import sys

from pydantic import Field

from server.settings import Settings, env_example


class WorkerSettings(Settings):
    vault_url: str = Field(
        "",
        description="truth and tallies, for workers only and never for the web process; "
        "empty means LUSS_DATA_DIR/vault",
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


if __name__ == "__main__":
    sys.stdout.write(env_example(Settings, WorkerSettings))
