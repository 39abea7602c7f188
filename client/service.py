"""The parts of the service: which commands they are, and what each may know.

`luss serve` and `luss stack` start them from this table; docker-compose.yml is compared with it.
"""

import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from client.errors import Unreachable, UsageMistake
from client.settings import process_environment
from client.supervisor import Child, Patience
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
PROXIES_VARIABLE = "FORWARDED_ALLOW_IPS"  # uvicorn's name for LUSS_PROXIES
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
METRICS_PORT_VARIABLE = "LUSS_WORKER_METRICS_PORT"
_AFTER_GRACE_SECONDS = 5.0  # for what ends a process after its work


def web_command(*, host: str, port: int, upload_grace_seconds: int) -> list[str]:
    return [
        *(sys.executable, "-m", "uvicorn", "--factory", "server.app:create_app_from_environment"),
        *("--host", host, "--port", str(port), "--no-access-log"),
        *("--timeout-graceful-shutdown", str(upload_grace_seconds)),
    ]


def luss_command(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("luss")), *words]


def worker_command(*, queues: Sequence[str], concurrency: int | None = None) -> list[str]:
    """One scoring process unless asked otherwise: a submission is scored on all cores by itself.

    Whoever scores sweeps too.
    """
    from server.jobs.queue import SCORE_QUEUE, UPKEEP_QUEUE  # noqa: PLC0415  # the server is not in every installation

    listened_to = [*queues, *([UPKEEP_QUEUE] if SCORE_QUEUE in queues else [])]
    return [
        *(sys.executable, "-m", "celery", "--quiet", "--app", "worker.celery_app", "worker"),
        *("--pool", "prefork", "--concurrency", str(concurrency or 1), "--loglevel", "warning"),
        *("--queues", ",".join(listened_to)),
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
            command=luss_command("admin", "init"),
        ),
        Part(
            name="web",
            command=web_command(
                host=settings.host,
                port=settings.port,
                upload_grace_seconds=settings.upload_grace_seconds,
            ),
            opens_store=True,
        ),
        Part(
            name="worker",
            command=luss_command("worker", "--queues", "score"),
            opens_store=True,
            opens_vault=True,
        ),
        Part(
            name="gpu-worker",
            command=luss_command("worker", "--queues", "model"),
            opens_store=True,
            opens_vault=True,
        ),
        Part(
            name="beat",
            command=beat_command(schedule=settings.data_dir.absolute() / "beat-schedule"),
        ),
    )
    return {part.name: part for part in table}


def wiring(settings: "WorkerSettings", part: Part) -> dict[str, str]:
    """Return what a part must be told to find the others and to log alike, wherever it runs.

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
        "LUSS_LOG_FORMAT": settings.log_format,
    }
    if part.name == "web":
        told[PROXIES_VARIABLE] = settings.proxies
    return told | ({VAULT_VARIABLE: settings.vault} if part.opens_vault else {})


def child_of(settings: "WorkerSettings", part: Part) -> Child:
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
        name=part.name,
        command=part.command,
        environment=inherited | wiring(settings, part),
    )


def children(settings: "WorkerSettings", *, workers: int = 1) -> list[Child]:
    """Return web, workers and beat; prepares the folders that they expect."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    make_private_folder(settings.vault)
    table = parts(settings)
    worker = child_of(settings, table["worker"])
    return [
        child_of(settings, table["web"]),
        *([worker] if workers == 1 else _numbered(worker, workers, settings.worker_metrics_port)),
        child_of(settings, table["beat"]),
    ]


def _numbered(worker: Child, count: int, metrics_port: int) -> Iterator[Child]:
    """Yield workers of one machine, each with a port of its own for its metrics, if with one."""
    for number in range(count):
        port = metrics_port + number if metrics_port else 0
        yield replace(
            worker,
            name=f"{worker.name}-{number + 1}",
            environment={**worker.environment, METRICS_PORT_VARIABLE: str(port)},
        )


def worker_environment(settings: "WorkerSettings") -> dict[str, str]:
    """Return where the processes of a worker that serves metrics put their numbers: emptied."""
    port = settings.worker_metrics_port
    if not port:
        return {}
    folder = settings.data_dir.absolute() / "metrics" / f"worker-{port}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return {METRICS_VARIABLE: str(folder)}


def patience(settings: "WorkerSettings") -> Patience:
    """Return how long the parts are waited for: until the last of them has had its grace."""
    grace = max(settings.worker_grace_seconds, settings.upload_grace_seconds)
    return Patience(stop_grace_seconds=grace + _AFTER_GRACE_SECONDS)


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
