"""The Celery instance: what `celery -A worker.celery_app` starts."""

import sys

from celery import Celery
from celery.signals import setup_logging

from server import log_config
from server.jobs.celery_queue import celery_settings
from server.jobs.queue import SWEEP
from worker.settings import WorkerSettings

settings = WorkerSettings()
app = Celery("luss", include=["worker.tasks"])
app.conf.update(celery_settings(settings))
PROCESS = "beat" if "beat" in sys.argv else "worker"  # Celery starts both from this module


@setup_logging.connect
def _log_as_configured(**_: object) -> None:
    log_config.configure(settings, process=PROCESS)


_quarter_lease_seconds = settings.lease_seconds / 4
app.conf.beat_schedule = {
    "sweep": {
        "task": SWEEP,
        "schedule": _quarter_lease_seconds,
        # A sweep that nobody had time for is made up for by the next one.
        "options": {"expires": _quarter_lease_seconds},
    }
}
