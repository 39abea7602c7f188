"""Who works on a submission now: claims, renewals, and the sweep over what was left lying.

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
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from server.jobs.queue import SCORE_SUBMISSION, Job, ring_after_commit
from server.models import Submission, SubmissionState, UtcDateTime
from server.submissions.states import IN_FLIGHT

CHECKING, RECEIVED = SubmissionState.CHECKING, SubmissionState.RECEIVED


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a submission for as long as the lease is renewed."""

    submission_id: int
    token: str


def claim(
    session: Session, submission_id: int, *, now: datetime, lease: timedelta, max_attempts: int
) -> Claim | None:
    """Take a submission; None if it is done, held by another worker, or out of attempts.

    A takeover keeps the state and adds an attempt.
    """
    token = secrets.token_hex(16)
    taken = changed(
        session,
        [
            Submission.id == submission_id,
            Submission.attempts < max_attempts,
            or_(Submission.state == RECEIVED, _abandoned(now)),
        ],
        state=case((Submission.state == RECEIVED, CHECKING), else_=Submission.state),
        lease_token=token,
        lease_until=now + lease,
        attempts=Submission.attempts + 1,
        checking_at=first_time(Submission.checking_at, now),
    )
    return Claim(submission_id, token) if taken else None


def renew(session: Session, held: Claim, *, now: datetime, lease: timedelta) -> bool:
    """Prolong a lease; False if the row is no longer the claim's."""
    return changed(session, is_held(held), lease_until=now + lease)


def hand_back(session: Session, held: Claim, *, now: datetime, is_faultless: bool = False) -> bool:
    """Give up a submission unfinished: the next sweep rings it again.

    One that is handed back without a fault is rung at once, and counts as no attempt.
    """
    given_up = changed(
        session,
        is_held(held),
        lease_token=None,
        lease_until=now,
        attempts=Submission.attempts - int(is_faultless),
    )
    if given_up and is_faultless:
        ring_after_commit(session, Job(SCORE_SUBMISSION, held.submission_id))
    return given_up


def is_held(held: Claim) -> list[ColumnElement[bool]]:
    """Return the conditions under which a claim may still change its row."""
    return [
        Submission.id == held.submission_id,
        Submission.lease_token == held.token,
        Submission.state.in_(IN_FLIGHT),
    ]


def exhausted(session: Session, *, now: datetime, max_attempts: int) -> Sequence[int]:
    """Return the ids that were tried as often as may be, each time in vain."""
    return session.scalars(
        select(Submission.id)
        .where(Submission.attempts >= max_attempts, _abandoned(now))
        .order_by(Submission.id)
    ).all()


def to_ring_again(session: Session, *, now: datetime, lease: timedelta) -> Sequence[int]:
    """Return the ids whose message seems lost: those whose lease has run out.

    One that nobody has claimed yet may just wait in a long queue, so it is rung once a lease.
    """
    ids = session.scalars(
        select(Submission.id)
        .where(Submission.state.in_(IN_FLIGHT), Submission.lease_until <= now)
        .order_by(Submission.id)
    ).all()
    session.execute(
        update(Submission)
        .where(Submission.id.in_(ids), Submission.state == RECEIVED)
        .values(lease_until=now + lease)
    )
    return ids


def _abandoned(now: datetime) -> ColumnElement[bool]:
    return and_(
        Submission.state.in_([state for state in IN_FLIGHT if state is not RECEIVED]),
        Submission.lease_until <= now,
    )


def first_time(column: InstrumentedAttribute[datetime | None], now: datetime) -> Any:
    """Return the time that a column keeps: the first one that it was given."""
    return func.coalesce(column, literal(now, UtcDateTime()))


def changed(session: Session, where: list[ColumnElement[bool]], **values: Any) -> bool:
    """Change the one submission that meets all conditions; False if there is none."""
    result = session.execute(
        update(Submission).where(*where).values(values).execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount == 1
