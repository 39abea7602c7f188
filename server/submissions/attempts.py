"""The log of attempts: who tried what, and how it ended, in words that a participant may read.

An attempt is known by the token of its claim. It is over when its claim no longer holds a lease.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, exists, select, update
from sqlalchemy.orm import Session

from server.log_config import tell
from server.models import Attempt, AttemptOutcome, Shard, Submission

WORKER_LOST = "worker lost"
WORKER_STOPPED = "worker stopped"
TOOK_TOO_LONG = "took too long"
STORE_UNREACHABLE = "store unreachable"
DATABASE_UNREACHABLE = "database unreachable"
DISK_FULL = "disk full"
SANDBOX_NOT_STARTED = "the worker could not start its sandbox"
DISK_TROUBLE = "disk trouble"
FILE_MISSING = "a file of ours is missing"
ARCHIVE_DAMAGED = "archive damaged in the store"
ERROR_OF_OURS = "an error of ours"
WEIGHTS_NOT_RUN = "the weights could not be run here"
MASKS_LATE = "no worker made the masks in time"
SCORER_CHANGED = "scorer or truth updated"
NO_LONGER_WANTED = "no longer wanted"
WITHDRAWN = "withdrawn by its team"


def begin(
    session: Session,
    *,
    submission_id: int,
    shard: int | None,
    number: int,
    token: str,
    worker: str,
    now: datetime,
) -> None:
    """Write down that somebody tries, also on the lines that are logged of it."""
    tell(attempt=number, **({} if shard is None else {"shard": shard}))
    session.add(
        Attempt(
            submission_id=submission_id,
            shard=shard,
            number=number,
            token=token,
            worker=worker,
            started_at=now,
        )
    )


def end(
    session: Session,
    token: str,
    outcome: AttemptOutcome,
    *,
    now: datetime,
    reason: str | None = None,
    images: int = 0,
) -> None:
    """Say how an attempt ended, by whoever still holds its claim; ``images`` is what it counted."""
    session.execute(
        update(Attempt)
        .where(Attempt.token == token)
        .values(ended_at=now, outcome=outcome, reason=reason, images=images)
        .execution_options(synchronize_session=False)
    )


def end_silent(
    session: Session, *, now: datetime, limit: timedelta, submission_id: int | None = None
) -> None:
    """End the attempts whose claim holds no lease any more; of one submission, or of all."""
    where = [Attempt.ended_at.is_(None), ~_holds_lease(now)]
    if submission_id is not None:
        where.append(Attempt.submission_id == submission_id)
    session.execute(
        update(Attempt)
        .where(*where)
        .values(
            ended_at=now,
            outcome=AttemptOutcome.LOST,
            reason=case((Attempt.started_at <= now - limit, TOOK_TOO_LONG), else_=WORKER_LOST),
        )
        .execution_options(synchronize_session=False)
    )


def end_unwanted(session: Session, token: str, *, now: datetime) -> None:
    """End an attempt whose row was taken from it, unless whoever took it has said why already."""
    session.execute(
        update(Attempt)
        .where(Attempt.token == token, Attempt.ended_at.is_(None))
        .values(ended_at=now, outcome=AttemptOutcome.LOST, reason=NO_LONGER_WANTED)
        .execution_options(synchronize_session=False)
    )


def end_all(session: Session, submission_id: int, *, reason: str, now: datetime) -> None:
    """End every attempt at a submission and its shards, as nobody wants it any more."""
    session.execute(
        update(Attempt)
        .where(Attempt.submission_id == submission_id, Attempt.ended_at.is_(None))
        .values(ended_at=now, outcome=AttemptOutcome.LOST, reason=reason)
        .execution_options(synchronize_session=False)
    )


def last_reason(session: Session, submission_id: int) -> str | None:
    """Return why the latest attempt that came to nothing did so, if there is one."""
    return session.scalar(
        select(Attempt.reason)
        .where(Attempt.submission_id == submission_id, Attempt.reason.is_not(None))
        .order_by(Attempt.ended_at.desc(), Attempt.id.desc())
        .limit(1)
    )


def _holds_lease(now: datetime) -> ColumnElement[bool]:
    submission = exists().where(
        Submission.id == Attempt.submission_id,
        Submission.lease_token == Attempt.token,
        Submission.lease_until > now,
    )
    shard = exists().where(
        Shard.submission_id == Attempt.submission_id,
        Shard.lease_token == Attempt.token,
        Shard.lease_until > now,
    )
    return submission | shard
