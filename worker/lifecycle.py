"""A worker process from its start to its end: it says that it lives, and stops in order.

Told to stop (SIGTERM, Ctrl-C), Celery takes nothing new and waits for its pool. The processes of
the pool are told too: what they work on may still be finished within the grace, and is handed back
after it. A service manager that signals the whole group (systemd does) means the same.
"""

import logging
import os
import signal
from typing import Any

from billiard import active_children
from celery import current_app, signals
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from server.jobs.queue import UPKEEP_QUEUE
from worker import scratch, stopping
from worker.context import context_of_process
from worker.presence import Presence
from worker.sandbox.allowance import ChildFailed
from worker.settings import WorkerSettings

log = logging.getLogger(__name__)
STOP_IN_GRACE = signal.SIGUSR2  # what the parent sends to its pool


class Lifecycle:
    """What happens at the turning points that Celery announces; `install` listens to them."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._presence: Presence | None = None
        self._at_once: Any = signal.SIG_DFL  # what SIGTERM does to a pool process that waits

    def install(self) -> None:
        for each, listener in (
            (signals.worker_ready, self._ready),
            (signals.worker_shutting_down, self._stopping),
            (signals.worker_shutdown, self._ended),
            (signals.worker_process_init, self._child_begins),
            (signals.worker_process_shutdown, self._child_ends),
            (signals.task_prerun, self._task_begins),
            (signals.task_postrun, self._task_ends),
        ):
            each.connect(listener, weak=False)

    def _ready(self, sender: Any, **_: object) -> None:
        queues = sorted(set(sender.app.amqp.queues.consume_from) - {UPKEEP_QUEUE})
        self._presence = Presence(self._settings, queues=queues)
        self._presence.start()
        if self._settings.worker_metrics_port:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            start_http_server(
                self._settings.worker_metrics_port,
                addr=self._settings.worker_metrics_host,
                registry=registry,
            )
        log.info("ready for work on %s", ", ".join(queues))

    def _stopping(self, how: str, **_: object) -> None:
        log.info(
            "told to stop (%s), with a grace of %d s", how, self._settings.worker_grace_seconds
        )
        for process in active_children():
            if process.pid is not None:
                os.kill(process.pid, STOP_IN_GRACE)

    def _ended(self, **_: object) -> None:
        if self._presence is not None:
            self._presence.leave()

    def _child_begins(self, **_: object) -> None:
        # A pool process overrides whatever it finds here, unless it finds it ignored.
        signal.signal(STOP_IN_GRACE, signal.SIG_IGN)
        scratch.settle()
        if current_app.conf.task_default_queue in current_app.amqp.queues.consume_from:
            warm_up()

    def _child_ends(self, **_: object) -> None:
        scratch.leave()

    def _task_begins(self, **_: object) -> None:
        signal.signal(signal.SIGALRM, lambda *_: stopping.ask())
        signal.signal(STOP_IN_GRACE, self._begin_grace)
        self._at_once = signal.signal(signal.SIGTERM, self._begin_grace)

    def _task_ends(self, **_: object) -> None:
        signal.signal(signal.SIGTERM, self._at_once)
        signal.signal(STOP_IN_GRACE, signal.SIG_IGN)

    def _begin_grace(self, *_: object) -> None:
        """Let the work go on for the grace; whoever tells twice prolongs nothing."""
        if signal.getitimer(signal.ITIMER_REAL)[0] == 0 and not stopping.is_asked():
            signal.setitimer(signal.ITIMER_REAL, self._settings.worker_grace_seconds)


def warm_up() -> None:
    """Do before the first submission what would make it slower than the tenth."""
    try:
        context_of_process().sandbox.start()
    except ChildFailed:
        log.warning("the sandbox did not start; the first submission tries again", exc_info=True)
