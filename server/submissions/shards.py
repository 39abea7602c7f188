"""Large submissions in shards: planned by whoever checked them, counted by any worker.

A submission that has shards left to count cannot be claimed itself (`leases`); once the last one
is done, whoever claims it merges.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, select, update
from sqlalchemy.orm import Session

from server.jobs.queue import SCORE_SHARD, SCORE_SUBMISSION, Job, ring_after_commit
from server.models import AttemptOutcome, Shard, Submission, SubmissionState
from server.submissions import attempts
from server.submissions.leases import (
    Claim,
    ShardClaim,
    Terms,
    changed,
    is_free,
    is_held,
    lock,
    new_token,
)


@dataclass(frozen=True, slots=True)
class Part:
    """Images ``first`` to before ``stop`` in sorted order, and the key of their tallies."""

    first: int
    stop: int
    tallies_key: str


def plan(
    session: Session,
    held: Claim,
    parts: Sequence[Part],
    *,
    truth_version: str,
    now: datetime,
    lease: timedelta,
) -> bool:
    """Cut a submission that its claim has brought to scoring, let go of it and ring for each shard.

    The attempts begin anew: they are counted for each step of the way.
    """
    let_go = changed(
        session,
        Submission,
        [*is_held(held), Submission.state == SubmissionState.SCORING],
        lease_token=None,
        lease_until=now,
        attempts=0,
    )
    if not let_go:
        return False
    attempts.end(session, held.token, AttemptOutcome.DONE, now=now)
    for position, part in enumerate(parts):
        session.add(
            Shard(
                submission_id=held.submission_id,
                position=position,
                first=part.first,
                stop=part.stop,
                truth_version=truth_version,
                tallies_key=part.tallies_key,
                findings=[],
                lease_until=now + lease,
            )
        )
        ring_after_commit(session, Job(SCORE_SHARD, held.submission_id))
    return True


def claim_next(
    session: Session, submission_id: int, *, now: datetime, terms: Terms
) -> ShardClaim | None:
    """Take the first shard of a submission that nobody holds; None if there is none."""
    lock(session, submission_id)
    free = [
        Shard.submission_id == submission_id,
        Shard.is_done.is_(False),
        Shard.attempts < terms.max_attempts,
        is_free(Shard, now),
        exists().where(Submission.id == submission_id, Submission.state == SubmissionState.SCORING),
    ]
    candidates = session.scalars(select(Shard).where(*free).order_by(Shard.position)).all()
    for shard in candidates:
        token = new_token()
        taken = changed(
            session,
            Shard,
            [Shard.id == shard.id, Shard.attempts == shard.attempts, *free],
            lease_token=token,
            lease_until=now + terms.lease,
            attempts=Shard.attempts + 1,
            images_done=0,
        )
        if taken:
            changed(session, Submission, [Submission.id == submission_id], postponed_because=None)
            attempts.end_silent(session, now=now, limit=terms.limit, submission_id=submission_id)
            attempts.begin(
                session,
                submission_id=submission_id,
                shard=shard.position,
                number=shard.attempts + 1,
                token=token,
                worker=terms.worker,
                now=now,
            )
            return ShardClaim(
                submission_id,
                token,
                shard.id,
                shard.first,
                shard.stop,
                shard.truth_version,
                shard.tallies_key,
            )
    return None


def finish(
    session: Session, held: ShardClaim, *, findings: Sequence[dict[str, Any]], now: datetime
) -> bool:
    """Mark a shard as counted, or its images as faulty; once, and by whoever holds it."""
    images = held.stop - held.first
    finished = changed(
        session,
        Shard,
        is_held(held),
        is_done=True,
        images_done=images,
        findings=list(findings),
        lease_token=None,
    )
    if finished:
        attempts.end(session, held.token, AttemptOutcome.DONE, now=now, images=images)
    return finished


def start_over(session: Session, held: ShardClaim, *, now: datetime) -> bool:
    """Drop the plan that a shard belongs to, whose tallies could not be merged with ours."""
    lock(session, held.submission_id)
    if not changed(session, Shard, is_held(held), lease_token=None):
        return False
    reason = attempts.SCORER_CHANGED
    attempts.end(session, held.token, AttemptOutcome.HANDED_BACK, now=now, reason=reason)
    session.execute(delete(Shard).where(Shard.submission_id == held.submission_id))
    ring_after_commit(session, Job(SCORE_SUBMISSION, held.submission_id))
    return True


def has_exhausted(*, now: datetime, max_attempts: int) -> ColumnElement[bool]:
    """Return the condition of submissions with a shard that was tried often enough, in vain."""
    return and_(
        Submission.state == SubmissionState.SCORING,
        exists().where(
            Shard.submission_id == Submission.id,
            Shard.is_done.is_(False),
            Shard.attempts >= max_attempts,
            is_free(Shard, now),
        ),
    )


def to_ring_again(session: Session, *, now: datetime, lease: timedelta) -> Sequence[int]:
    """Return, a time for each shard whose message seems lost, the id of its submission."""
    rows = session.execute(
        select(Shard.id, Shard.submission_id)
        .where(Shard.is_done.is_(False), Shard.lease_until <= now)
        .order_by(Shard.id)
    ).all()
    session.execute(
        update(Shard)
        .where(Shard.id.in_([row.id for row in rows]), Shard.lease_token.is_(None))
        .values(lease_until=now + lease)
    )
    return [row.submission_id for row in rows]


def forget_finished(session: Session) -> None:
    """Delete the shards of submissions that have ended otherwise than by their merging."""
    scoring = select(Submission.id).where(Submission.state == SubmissionState.SCORING)
    session.execute(delete(Shard).where(Shard.submission_id.not_in(scoring)))


def scoring_ids(session: Session, public_ids: Sequence[str]) -> frozenset[str]:
    """Return those of the public ids whose shards are still being counted or merged."""
    found = session.scalars(
        select(Submission.public_id).where(
            Submission.public_id.in_(public_ids), Submission.state == SubmissionState.SCORING
        )
    )
    return frozenset(found)
