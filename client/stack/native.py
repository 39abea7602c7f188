"""The topology of docker-compose.yml without Docker: the service, and the servers beneath it.

Archives and vault are folders unless LUSS_STORE_URL and LUSS_VAULT_URL name buckets: no server of
buckets that keeps what it is given comes with Debian or with pip.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from client.errors import StackBroken, UsageMistake
from client.service import (
    STORE_VARIABLES,
    VAULT_VARIABLES,
    child_of,
    children,
    parts,
    patience,
    wiring,
)
from client.settings import process_environment
from client.stack.backing import Server, running
from client.stack.postgresql import PrivatePostgresql
from client.stack.redis import PrivateRedis
from client.supervisor import Supervisor
from evaluator.atomic_file import replacing
from worker.settings import WorkerSettings

SETTINGS_FILE = "stack.env"


@contextmanager
def native_stack(
    settings: WorkerSettings, *, workers: int
) -> Iterator[tuple[WorkerSettings, Supervisor]]:
    """Start each server that no setting names; give the settings and the service to run on them.

    The settings also lie in a file of the data folder, for commands such as `luss admin`. When the
    context ends the servers are stopped; should they end before, the service is.

    Raises:
        UsageMistake: the folder belongs to `luss serve`.
        ProgramMissing: a server is not installed.
        StackBroken: a server or the schema could not be set up.
        SupervisionEnded: a server could not be kept alive.
    """
    data = settings.data_dir.absolute()
    _check_folder(data)
    servers: list[Server] = []
    urls: dict[str, str] = {}
    postgresql = None if settings.database_url else PrivatePostgresql(data / "postgresql")
    if postgresql is not None:
        servers.append(postgresql)
        postgresql.prepare()
        urls["database_url"] = postgresql.url()
    if not settings.broker_url:
        redis = PrivateRedis(data / "redis")
        servers.append(redis)
        redis.prepare()
        urls["broker_url"] = redis.url()
    settings = settings.model_copy(update=urls)
    supervisor = Supervisor(children(settings, workers=workers), patience(settings))
    _write_settings(settings, data / SETTINGS_FILE)
    with running(servers, on_end=supervisor.stop):
        if postgresql is not None:
            postgresql.create_database()
        _migrate(settings)
        yield settings, supervisor


def _check_folder(data: Path) -> None:
    if (data / "luss.sqlite3").exists():
        raise UsageMistake(
            f"{data} belongs to `luss serve` or `luss demo`, and two databases must not share a "
            "store; choose another folder with LUSS_DATA_DIR."
        )


def _write_settings(settings: WorkerSettings, file: Path) -> None:
    """Write what a worker is told, for a shell: ``set -a; . stack.env``."""
    worker = parts(settings)["worker"]
    keys, ours = (*STORE_VARIABLES, *VAULT_VARIABLES), process_environment()
    told = {name: ours[name] for name in keys if name in ours} | wiring(settings, worker)
    with replacing(file) as partial:
        partial.touch(mode=0o600)  # it holds passwords
        partial.write_text("".join(f"{name}={shlex.quote(told[name])}\n" for name in told))


def _migrate(settings: WorkerSettings) -> None:
    migrate = child_of(settings, parts(settings)["migrate"])
    run = subprocess.run(  # noqa: S603  # the command is ours
        [sys.executable, "-m", "client.guarded", str(os.getpid()), *migrate.command],
        env=dict(migrate.environment),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if run.returncode:
        raise StackBroken(f"The schema could not be set up: exit code {run.returncode}.")
