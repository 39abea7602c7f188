"""Who works on a submission now: claims, renewals, and the sweep over what was left lying.

Every function is one statement, or one statement a row, whose WHERE clause decides the race.
A worker proves that a row is still its own by the lease token; one that lost it records nothing.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, case, literal, or_, select, update
from sqlalchemy.orm import Session

from server.models import Submission, SubmissionState
from server.submissions.states import IN_FLIGHT

PATIENCE = timedelta(days=7)
"""How long operators have to mend what postpones submissions, before that counts as tried."""

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
    )
    return Claim(submission_id, token) if taken else None


def renew(session: Session, held: Claim, *, now: datetime, lease: timedelta) -> bool:
    """Prolong a lease; False if the row is no longer the claim's."""
    return changed(session, is_held(held), lease_until=now + lease)


def hand_back(session: Session, held: Claim, *, now: datetime) -> bool:
    """Give up a submission unfinished: the next sweep rings it again."""
    return changed(session, is_held(held), lease_token=None, lease_until=now)


def postpone(
    session: Session, held: Claim, *, because: str, now: datetime, lease: timedelta
) -> bool:
    """Give up a submission for trouble that passes: rung a lease later, and not counted as tried.

    False if the row is no longer the claim's, or if patience has run out: then it is handed back.
    """
    return changed(
        session,
        [*is_held(held), _is_postponable(now)],
        lease_token=None,
        attempts=Submission.attempts - 1,
        **_postponement(because, now=now, lease=lease),
    )


def postpone_unclaimed(
    session: Session, submission_id: int, *, because: str, now: datetime, lease: timedelta
) -> bool:
    """Leave a submission that nobody holds to a later ring, and say why."""
    return changed(
        session,
        [
            Submission.id == submission_id,
            or_(Submission.state == RECEIVED, _abandoned(now)),
            _is_postponable(now),
        ],
        **_postponement(because, now=now, lease=lease),
    )


def _is_postponable(now: datetime) -> ColumnElement[bool]:
    since = Submission.postponed_since
    return or_(since.is_(None), since > now - PATIENCE)


def _postponement(because: str, *, now: datetime, lease: timedelta) -> dict[str, Any]:
    since = Submission.postponed_since
    return {
        "lease_until": now + lease,
        "postponed_since": case((since.is_(None), literal(now, since.type)), else_=since),
        "postponed_because": because,
    }


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


def changed(session: Session, where: list[ColumnElement[bool]], **values: Any) -> bool:
    """Change the one submission that meets all conditions; False if there is none."""
    result = session.execute(
        update(Submission).where(*where).values(values).execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount == 1
