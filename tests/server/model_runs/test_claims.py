"""Races for a run, and what becomes of those that nobody finishes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from server.db import Database
from server.jobs.queue import RecordingQueue
from server.model_runs import claims, recipes
from server.model_runs.claims import RunClaim
from server.model_runs.states import DEADLINES, FINAL, IN_FLIGHT, TRANSITIONS
from server.models import Board, Membership, ModelRun, ModelRunState, Protocol
from server.settings import Settings
from tests.support.database import LEASE, NOW, TERMS, add_subset, add_truth, add_user

pytestmark = pytest.mark.both_databases
SETTINGS = Settings(max_attempts=3, model_limit_hours=10, waiting_limit_hours=5)
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


def test_the_table_of_states_is_whole(queue: RecordingQueue) -> None:
    assert set(TRANSITIONS) == set(ModelRunState) == set(FINAL) | set(IN_FLIGHT)
    assert all(not TRANSITIONS[state] for state in FINAL)
    assert set(DEADLINES) == set(IN_FLIGHT)
    assert queue.rung == []


def test_recipes_are_those_of_the_reference_model() -> None:
    known = pytest.importorskip("reference_model.recipes").RECIPES

    assert {name: choice.classes for name, choice in recipes.RECIPES.items()} == {
        name: make().categories for name, make in known.items()
    }
