from datetime import timedelta

import pytest

from server.db import Database
from server.jobs.queue import SCORE_SUBMISSION, Job, RecordingQueue
from server.models import AttemptOutcome, Submission, SubmissionState
from server.submissions import leases
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

pytestmark = pytest.mark.both_databases

LATER = NOW + LEASE
MAX_ATTEMPTS = TERMS.max_attempts


@pytest.fixture
def submission_id(database: Database) -> int:
    with database.unit_of_work() as session:
        add_subset(session)
        add_truth(session)
        return add_submission(session, add_user(session)).id


def claim(database: Database, submission_id: int, *, now: object = NOW) -> Claim | None:
    with database.unit_of_work() as session:
        return leases.claim(session, submission_id, now=now, terms=TERMS)


def row(database: Database, submission_id: int) -> Submission:
    with database.reading() as session:
        return session.get_one(Submission, submission_id)


class TestClaim:
    def test_takes_a_received_submission_into_checking(
        self, database: Database, submission_id: int
    ) -> None:
        assert claim(database, submission_id) is not None

        taken = row(database, submission_id)
        assert taken.state is SubmissionState.CHECKING
        assert taken.attempts == 1
        assert taken.lease_until == NOW + LEASE

    def test_is_refused_while_another_lease_runs(
        self, database: Database, submission_id: int
    ) -> None:
        claim(database, submission_id)

        assert claim(database, submission_id, now=LATER - timedelta(seconds=1)) is None
        assert row(database, submission_id).attempts == 1

    def test_takes_over_an_expired_lease_and_keeps_the_state(
        self, database: Database, submission_id: int
    ) -> None:
        claim(database, submission_id)
        with database.unit_of_work() as session:
            session.get_one(Submission, submission_id).state = SubmissionState.SCORING

        assert claim(database, submission_id, now=LATER) is not None

        taken = row(database, submission_id)
        assert taken.state is SubmissionState.SCORING
        assert taken.attempts == 2

    def test_is_refused_after_the_last_attempt(
        self, database: Database, submission_id: int
    ) -> None:
        for attempt in range(MAX_ATTEMPTS):
            assert claim(database, submission_id, now=NOW + attempt * LEASE) is not None

        assert claim(database, submission_id, now=NOW + MAX_ATTEMPTS * LEASE) is None

    @pytest.mark.parametrize(
        "state",
        [
            SubmissionState.SCORED,
            SubmissionState.REJECTED,
            SubmissionState.FAILED,
            SubmissionState.WITHDRAWN,
        ],
    )
    def test_is_refused_when_the_submission_is_final(
        self, database: Database, submission_id: int, state: SubmissionState
    ) -> None:
        with database.unit_of_work() as session:
            session.get_one(Submission, submission_id).state = state

        assert claim(database, submission_id, now=LATER) is None


class TestRenew:
    def test_prolongs_the_lease(self, database: Database, submission_id: int) -> None:
        held = claim(database, submission_id)
        assert held is not None

        with database.unit_of_work() as session:
            assert leases.renew(session, held, now=LATER, lease=LEASE)

        assert row(database, submission_id).lease_until == LATER + LEASE

    def test_touches_nothing_once_another_worker_took_over(
        self, database: Database, submission_id: int
    ) -> None:
        lost = claim(database, submission_id)
        assert lost is not None
        claim(database, submission_id, now=LATER)

        with database.unit_of_work() as session:
            assert not leases.renew(session, lost, now=LATER, lease=LEASE)


class TestHandBack:
    def hand_back(self, database: Database, held: Claim, outcome: AttemptOutcome) -> bool:
        with database.unit_of_work() as session:
            return leases.hand_back(session, held, now=NOW, outcome=outcome, reason="why")

    def test_lets_the_next_worker_in_at_once(self, database: Database, submission_id: int) -> None:
        held = claim(database, submission_id)
        assert held is not None

        assert self.hand_back(database, held, AttemptOutcome.FAILED)

        assert claim(database, submission_id) is not None
        assert row(database, submission_id).attempts == 2

    def test_without_a_fault_it_is_rung_at_once_and_counts_as_no_attempt(
        self, database: Database, queue: RecordingQueue, submission_id: int
    ) -> None:
        held = claim(database, submission_id)
        assert held is not None
        queue.rung.clear()

        assert self.hand_back(database, held, AttemptOutcome.HANDED_BACK)

        assert queue.rung == [Job(SCORE_SUBMISSION, submission_id)]
        assert row(database, submission_id).attempts == 0

    def test_does_nothing_after_a_takeover(self, database: Database, submission_id: int) -> None:
        lost = claim(database, submission_id)
        assert lost is not None
        claim(database, submission_id, now=LATER)

        assert not self.hand_back(database, lost, AttemptOutcome.FAILED)
        assert claim(database, submission_id, now=LATER) is None


class TestToRingAgain:
    def ring(self, database: Database, now: object) -> list[int]:
        with database.unit_of_work() as session:
            return list(leases.to_ring_again(session, now=now, lease=LEASE))

    def test_leaves_alone_what_was_just_rung_or_is_held(
        self, database: Database, submission_id: int
    ) -> None:
        assert self.ring(database, NOW) == []
        claim(database, submission_id)
        assert self.ring(database, NOW + LEASE / 2) == []

    def test_names_a_submission_whose_worker_fell_silent(
        self, database: Database, submission_id: int
    ) -> None:
        claim(database, submission_id)

        assert self.ring(database, LATER) == [submission_id]

    def test_names_one_that_nobody_claimed_once_a_lease(
        self, database: Database, submission_id: int
    ) -> None:
        assert self.ring(database, LATER) == [submission_id]
        assert self.ring(database, LATER + LEASE / 4) == []
        assert self.ring(database, LATER + LEASE) == [submission_id]
