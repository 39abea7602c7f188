"""Places in the queue, and estimates that are honest about what is not known."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from server.db import Database
from server.models import Attempt, AttemptOutcome, Shard, Submission, SubmissionState, User
from server.organizers.service import TruthFacts
from server.submissions.waiting import Place, places_of
from tests.support.database import NOW, add_submission, add_subset, add_truth, add_user

IMAGES, SHARD_IMAGES = 100, 40
TRUTH = TruthFacts(
    version="truth-1", classes=3, manifest={f"n1/{place}.png": (4, 5) for place in range(IMAGES)}
)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.unit_of_work() as session:
        add_subset(session)
        add_truth(session, truth=TRUTH)
        yield session


@pytest.fixture
def user(session: Session) -> User:
    return add_user(session)


def enter(session: Session, user: User, name: str, **columns: Any) -> Submission:
    submission = add_submission(session, user, public_id=name)
    for column, value in columns.items():
        setattr(submission, column, value)
    session.flush()
    return submission


def work(
    session: Session,
    submission: Submission,
    *,
    worker: str,
    images: int = 0,
    seconds: float = 0,
    ended_at: datetime | None = NOW,
    outcome: AttemptOutcome | None = AttemptOutcome.DONE,
) -> None:
    session.add(
        Attempt(
            submission_id=submission.id,
            number=1,
            token=f"{worker}-{submission.id}-{images}-{seconds}",
            worker=worker,
            started_at=(ended_at or NOW) - timedelta(seconds=seconds),
            ended_at=ended_at,
            outcome=outcome,
            images=images,
        )
    )
    session.flush()


def history(session: Session, user: User, *, workers: int = 1, ended_at: datetime = NOW) -> None:
    """Let workers have scored a submission each at 10 images a second, the check included."""
    for place in range(workers):
        state = SubmissionState.SCORED
        done = enter(session, user, f"done{place}", state=state, progress_done=IMAGES)
        for images, seconds in ((0, 2), (IMAGES, 8)):
            work(
                session,
                done,
                worker=f"worker-{place}",
                images=images,
                seconds=seconds,
                ended_at=ended_at,
            )


def place(session: Session, submission: Submission) -> Place | None:
    found = places_of(session, [submission], now=NOW, shard_images=SHARD_IMAGES)
    return found.get(submission.id)


def test_without_history_there_is_a_place_and_no_estimate(session: Session, user: User) -> None:
    first, second = enter(session, user, "first"), enter(session, user, "second")

    assert place(session, first) == Place(position=0, estimated_seconds=None)
    assert place(session, second) == Place(position=1, estimated_seconds=None)


def test_what_is_final_is_in_no_queue(session: Session, user: User) -> None:
    history(session, user)
    done = enter(session, user, "rejected", state=SubmissionState.REJECTED)

    assert place(session, done) is None


@pytest.mark.parametrize(
    ("workers", "seconds"),
    # 100 images in front and 100 of one's own, which are cut into three shards
    [(1, 20), (2, 10), (3, 7), (8, 5)],
)
def test_an_estimate_counts_the_images_in_front_and_the_workers(
    session: Session, user: User, workers: int, seconds: int
) -> None:
    history(session, user, workers=workers)
    enter(session, user, "first")

    assert place(session, enter(session, user, "second")) == Place(
        position=1, estimated_seconds=seconds
    )


def test_what_is_counted_already_counts_no_more(session: Session, user: User) -> None:
    history(session, user)
    scoring = enter(session, user, "first", state=SubmissionState.SCORING, progress_total=IMAGES)
    for position, done in enumerate((40, 10)):
        session.add(
            Shard(
                submission_id=scoring.id,
                position=position,
                first=0,
                stop=50,
                truth_version="truth-1",
                tallies_key="key",
                images_done=done,
                findings=[],
                lease_until=NOW,
            )
        )
    session.flush()
    behind = enter(session, user, "second")

    assert place(session, scoring) == Place(position=0, estimated_seconds=5)
    assert place(session, behind) == Place(position=1, estimated_seconds=15)


def test_workers_that_nobody_has_seen_lately_promise_nothing(session: Session, user: User) -> None:
    history(session, user, ended_at=NOW - timedelta(hours=1))
    waiting = enter(session, user, "first")
    found = place(session, waiting)
    assert found is not None
    assert found.estimated_seconds is None

    work(session, waiting, worker="worker-9", ended_at=None, outcome=None)

    found = place(session, waiting)
    assert found is not None
    assert found.estimated_seconds == 10


def test_a_worker_that_was_lost_is_not_counted_on(session: Session, user: User) -> None:
    history(session, user)
    waiting = enter(session, user, "first")
    work(session, waiting, worker="worker-9", outcome=AttemptOutcome.LOST)

    found = place(session, waiting)
    assert found is not None
    assert found.estimated_seconds == 10
