"""The Celery instance: what `celery -A worker.celery_app` starts."""

import sys

from billiard.util import get_logger as billiard_logger
from celery import Celery
from celery.signals import setup_logging

from server import log_config
from server.jobs.celery_queue import celery_settings
from worker import redis_acks
from worker.lifecycle import Lifecycle
from worker.presence import worker_name
from worker.sandbox.nursery import START_SECONDS
from worker.settings import WorkerSettings
from worker.steady_schedule import beat_schedule

settings = WorkerSettings()
app = Celery("luss", include=["worker.tasks"])
app.conf.update(celery_settings(settings))
app.conf.worker_proc_alive_timeout = 2 * START_SECONDS  # a pool process warms up before it reports
PROCESS = "beat" if "beat" in sys.argv else "worker"  # Celery starts both from this module


@setup_logging.connect
def _log_as_configured(**_: object) -> None:
    if PROCESS == "worker":
        log_config.configure(settings, process=PROCESS, worker=worker_name())
        billiard_logger().propagate = True  # of the pool, which would write by itself
    else:
        log_config.configure(settings, process=PROCESS)


if PROCESS == "worker":
    redis_acks.install()
    Lifecycle(settings).install()

app.conf.beat_schedule = beat_schedule(settings.lease)
