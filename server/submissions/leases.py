"""Who works on a submission or a shard now: claims, renewals, hand-backs.

Every function is one statement, or one statement a row, whose WHERE clause decides the race.
A worker proves that a row is still its own by the lease token; one that lost it records nothing.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from server.jobs.queue import SCORE_SHARD, SCORE_SUBMISSION, Job, ring_after_commit
from server.models import (
    AttemptOutcome,
    ModelRun,
    Shard,
    Submission,
    SubmissionState,
    UtcDateTime,
)
from server.submissions import attempts
from server.submissions.states import IN_FLIGHT

CHECKING, RECEIVED = SubmissionState.CHECKING, SubmissionState.RECEIVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a worker claims: its name, for how long, how often, and how long at most."""

    worker: str
    lease: timedelta
    max_attempts: int
    limit: timedelta


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a submission for as long as the lease is renewed."""

    submission_id: int
    token: str

    def __str__(self) -> str:
        return f"submission {self.submission_id}"


@dataclass(frozen=True, slots=True)
class ShardClaim(Claim):
    """The right to count one shard, with what there is to know of it."""

    shard_id: int
    first: int
    stop: int
    truth_version: str
    tallies_key: str

    def __str__(self) -> str:
        return f"images {self.first} to {self.stop} of submission {self.submission_id}"


def claim(session: Session, submission_id: int, *, now: datetime, terms: Terms) -> Claim | None:
    """Take a submission; None if it is done, held elsewhere, being counted, or out of attempts.

    One that waits for its masks has nothing to be scored yet.

    A takeover keeps the state and adds an attempt.
    """
    lock(session, submission_id)
    token = new_token()
    taken = changed(
        session,
        Submission,
        [
            Submission.id == submission_id,
            Submission.attempts < terms.max_attempts,
            or_(Submission.state == RECEIVED, _is_abandoned(now)),
            ~awaits_masks(),
        ],
        state=case((Submission.state == RECEIVED, CHECKING), else_=Submission.state),
        state_since=case((Submission.state == RECEIVED, now), else_=Submission.state_since),
        lease_token=token,
        lease_until=now + terms.lease,
        attempts=Submission.attempts + 1,
        checking_at=first_time(Submission.checking_at, now),
        postponed_because=None,
    )
    if not taken:
        return None
    number = session.scalars(
        select(Submission.attempts).where(Submission.id == submission_id)
    ).one()
    attempts.end_silent(session, now=now, limit=terms.limit, submission_id=submission_id)
    attempts.begin(
        session,
        submission_id=submission_id,
        shard=None,
        number=number,
        token=token,
        worker=terms.worker,
        now=now,
    )
    return Claim(submission_id, token)


def lock(session: Session, submission_id: int) -> None:
    """Keep a submission from changes of others until the unit of work ends; shards come after it.

    For what is decided by several tables: a statement of PostgreSQL that has waited for a row sees
    the other tables as they were before it waited. And what always locks the submission first
    never waits for something that waits for it.
    """
    row = select(Submission.id).where(Submission.id == submission_id)
    session.execute(row.with_for_update(key_share=True))


def renew(session: Session, held: Claim, *, now: datetime, lease: timedelta) -> bool:
    """Prolong a lease; False if the row is no longer the claim's."""
    return changed(session, _row_of(held), is_held(held), lease_until=now + lease)


def report(session: Session, held: Claim, *, images: int) -> bool:
    """Say how many images are counted; False if the row is no longer the claim's."""
    column = "images_done" if isinstance(held, ShardClaim) else "progress_done"
    return changed(session, _row_of(held), is_held(held), **{column: images})


def hand_back(
    session: Session,
    held: Claim,
    *,
    now: datetime,
    outcome: AttemptOutcome,
    reason: str,
    pause: timedelta = timedelta(0),
) -> bool:
    """Give up a claim unfinished, and say why.

    What failed waits for the next sweep. What was handed back without a fault counts as no
    attempt; it is rung at once, or by a sweep after the pause.
    """
    row, is_faultless = _row_of(held), outcome is AttemptOutcome.HANDED_BACK
    given_up = changed(
        session,
        row,
        is_held(held),
        lease_token=None,
        lease_until=now + pause,
        attempts=row.attempts - int(is_faultless),
    )
    if given_up:
        attempts.end(session, held.token, outcome, now=now, reason=reason)
        if is_faultless and not pause:
            task = SCORE_SHARD if isinstance(held, ShardClaim) else SCORE_SUBMISSION
            ring_after_commit(session, Job(task, held.submission_id))
    return given_up


def put_off(
    session: Session, submission_id: int, *, because: str, now: datetime, lease: timedelta
) -> None:
    """Leave to a later ring what nobody holds of a submission; if that is all of it, say why."""
    lock(session, submission_id)
    shards = [Shard.submission_id == submission_id, Shard.is_done.is_(False)]
    changed(
        session,
        Submission,
        [
            Submission.id == submission_id,
            Submission.state.in_(IN_FLIGHT),
            ~awaits_masks(),
            is_free(Submission, now),
            ~exists().where(*shards, ~is_free(Shard, now)),
        ],
        lease_until=now + lease,
        postponed_because=because,
    )
    session.execute(
        update(Shard)
        .where(*shards, is_free(Shard, now))
        .values(lease_until=now + lease)
        .execution_options(synchronize_session=False)
    )


def is_held(held: Claim) -> list[ColumnElement[bool]]:
    """Return the conditions under which a claim may still change its row."""
    if isinstance(held, ShardClaim):
        return [
            Shard.id == held.shard_id,
            Shard.lease_token == held.token,
            Shard.is_done.is_(False),
            exists().where(
                Submission.id == held.submission_id, Submission.state == SubmissionState.SCORING
            ),
        ]
    return [
        Submission.id == held.submission_id,
        Submission.lease_token == held.token,
        Submission.state.in_(IN_FLIGHT),
    ]


def is_exhausted(*, now: datetime, max_attempts: int) -> ColumnElement[bool]:
    """Return the condition of what was tried as often as may be, each time in vain."""
    return and_(Submission.attempts >= max_attempts, _is_abandoned(now))


def shorten(session: Session, *, now: datetime, lease: timedelta) -> None:
    """Let no lease end later than one that is given now: the clock was set back since."""
    for row in (Submission, Shard, ModelRun):
        session.execute(
            update(row)
            .where(row.lease_until > now + lease)
            .values(lease_until=now + lease)
            .execution_options(synchronize_session=False)
        )


def to_ring_again(session: Session, *, now: datetime, lease: timedelta) -> Sequence[int]:
    """Return the ids whose message seems lost: those whose lease has run out.

    One that nobody has claimed yet may just wait in a long queue, so it is rung once a lease.
    """
    ids = session.scalars(
        select(Submission.id)
        .where(
            Submission.state.in_(IN_FLIGHT),
            Submission.lease_until <= now,
            ~_is_being_counted(),
            ~awaits_masks(),
        )
        .order_by(Submission.id)
    ).all()
    session.execute(
        update(Submission)
        .where(Submission.id.in_(ids), Submission.lease_token.is_(None))
        .values(lease_until=now + lease)
    )
    return ids


def is_free(row: type[Submission | Shard | ModelRun], now: datetime) -> ColumnElement[bool]:
    return or_(row.lease_token.is_(None), row.lease_until <= now)


def awaits_masks() -> ColumnElement[bool]:
    """Return the condition of submitted weights whose masks are not made yet."""
    return and_(
        Submission.state == RECEIVED,
        Submission.weights_sha256.is_not(None),
        Submission.archive_key.is_(None),
    )


def _is_abandoned(now: datetime) -> ColumnElement[bool]:
    begun = Submission.state.in_([state for state in IN_FLIGHT if state is not RECEIVED])
    return and_(begun, is_free(Submission, now), ~_is_being_counted())


def _is_being_counted() -> ColumnElement[bool]:
    """Return the condition that shards are left to count: then they are claimed instead."""
    return exists().where(Shard.submission_id == Submission.id, Shard.is_done.is_(False))


def _row_of(held: Claim) -> type[Submission | Shard]:
    return Shard if isinstance(held, ShardClaim) else Submission


def first_time(column: InstrumentedAttribute[datetime | None], now: datetime) -> Any:
    """Return the time that a column keeps: the first one that it was given."""
    return func.coalesce(column, literal(now, UtcDateTime()))


def new_token() -> str:
    return secrets.token_hex(16)


def changed(
    session: Session,
    row: type[Submission | Shard | ModelRun],
    where: Sequence[ColumnElement[bool]],
    **values: Any,
) -> bool:
    """Change the one row that meets all conditions; False if there is none."""
    result = session.execute(
        update(row).where(*where).values(values).execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount == 1
