"""Rings over Celery: the only module of the server that imports it.

Delivery is an accelerator and never the guarantee, hence the rules below stand together:
late acknowledgement, rejection when a child is lost, no hoarding, JSON only.
"""

import logging
from pathlib import Path
from typing import Any

from celery import Celery
from kombu import Queue
from kombu.exceptions import OperationalError

from server.jobs import whole_messages
from server.jobs.queue import (
    MODEL_QUEUE,
    RUN_MODEL,
    SCORE_QUEUE,
    SCORE_SHARD,
    SCORE_SUBMISSION,
    SWEEP,
    TIDY,
    UPKEEP_QUEUE,
    Job,
)
from server.measures import BROKER_ERRORS, BROKER_SECONDS
from server.settings import Settings

PATIENCE_SECONDS = 5
"""How long to wait for a broker that accepts nothing; longer than a worker's one-second polls."""

log = logging.getLogger(__name__)


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Return the Celery configuration that producers and workers share."""
    limit = settings.scoring_limit_seconds
    if settings.broker_url:
        broker, transport = settings.broker_url, _redis_transport(limit)
    else:
        broker, transport = "filesystem://localhost", _file_transport(settings.broker_folder)
    return {
        "broker_url": broker,
        "broker_transport_options": transport,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # a worker waits for its broker, however long
        # The row's lease decides who works: a task goes on while its worker reconnects.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_time_limit": limit,
        "task_default_queue": SCORE_QUEUE,
        "worker_prefetch_multiplier": 1,
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": False,
        "task_routes": {
            **{task: {"queue": SCORE_QUEUE} for task in (SCORE_SUBMISSION, SCORE_SHARD)},
            **{task: {"queue": UPKEEP_QUEUE} for task in (SWEEP, TIDY)},
            RUN_MODEL: {"queue": MODEL_QUEUE},
        },
    }


def _redis_transport(limit_seconds: int) -> dict[str, Any]:
    """Return the options of kombu's Redis transport.

    A server that hangs must not hold up whoever rings; a message comes back to the queue only when
    its task must have ended.
    """
    return {
        "visibility_timeout": round(1.1 * limit_seconds),
        "socket_connect_timeout": PATIENCE_SECONDS,
        "socket_timeout": PATIENCE_SECONDS,
        "socket_keepalive": True,
    }


def _file_transport(folder: Path) -> dict[str, Any]:
    """Return the options of kombu's file broker: one folder is in-tray and out-tray."""
    whole_messages.install()
    messages, control = folder / "messages", folder / "control"
    for each in (messages, control):
        each.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "control_folder": str(control),
        "polling_interval": 0.2,
    }


class CeleryQueue:
    """Sends a message per job."""

    def __init__(self, settings: Settings) -> None:
        self._celery = Celery("luss")
        self._celery.conf.update(celery_settings(settings))

    def ring(self, job: Job) -> None:
        try:
            with BROKER_SECONDS.time():
                self._celery.send_task(job.task, args=[job.row_id], retry=False)
        except (OperationalError, OSError) as reason:
            BROKER_ERRORS.inc()
            log.warning("the broker is out of reach, the sweeper will ring %s: %s", job, reason)

    def check(self) -> None:
        """Declare a queue that is there already, which takes one answer of the broker."""
        with self._celery.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=1)
            name = self._celery.conf.task_default_queue
            Queue(name, channel=connection.default_channel).queue_declare()
