"""How long a submission still waits: who is in front of it, and what history says of our speed.

An estimate needs both a history and a worker that was seen working lately; without either there is
none. Speed is images over the time that workers held a claim, checks and merges included.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from server.models import (
    Attempt,
    AttemptOutcome,
    Board,
    Shard,
    Split,
    Submission,
    SubmissionState,
    TruthVersion,
)
from server.submissions.leases import awaits_masks
from server.submissions.states import IN_FLIGHT

REMEMBERED_ATTEMPTS = 100
SEEN_LATELY = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How many submissions are in front, and in about how many seconds this one has its scores."""

    position: int
    estimated_seconds: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speed:
    """What workers have shown: images a second of one of them, and how many there are."""

    images_per_second: float
    workers: int

    def seconds(self, images_before: int, images: int, *, shard_images: int) -> int:
        """Return how long ``images`` take after ``images_before``: one worker counts a shard."""
        at_once = min(self.workers, max(1, math.ceil(images / shard_images)))
        shares = images_before / self.workers + images / at_once
        return math.ceil(shares / self.images_per_second)


def places_of(
    session: Session, submissions: Sequence[Submission], *, now: datetime, shard_images: int
) -> Mapping[int, Place]:
    """Return the places of those of the submissions that are not finished, by their ids."""
    if not any(each.state in IN_FLIGHT for each in submissions):
        return {}
    return _places(session, now=now, shard_images=shard_images)


def _places(session: Session, *, now: datetime, shard_images: int) -> Mapping[int, Place]:
    """Return the place of every submission that is not finished, by its id, in order."""
    speed = _speed(session, now=now)
    found: dict[int, Place] = {}
    images_before = 0
    for position, (submission_id, state, images) in enumerate(_unfinished(session)):
        is_waiting = state is SubmissionState.RECEIVED
        seconds = None
        if speed is not None:
            before = images_before if is_waiting else 0
            seconds = speed.seconds(before, images, shard_images=shard_images)
        in_front = position if is_waiting else 0
        found[submission_id] = Place(position=in_front, estimated_seconds=seconds)
        images_before += images
    return found


def _speed(session: Session, *, now: datetime) -> _Speed | None:
    """Return what recently scored submissions tell; None if they tell nothing."""
    recent = session.execute(
        select(Attempt.images, Attempt.started_at, Attempt.ended_at)
        .join(Submission, Submission.id == Attempt.submission_id)
        .where(Attempt.outcome == AttemptOutcome.DONE, Submission.state == SubmissionState.SCORED)
        .order_by(Attempt.ended_at.desc(), Attempt.id.desc())
        .limit(REMEMBERED_ATTEMPTS)
    ).all()
    images = sum(row.images for row in recent)
    seconds = sum((row.ended_at - row.started_at).total_seconds() for row in recent)
    workers = _workers_seen(session, now=now)
    if not (images and seconds > 0 and workers):
        return None
    return _Speed(images_per_second=images / seconds, workers=workers)


def _workers_seen(session: Session, *, now: datetime) -> int:
    """Return how many workers hold a claim, or let go of one lately and were not lost."""
    lately = and_(
        Attempt.ended_at > now - SEEN_LATELY,
        Attempt.outcome.in_([AttemptOutcome.DONE, AttemptOutcome.FAILED]),
    )
    seen = select(func.count(Attempt.worker.distinct())).where(
        or_(Attempt.ended_at.is_(None), lately)
    )
    return session.scalars(seen).one()


def _unfinished(session: Session) -> list[tuple[int, SubmissionState, int]]:
    """Return ids, states and images that are still to be counted, the oldest first."""
    counted = (
        select(Shard.submission_id, func.sum(Shard.images_done).label("images"))
        .group_by(Shard.submission_id)
        .subquery()
    )
    of_split = and_(TruthVersion.split_id == Split.id, TruthVersion.version == Split.truth_version)
    done = func.coalesce(counted.c.images, Submission.progress_done)
    rows = session.execute(
        select(Submission.id, Submission.state, func.coalesce(TruthVersion.images, 0) - done)
        .join(Board, Board.id == Submission.board_id)
        .join(Split, Split.id == Board.split_id)
        .outerjoin(TruthVersion, of_split)
        .outerjoin(counted, counted.c.submission_id == Submission.id)
        .where(Submission.state.in_(IN_FLIGHT), ~awaits_masks())
        .order_by(Submission.id)
    ).all()
    return [(submission_id, state, max(0, images)) for submission_id, state, images in rows]
