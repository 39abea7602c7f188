"""Races for a run, and what becomes of those that nobody finishes."""

from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from server.db import Database
from server.entry_kinds import EntryKind
from server.jobs.queue import SCORE_SUBMISSION, Job, RecordingQueue
from server.model_runs import claims, recipes
from server.model_runs.claims import RunClaim
from server.model_runs.states import (
    DEADLINES,
    DEADLINES_OF_WEIGHTS,
    FINAL,
    IN_FLIGHT,
    TRANSITIONS,
)
from server.models import (
    Board,
    Membership,
    ModelRun,
    ModelRunState,
    Protocol,
    Split,
    SplitName,
    Submission,
    SubmissionState,
)
from server.settings import Settings
from server.submissions import attempts, predictions, service
from server.submissions.service import Entry, StoredArchive
from tests.support.database import (
    LEASE,
    NO_TO_ALL,
    NOW,
    TERMS,
    add_subset,
    add_truth,
    add_user,
)

pytestmark = pytest.mark.both_databases
SETTINGS = Settings(
    max_attempts=3, model_limit_hours=10, waiting_limit_hours=5, weights_limit_hours=2
)
LATER = NOW + LEASE + timedelta(seconds=1)


@pytest.fixture
def run_id(database: Database) -> int:
    with database.unit_of_work() as session:
        add_subset(session)
        add_truth(session)
        user = add_user(session)
        board = session.scalars(
            select(Board).where(Board.protocol == Protocol.FULLY_UNSUPERVISED)
        ).first()
        team = session.scalars(select(Membership.team_id)).one()
        assert board is not None
        run = ModelRun(
            board_id=board.id,
            team_id=team,
            user_id=user.id,
            created_at=NOW,
            recipe="tiny",
            state=ModelRunState.WAITING,
            state_since=NOW,
            curves={},
            lease_until=NOW + LEASE,
        )
        session.add(run)
        session.flush()
        return run.id


@pytest.fixture
def of_weights(database: Database, run_id: int) -> int:
    """Submit weights, and return the id of the run that makes their masks."""
    with database.unit_of_work() as session:
        reference = session.get_one(ModelRun, run_id)
        reference.state = ModelRunState.CANCELLED
        session.execute(
            update(Split).where(Split.truth_version.is_not(None)).values(image_folder="/images")
        )
        entry = Entry(
            protocol=Protocol.DISTANCE_MATCHING,
            subset="tiny",
            split=SplitName.TEST,
            declarations=NO_TO_ALL,
            kind=EntryKind.WEIGHTS,
        )
        weights = StoredArchive(public_id="w", key="weights/w", sha256="0" * 64, size_bytes=9)
        submission = service.accept(
            session,
            entry,
            weights,
            user_id=reference.user_id,
            team_id=reference.team_id,
            idempotency_key=None,
            now=NOW,
            lease=LEASE,
        )
        return session.scalars(
            select(ModelRun.id).where(ModelRun.submission_id == submission.id)
        ).one()


MASKS = StoredArchive(public_id="m", key="archives/m", sha256="1" * 64, size_bytes=7)


def entry_of(database: Database, run_id: int) -> Submission:
    with database.reading() as session:
        run = session.get_one(ModelRun, run_id)
        return session.get_one(Submission, run.submission_id)


def claimed(database: Database, run_id: int, *, now: object = NOW) -> RunClaim | None:
    with database.unit_of_work() as session:
        return claims.claim(session, run_id, now=now, terms=TERMS)  # type: ignore[arg-type]


def row(database: Database, run_id: int) -> ModelRun:
    with database.reading() as session:
        return session.get_one(ModelRun, run_id)


def test_one_worker_at_a_time(database: Database, run_id: int) -> None:
    assert claimed(database, run_id) is not None
    assert claimed(database, run_id) is None


def test_a_silent_worker_loses_it_and_can_record_nothing(database: Database, run_id: int) -> None:
    lost = claimed(database, run_id)
    taken = claimed(database, run_id, now=LATER)

    assert lost is not None
    assert taken is not None
    with database.unit_of_work() as session:
        assert not claims.renew(session, lost, now=LATER, lease=LEASE)
        assert not claims.fail(session, lost, because="why", now=LATER)
        assert claims.renew(session, taken, now=LATER, lease=LEASE)
    assert row(database, run_id).attempts == 2
    assert row(database, run_id).interrupted_because == claims.WORKER_LOST


def test_what_nobody_holds_is_rung_once_a_lease(database: Database, run_id: int) -> None:
    claimed(database, run_id)
    with database.unit_of_work() as session:
        assert claims.to_ring_again(session, now=NOW, lease=LEASE) == []
        assert claims.to_ring_again(session, now=LATER, lease=LEASE) == [run_id]
        assert claims.to_ring_again(session, now=LATER, lease=LEASE) == []


def test_a_worker_that_stops_in_order_costs_no_attempt(database: Database, run_id: int) -> None:
    for _ in range(5):
        held = claimed(database, run_id)
        assert held is not None
        with database.unit_of_work() as session:
            claims.hand_back(session, held, because="stopped", is_faultless=True, until=NOW)

    assert row(database, run_id).attempts == 0


def test_after_as_many_attempts_as_may_be_it_has_failed(database: Database, run_id: int) -> None:
    for _ in range(3):
        held = claimed(database, run_id)
        assert held is not None
        with database.unit_of_work() as session:
            claims.hand_back(session, held, because="It broke.", is_faultless=False, until=NOW)
    assert claimed(database, run_id) is None

    with database.unit_of_work() as session:
        (failed,) = claims.fail_hopeless(session, SETTINGS, now=NOW)

    assert failed.id == run_id
    assert row(database, run_id).state is ModelRunState.FAILED
    assert "It broke." in (row(database, run_id).failure or "")


@pytest.mark.parametrize(("is_begun", "hours"), [(False, 5), (True, 10)])
def test_no_state_lasts_for_ever(
    database: Database, run_id: int, is_begun: bool, hours: int
) -> None:
    held = claimed(database, run_id) if is_begun else None
    for early in (True, False):
        at = NOW + timedelta(hours=hours) - early * timedelta(seconds=1)
        with database.unit_of_work() as session:
            failed = claims.fail_hopeless(session, SETTINGS, now=at)
        assert len(failed) == (0 if early else 1)
    if held is not None:
        with database.unit_of_work() as session:
            assert not claims.renew(session, held, now=NOW, lease=LEASE)


def test_masks_are_delivered_once_and_by_whoever_holds_the_run(
    database: Database, queue: RecordingQueue, of_weights: int
) -> None:
    lost = claimed(database, of_weights)
    taken = claimed(database, of_weights, now=LATER)
    assert lost is not None
    assert taken is not None

    delivered = []
    for held in (lost, taken, taken):
        with suppress(Undone), database.unit_of_work() as session:
            delivered.append(claims.deliver(session, held, MASKS, now=LATER, lease=LEASE))
            if not delivered[-1]:
                raise Undone

    assert delivered == [False, True, False]
    entry = entry_of(database, of_weights)
    assert (entry.state, entry.archive_key) == (SubmissionState.RECEIVED, MASKS.key)
    assert (entry.archive_sha256, entry.archive_bytes) == (MASKS.sha256, MASKS.size_bytes)
    assert row(database, of_weights).state is ModelRunState.FINISHED
    assert queue.rung.count(Job(SCORE_SUBMISSION, entry.id)) == 1


class Undone(Exception):
    """What a worker raises that has nothing to record."""


def test_broken_weights_are_rejected_and_their_key_is_given_back(
    database: Database, of_weights: int
) -> None:
    held = claimed(database, of_weights)
    assert held is not None
    with database.unit_of_work() as session:
        key = claims.reject(session, held, because="No.", findings=[{"code": "x"}], now=LATER)

    assert key == "weights/w"
    entry = entry_of(database, of_weights)
    assert (entry.state, entry.findings) == (SubmissionState.REJECTED, [{"code": "x"}])
    assert (entry.weights_key, entry.finished_at) == (None, LATER)
    assert row(database, of_weights).state is ModelRunState.FAILED


def test_a_run_that_cannot_be_finished_takes_its_submission_along(
    database: Database, of_weights: int
) -> None:
    held = claimed(database, of_weights)
    assert held is not None
    with database.unit_of_work() as session:
        assert claims.fail(session, held, because="/images is gone", now=LATER)

    entry = entry_of(database, of_weights)
    assert entry.state is SubmissionState.FAILED
    assert attempts.WEIGHTS_NOT_RUN in (entry.failure or "")
    assert "/images" not in (entry.failure or "")


@pytest.mark.parametrize("state", IN_FLIGHT)
def test_no_state_of_weights_lasts_for_ever_and_no_submission_outlives_its_run(
    database: Database, of_weights: int, state: ModelRunState
) -> None:
    if state is ModelRunState.RUNNING:
        assert claimed(database, of_weights) is not None
    deadline = NOW + DEADLINES_OF_WEIGHTS[state](SETTINGS)

    with database.unit_of_work() as session:
        early = claims.fail_hopeless(session, SETTINGS, now=deadline - timedelta(seconds=1))
    assert early == []
    with database.unit_of_work() as session:
        (failed,) = claims.fail_hopeless(session, SETTINGS, now=deadline)

    assert failed.id == of_weights
    assert row(database, of_weights).state is ModelRunState.FAILED
    entry = entry_of(database, of_weights)
    assert entry.state is SubmissionState.FAILED
    why = attempts.MASKS_LATE if state is ModelRunState.WAITING else attempts.WEIGHTS_NOT_RUN
    assert why in (entry.failure or "")


def test_three_attempts_in_vain_end_run_and_submission(database: Database, of_weights: int) -> None:
    for _ in range(SETTINGS.max_attempts):
        held = claimed(database, of_weights)
        assert held is not None
        with database.unit_of_work() as session:
            claims.hand_back(session, held, because="It broke.", is_faultless=False, until=NOW)

    with database.unit_of_work() as session:
        (failed,) = claims.fail_hopeless(session, SETTINGS, now=NOW)

    assert "It broke." in failed.because
    assert entry_of(database, of_weights).state is SubmissionState.FAILED


def test_the_table_of_states_is_whole(queue: RecordingQueue) -> None:
    assert set(TRANSITIONS) == set(ModelRunState) == set(FINAL) | set(IN_FLIGHT)
    assert all(not TRANSITIONS[state] for state in FINAL)
    assert set(DEADLINES) == set(DEADLINES_OF_WEIGHTS) == set(IN_FLIGHT)
    assert queue.rung == []


def test_the_official_matching_is_that_of_every_published_recipe() -> None:
    known = pytest.importorskip("reference_model.recipes").RECIPES

    official = known[predictions.OFFICIAL_RECIPE]().distance_matching
    assert all(known[name]().distance_matching == official for name in ("s50", "s300", "s919"))


def test_recipes_are_those_of_the_reference_model() -> None:
    known = pytest.importorskip("reference_model.recipes").RECIPES

    assert {name: choice.classes for name, choice in recipes.RECIPES.items()} == {
        name: make().categories for name, make in known.items()
    }
