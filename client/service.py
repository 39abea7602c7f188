"""The parts of the service on one machine: which commands they are, and what each may know."""

import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from client.errors import Unreachable
from client.settings import process_environment
from client.supervisor import Child, Patience
from client.vault_folder import make_private_folder

if TYPE_CHECKING:
    from worker.settings import WorkerSettings

VAULT_VARIABLE = "LUSS_VAULT_URL"
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_AFTER_GRACE_SECONDS = 5.0  # for what ends a process after its work


def web_command(*, host: str, port: int, upload_grace_seconds: int) -> list[str]:
    return [
        *(sys.executable, "-m", "uvicorn", "--factory", "server.app:create_app_from_environment"),
        *("--host", host, "--port", str(port), "--no-access-log"),
        *("--timeout-graceful-shutdown", str(upload_grace_seconds)),
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


def children(settings: "WorkerSettings") -> list[Child]:
    """Web, worker and beat; prepares the folders that they expect.

    The vault is named to the worker alone: web and beat are not told where it is.
    """
    data = settings.data_dir.absolute()
    (data / "beat").mkdir(parents=True, exist_ok=True)
    make_private_folder(settings.vault)
    inside = process_environment() | {
        "LUSS_DATA_DIR": str(data),
        "LUSS_PORT": str(settings.port),
        VAULT_VARIABLE: settings.vault,
    }
    outside = {name: value for name, value in inside.items() if name != VAULT_VARIABLE}
    return [
        Child(
            name="web",
            command=web_command(
                host=settings.host,
                port=settings.port,
                upload_grace_seconds=settings.upload_grace_seconds,
            ),
            environment=outside,
        ),
        Child(
            name="worker",
            command=worker_command(queues=["score"]),
            environment=inside | worker_environment(settings),
        ),
        Child(
            name="beat",
            command=beat_command(schedule=data / "beat" / "schedule"),
            environment=outside,
        ),
    ]


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
