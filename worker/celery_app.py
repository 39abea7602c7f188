"""The Celery instance: what `celery -A worker.celery_app` starts."""

from datetime import timedelta

from celery import Celery, signals

from server.jobs.celery_queue import celery_settings
from server.jobs.queue import SWEEP
from worker import scratch
from worker.settings import WorkerSettings
from worker.steady_schedule import SteadySchedule

settings = WorkerSettings()
app = Celery("luss", include=["worker.tasks"])
app.conf.update(celery_settings(settings))

_quarter_lease_seconds = settings.lease_seconds / 4
app.conf.beat_schedule = {
    "sweep": {
        "task": SWEEP,
        "schedule": SteadySchedule(timedelta(seconds=_quarter_lease_seconds)),
        # A sweep that nobody had time for is made up for by the next one.
        "options": {"expires": _quarter_lease_seconds},
    }
}


@signals.worker_process_init.connect
def _process_begins(**_: object) -> None:
    scratch.settle()


@signals.worker_process_shutdown.connect
def _process_ends(**_: object) -> None:
    scratch.leave()
