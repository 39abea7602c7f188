"""Says in the database that this worker lives, also while it has nothing to do."""

import logging
import os
import socket
import threading
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version

from sqlalchemy.exc import SQLAlchemyError

from server.clock import SystemClock
from server.db import Database
from server.jobs.celery_queue import CeleryQueue
from server.operations import workers
from worker.settings import WorkerSettings

log = logging.getLogger(__name__)


@cache
def worker_name() -> str:
    """Return the name of this worker, the same in the processes that it forks."""
    return f"{socket.gethostname()}-{os.getpid()}"


class Presence:
    """A thread beside the pool, with a connection to the database only while it reports."""

    def __init__(self, settings: WorkerSettings, *, queues: Sequence[str]) -> None:
        self._database = Database(settings.database, CeleryQueue(settings))
        self._clock = SystemClock()
        self._queues = queues
        self._started_at = self._clock.now()
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._report, name="presence", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def leave(self) -> None:
        """Take the row away: this worker ends in order."""
        self._left.set()
        self._thread.join()
        try:
            with self._database.unit_of_work() as session:
                workers.leave(session, worker_name())
        except SQLAlchemyError:
            log.warning("could not sign off, which shows for a while", exc_info=True)
        self._database.close()

    def _report(self) -> None:
        while True:
            try:
                with self._database.unit_of_work() as session:
                    workers.report(
                        session,
                        worker_name(),
                        queues=self._queues,
                        version=version("lussbench"),
                        started_at=self._started_at,
                        now=self._clock.now(),
                    )
            except SQLAlchemyError:
                log.warning("could not report that this worker lives, trying again", exc_info=True)
            finally:
                self._database.close()  # a pool process forked meanwhile shares no connection
            if self._left.wait(workers.BEAT.total_seconds()):
                return
