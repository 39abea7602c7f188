"""Keeps a lease alive while a task works, and says when it was lost."""

import logging
import threading
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Protocol, Self

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from server.submissions import leases
from worker import stopping
from worker.context import Context

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """The row belongs to somebody else, or is final; this worker records nothing."""

    def __init__(self, held: object) -> None:
        super().__init__(f"{held} is no longer this worker's")


class Renew(Protocol):
    """How a claim's lease is prolonged; False if there is nothing left to prolong."""

    def __call__(
        self, session: Session, held: Any, /, *, now: datetime, lease: timedelta
    ) -> bool: ...


class Heartbeat:
    """A thread that renews a claim every quarter of the lease, each time in its own transaction."""

    def __init__(self, context: Context, held: object, *, renew: Renew = leases.renew) -> None:
        self._context = context
        self._held = held
        self._renew = renew
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def check(self) -> None:
        """Raise `LeaseLost` once a renewal touched no row, `Stopping` once we are to stop."""
        if self._lost.is_set():
            raise LeaseLost(self._held)
        if stopping.is_asked():
            raise stopping.Stopping

    def _beat(self) -> None:
        lease = self._context.settings.lease
        while not self._stop.wait(lease.total_seconds() / 4):
            try:
                with self._context.database.unit_of_work() as session:
                    now = self._context.clock.now()
                    renewed = self._renew(session, self._held, now=now, lease=lease)
            except SQLAlchemyError:
                # Three more tries fit into the lease; after it the sweeper takes over.
                log.warning("could not renew %s, trying again", self._held, exc_info=True)
                continue
            if not renewed:
                self._lost.set()
                return
