"""A thread of the web process that sends what lies in the outbox.

It needs no worker: an address can be confirmed while all of them are busy, or down.
"""

import logging
import threading

from server.clock import Clock
from server.db import Database
from server.jobs.queue import SEND_MAIL, Job, JobQueue
from server.mail.mailer import Mailer
from server.mail.outbox import send_due

log = logging.getLogger(__name__)
ROUND_SECONDS = 30  # how often it looks without having been rung for


class Postman:
    """Sends at once when it is woken, and every half minute what was left."""

    def __init__(self, mailer: Mailer, clock: Clock) -> None:
        self._mailer = mailer
        self._clock = clock
        self._rung, self._ending = threading.Event(), False
        self._thread: threading.Thread | None = None

    def start(self, database: Database) -> None:
        self._ending = False
        # A daemon: a mail server that hangs must not keep the process from ending.
        self._thread = threading.Thread(
            target=self._walk, args=(database,), name="postman", daemon=True
        )
        self._thread.start()

    def wake(self) -> None:
        self._rung.set()

    def stop(self, *, within_seconds: float = 2) -> None:
        """End after the mail in hand; what is left is sent by the next process."""
        self._ending = True
        self.wake()
        if self._thread is not None:
            self._thread.join(within_seconds)

    def _walk(self, database: Database) -> None:
        while not self._ending:
            self._rung.clear()
            try:
                send_due(database, self._mailer, self._clock)
            except Exception:
                log.exception("the outbox could not be read; it is tried again")
            self._rung.wait(ROUND_SECONDS)


class PostalQueue:
    """A job queue that wakes the postman for mail and rings elsewhere for everything else."""

    def __init__(self, queue: JobQueue, postman: Postman) -> None:
        self._queue = queue
        self._postman = postman

    def ring(self, job: Job) -> None:
        if job.task == SEND_MAIL:
            self._postman.wake()
        else:
            self._queue.ring(job)

    def check(self) -> None:
        self._queue.check()
