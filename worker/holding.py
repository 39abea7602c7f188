"""Working under a claim: the lease is renewed, and whatever happens, the claim is let go of."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from server.models import AttemptOutcome
from server.storage.store import BlobDamaged, BlobMissing
from server.submissions import attempts, leases
from server.submissions.leases import Claim
from worker import stopping, trouble
from worker.context import Context
from worker.heartbeat import Heartbeat, LeaseLost
from worker.sandbox.allowance import ChildFailed

log = logging.getLogger(__name__)
REPORT_SECONDS = 0.5
RETRY_SECONDS = 1.0
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (BlobMissing, attempts.STORE_UNREACHABLE),
    (BlobDamaged, attempts.ARCHIVE_DAMAGED),
    (OSError, attempts.DISK_TROUBLE),
)


class Holding:
    """A claim that is kept while work goes on."""

    def __init__(self, context: Context, held: Claim, heartbeat: Heartbeat) -> None:
        self._context = context
        self._held = held
        self._heartbeat = heartbeat
        self._reported_at = time.monotonic()

    def check(self) -> None:
        """Raise `LeaseLost` or `Stopping` if this worker should not go on."""
        self._heartbeat.check()

    def progress(self, done: int, _total: int) -> None:
        """Write now and then how many images are counted."""
        self.check()
        now = time.monotonic()
        if now - self._reported_at < REPORT_SECONDS:
            return
        self._reported_at = now
        try:
            with self._context.database.unit_of_work() as session:
                leases.report(session, self._held, images=done)
        except SQLAlchemyError:
            log.warning("could not report how far %s is, going on", self._held, exc_info=True)


@contextmanager
def holding(context: Context, held: Claim) -> Iterator[Holding]:
    """Keep a claim while the block works; hand it back, and say why, if the block fails.

    The row is told what happened, as soon as the database takes it, and the sweeper tries again.
    """
    try:
        with Heartbeat(context, held) as heartbeat:
            yield Holding(context, held, heartbeat)
    except LeaseLost as lost:
        log.warning("%s; nothing was recorded", lost)
        _tell(
            context, held, lambda session, now: attempts.end_unwanted(session, held.token, now=now)
        )
    except stopping.Stopping:
        log.warning("handing %s back, as this worker stops", held)
        _hand_back(context, held, AttemptOutcome.HANDED_BACK, attempts.WORKER_STOPPED)
    except Exception as error:  # the task boundary: logged here, tried again by the sweeper
        log.exception("%s could not be finished, handing it back", held)
        if passing := trouble.told_by(error):
            pause = context.settings.lease
            _hand_back(context, held, AttemptOutcome.HANDED_BACK, passing, pause=pause)
        else:
            _hand_back(context, held, AttemptOutcome.FAILED, reason_of(error))


def reason_of(error: Exception) -> str:
    """Say in words for participants what kept us from finishing; the log has the rest."""
    if isinstance(error, ChildFailed):
        return str(error)
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return attempts.ERROR_OF_OURS


def _hand_back(
    context: Context,
    held: Claim,
    outcome: AttemptOutcome,
    reason: str,
    *,
    pause: timedelta = timedelta(0),
) -> None:
    def let_go(session: Session, now: datetime) -> None:
        leases.hand_back(session, held, now=now, outcome=outcome, reason=reason, pause=pause)

    _tell(context, held, let_go)


def _tell(context: Context, held: Claim, change: Callable[[Session, datetime], None]) -> None:
    """Change the row once more, when the database is there again, unless this worker is to stop.

    Whoever ends without a word, by the task's time limit at the latest, is found out by its lease.
    """
    while True:
        try:
            with context.database.unit_of_work() as session:
                change(session, context.clock.now())
        except SQLAlchemyError as error:
            if stopping.is_asked() or trouble.told_by(error) is None:
                raise
            log.warning("could not let go of %s, trying again: %s", held, error)
            time.sleep(RETRY_SECONDS)
        else:
            return
