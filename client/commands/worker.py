"""`luss worker`: a worker alone, on as many machines as there are."""

import os
from typing import Annotated

import typer

from client import console
from client.suggestions import unknown

QUEUES = ("score", "model")


def worker(
    queues: Annotated[
        str, typer.Option(help="What to work on: score, model, or both with a comma between.")
    ] = "score",
    concurrency: Annotated[
        int, typer.Option(min=1, help="Submissions at a time; each uses LUSS_SCORING_JOBS threads.")
    ] = 1,
) -> None:
    """Become a Celery worker (LUSS_DATABASE_URL, LUSS_BROKER_URL, LUSS_VAULT_URL)."""
    from client.service import check_model, check_sandbox, worker_command, worker_environment
    from client.settings import process_environment
    from worker.settings import WorkerSettings

    wanted = queues.split(",")
    for queue in wanted:
        if queue not in QUEUES:
            console.stop(unknown("queue", queue, QUEUES), console.USAGE)
    settings = WorkerSettings()
    if "score" in wanted:
        check_sandbox(settings.sandbox)
    if "model" in wanted:
        check_model()
    command = worker_command(queues=wanted, concurrency=concurrency)
    environment = process_environment() | worker_environment(settings)
    os.execve(command[0], command, environment)  # noqa: S606  # signals and exit code are then Celery's own
