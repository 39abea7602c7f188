"""The parts of the service: which commands they are, and what each may know.

`luss serve` and `luss stack` start them from this table; docker-compose.yml is compared with it.
"""

import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from client.errors import Unreachable, UsageMistake
from client.settings import process_environment
from client.supervisor import Child
from client.vault_folder import make_private_folder

if TYPE_CHECKING:
    from worker.sandbox.allowance import Walls
    from worker.settings import WorkerSettings

VAULT_VARIABLE = "LUSS_VAULT_URL"
VAULT_VARIABLES = (VAULT_VARIABLE, "LUSS_VAULT_S3_ACCESS_KEY", "LUSS_VAULT_S3_SECRET_KEY")
STORE_VARIABLES = (
    "LUSS_S3_ENDPOINT",
    "LUSS_S3_REGION",
    "LUSS_S3_ACCESS_KEY",
    "LUSS_S3_SECRET_KEY",
)
_UPLOADS_END_SECONDS = 8  # less than the supervisor's grace


def web_command(*, host: str, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "uvicorn", "--factory", "server.app:create_app_from_environment"),
        *("--host", host, "--port", str(port), "--no-access-log"),
        *("--timeout-graceful-shutdown", str(_UPLOADS_END_SECONDS)),
    ]


def worker_command(*, queues: Sequence[str], concurrency: int | None = None) -> list[str]:
    """One scoring process unless asked otherwise: a submission is scored on all cores by itself."""
    return [
        *(sys.executable, "-m", "celery", "--quiet", "--app", "worker.celery_app", "worker"),
        *("--pool", "prefork", "--concurrency", str(concurrency or 1), "--loglevel", "warning"),
        *("--queues", ",".join(queues)),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]


def beat_command(*, schedule: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "--quiet", "--app", "worker.celery_app", "beat"),
        *("--schedule", str(schedule), "--pidfile=", "--loglevel", "warning"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One kind of process of the service; docker-compose.yml has a service of the same name."""

    name: str
    command: Sequence[str]
    opens_store: bool = False
    opens_vault: bool = False


def parts(settings: "WorkerSettings") -> dict[str, Part]:
    """Return the table of everything that the service consists of, by name."""
    table = (
        Part(
            name="migrate",
            command=[str(Path(sys.executable).with_name("luss")), "admin", "init"],
        ),
        Part(
            name="web",
            command=web_command(host=settings.host, port=settings.port),
            opens_store=True,
        ),
        Part(
            name="worker",
            command=worker_command(queues=["score"]),
            opens_store=True,
            opens_vault=True,
        ),
        Part(name="gpu-worker", command=worker_command(queues=["model"]), opens_store=True),
        Part(
            name="beat",
            command=beat_command(schedule=settings.data_dir.absolute() / "beat-schedule"),
        ),
    )
    return {part.name: part for part in table}


def wiring(settings: "WorkerSettings", part: Part) -> dict[str, str]:
    """Return what a part must be told to find the others, and is told wherever it runs.

    The vault is named to those that open it, and to nobody else.
    """
    told = {
        "LUSS_ENVIRONMENT": settings.environment,
        "LUSS_DATA_DIR": str(settings.data_dir.absolute()),
        "LUSS_DATABASE_URL": settings.database_url,
        "LUSS_BROKER_URL": settings.broker_url,
        "LUSS_STORE_URL": settings.store_url,
        "LUSS_SECRET_KEY": settings.secret_key.get_secret_value(),
        "LUSS_HOST": settings.host,
        "LUSS_PORT": str(settings.port),
        "LUSS_PUBLIC_URL": settings.public_url,
    }
    return told | ({VAULT_VARIABLE: settings.vault} if part.opens_vault else {})


def child_of(settings: "WorkerSettings", part: Part, *, name: str | None = None) -> Child:
    """Return a part as a process of this machine.

    It inherits our environment but for the keys of what it does not open.
    """
    kept_back = {
        *(() if part.opens_store else STORE_VARIABLES),
        *(() if part.opens_vault else VAULT_VARIABLES),
    }
    ours = process_environment()
    inherited = {name: value for name, value in ours.items() if name not in kept_back}
    return Child(
        name=name or part.name,
        command=part.command,
        environment=inherited | wiring(settings, part),
    )


def children(settings: "WorkerSettings", *, workers: int = 1) -> list[Child]:
    """Return web, workers and beat; prepares the folders that they expect."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    make_private_folder(settings.vault)
    table = parts(settings)
    return [
        child_of(settings, table["web"]),
        *(
            child_of(settings, table["worker"], name=name)
            for name in (["worker"] if workers == 1 else _numbered("worker", workers))
        ),
        child_of(settings, table["beat"]),
    ]


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}-{number}" for number in range(1, count + 1)]


def check_sandbox(walls: "Walls") -> None:
    """Say at once what would otherwise fail every submission.

    Raises:
        UsageMistake: LUSS_SANDBOX asks for what this system cannot do.
    """
    from worker.sandbox.confinement import NoWalls, check_walls  # noqa: PLC0415  # the worker is not in every installation

    try:
        check_walls(walls)
    except NoWalls as reason:
        raise UsageMistake(str(reason)) from reason


def check_port(*, host: str, port: int) -> None:
    """Say at once what a web process could only say by ending again and again.

    Raises:
        Unreachable: something else listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unreachable(
                f"Cannot listen on {host} port {port} ({error.strerror}); "
                "choose another with --port or LUSS_PORT."
            ) from error
