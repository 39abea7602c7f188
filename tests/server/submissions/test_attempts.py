"""The log of attempts, as participants read it."""

import pytest
from sqlalchemy import select

from server.db import Database
from server.models import Attempt, AttemptOutcome
from server.submissions import attempts, leases
from server.submissions.leases import Claim
from tests.support.database import (
    LEASE,
    NOW,
    TERMS,
    add_submission,
    add_subset,
    add_truth,
    add_user,
)


@pytest.fixture
def submission_id(database: Database) -> int:
    with database.unit_of_work() as session:
        add_subset(session)
        add_truth(session)
        return add_submission(session, add_user(session)).id


def claim(database: Database, submission_id: int, now: object = NOW) -> Claim:
    with database.unit_of_work() as session:
        held = leases.claim(session, submission_id, now=now, terms=TERMS)
    assert held is not None
    return held


def log(database: Database) -> list[tuple[int, AttemptOutcome | None, str | None]]:
    with database.reading() as session:
        rows = session.scalars(select(Attempt).order_by(Attempt.id)).all()
    return [(row.number, row.outcome, row.reason) for row in rows]


def test_an_attempt_that_runs_has_no_outcome(database: Database, submission_id: int) -> None:
    claim(database, submission_id)

    assert log(database) == [(1, None, None)]


@pytest.mark.parametrize(
    ("after", "reason"),
    [(LEASE, attempts.WORKER_LOST), (TERMS.limit, attempts.TOOK_TOO_LONG)],
)
def test_a_takeover_says_what_became_of_the_one_before(
    database: Database, submission_id: int, after: object, reason: str
) -> None:
    claim(database, submission_id)
    claim(database, submission_id, NOW + after)

    assert log(database) == [(1, AttemptOutcome.LOST, reason), (2, None, None)]


def test_a_sweep_ends_the_silent_ones_alone(database: Database, submission_id: int) -> None:
    claim(database, submission_id)
    for now, outcome in ((NOW, None), (NOW + LEASE, AttemptOutcome.LOST)):
        with database.unit_of_work() as session:
            attempts.end_silent(session, now=now, limit=TERMS.limit)

        assert log(database)[0][1] is outcome


def test_a_hand_back_is_logged_with_its_reason(database: Database, submission_id: int) -> None:
    held = claim(database, submission_id)
    outcome = AttemptOutcome.FAILED
    with database.unit_of_work() as session:
        leases.hand_back(session, held, now=NOW, outcome=outcome, reason="store unreachable")

    assert log(database) == [(1, outcome, "store unreachable")]
    with database.reading() as session:
        assert attempts.last_reason(session, submission_id) == "store unreachable"


def test_a_worker_that_comes_too_late_does_not_rewrite_the_log(
    database: Database, submission_id: int
) -> None:
    lost = claim(database, submission_id)
    claim(database, submission_id, NOW + LEASE)
    with database.unit_of_work() as session:
        attempts.end_unwanted(session, lost.token, now=NOW + LEASE)

    assert log(database)[0] == (1, AttemptOutcome.LOST, attempts.WORKER_LOST)
