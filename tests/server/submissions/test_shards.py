"""Shards as rows: who gets one, what a lost claim may still do, when the merging may begin."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from server.db import Database
from server.jobs.queue import SCORE_SHARD, SCORE_SUBMISSION, Job, RecordingQueue
from server.models import CARD_FIELDS, AttemptOutcome, Shard, Submission, SubmissionState
from server.submissions import leases, outcomes, shards
from server.submissions.leases import Claim, ShardClaim
from server.submissions.shards import Part
from tests.support.database import (
    LEASE,
    NOW,
    TERMS,
    add_submission,
    add_subset,
    add_truth,
    add_user,
)

LATER = NOW + LEASE
PARTS = [Part(0, 5, "first"), Part(5, 9, "second")]


def begin(database: Database) -> tuple[int, Claim]:
    with database.unit_of_work() as session:
        add_subset(session)
        add_truth(session)
        submission_id = add_submission(session, add_user(session)).id
        held = leases.claim(session, submission_id, now=NOW, terms=TERMS)
        assert held is not None
        card = {**dict.fromkeys(CARD_FIELDS), "method_name": "Ours"}
        assert outcomes.begin_scoring(session, held, images=9, card=card, warnings=[], now=NOW)
    return submission_id, held


def plan(database: Database, held: Claim) -> bool:
    with database.unit_of_work() as session:
        return shards.plan(session, held, PARTS, truth_version="truth-1", now=NOW, lease=LEASE)


@pytest.fixture
def planned(database: Database, queue: RecordingQueue) -> int:
    submission_id, held = begin(database)
    queue.rung.clear()
    assert plan(database, held)
    return submission_id


def claim(database: Database, submission_id: int, now: datetime = NOW) -> ShardClaim | None:
    with database.unit_of_work() as session:
        return shards.claim_next(session, submission_id, now=now, terms=TERMS)


def claimed(database: Database, submission_id: int, now: datetime = NOW) -> ShardClaim:
    held = claim(database, submission_id, now)
    assert held is not None
    return held


def finish(database: Database, held: ShardClaim) -> bool:
    with database.unit_of_work() as session:
        return shards.finish(session, held, findings=[], now=NOW)


def whole(database: Database, submission_id: int) -> Claim | None:
    with database.unit_of_work() as session:
        return leases.claim(session, submission_id, now=NOW, terms=TERMS)


def rows(database: Database) -> list[Shard]:
    with database.reading() as session:
        return list(session.scalars(select(Shard).order_by(Shard.position)))


class TestPlan:
    def test_rings_for_each_shard_and_lets_go_of_the_submission(
        self, database: Database, queue: RecordingQueue, planned: int
    ) -> None:
        assert queue.rung == [Job(SCORE_SHARD, planned)] * 2
        assert [(row.first, row.stop) for row in rows(database)] == [(0, 5), (5, 9)]
        with database.reading() as session:
            submission = session.get_one(Submission, planned)
        assert submission.lease_token is None
        assert submission.attempts == 0

    def test_a_lost_lease_plans_nothing(self, database: Database, queue: RecordingQueue) -> None:
        submission_id, lost = begin(database)
        queue.rung.clear()
        with database.unit_of_work() as session:
            leases.claim(session, submission_id, now=LATER, terms=TERMS)

        assert not plan(database, lost)
        assert rows(database) == []
        assert queue.rung == []


class TestClaimNext:
    def test_gives_each_shard_to_one_worker(self, database: Database, planned: int) -> None:
        first, second = claimed(database, planned), claimed(database, planned)

        assert [(held.first, held.stop) for held in (first, second)] == [(0, 5), (5, 9)]
        assert claim(database, planned) is None

    def test_two_workers_that_race_never_get_the_same_one(
        self, database: Database, planned: int
    ) -> None:
        together, won = Barrier(6), []

        def race() -> None:
            together.wait()
            won.append(claim(database, planned))

        threads = [Thread(target=race) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(held.first for held in won if held is not None) == [0, 5]
        assert won.count(None) == 4

    def test_takes_over_what_fell_silent_and_counts_anew(
        self, database: Database, planned: int
    ) -> None:
        lost = claimed(database, planned)
        with database.unit_of_work() as session:
            assert leases.report(session, lost, images=3)

        again = claimed(database, planned, LATER)

        assert again.shard_id == lost.shard_id
        assert [(row.images_done, row.attempts) for row in rows(database)] == [(0, 2), (0, 0)]

    def test_is_refused_after_the_last_attempt(self, database: Database, planned: int) -> None:
        for attempt in range(TERMS.max_attempts):
            claimed(database, planned, NOW + attempt * LEASE)
            claimed(database, planned, NOW + attempt * LEASE)

        assert claim(database, planned, NOW + TERMS.max_attempts * LEASE) is None

    @pytest.mark.parametrize("state", [SubmissionState.WITHDRAWN, SubmissionState.FAILED])
    def test_is_refused_once_the_submission_has_ended(
        self, database: Database, planned: int, state: SubmissionState
    ) -> None:
        with database.unit_of_work() as session:
            session.get_one(Submission, planned).state = state

        assert claim(database, planned) is None


class TestHeld:
    def renew(self, database: Database, held: ShardClaim) -> bool:
        with database.unit_of_work() as session:
            return leases.renew(session, held, now=LATER, lease=LEASE)

    def report(self, database: Database, held: ShardClaim) -> bool:
        with database.unit_of_work() as session:
            return leases.report(session, held, images=4)

    def hand_back(self, database: Database, held: ShardClaim) -> bool:
        with database.unit_of_work() as session:
            return leases.hand_back(
                session, held, now=NOW, outcome=AttemptOutcome.FAILED, reason="why"
            )

    def start_over(self, database: Database, held: ShardClaim) -> bool:
        with database.unit_of_work() as session:
            return shards.start_over(session, held, now=NOW)

    changes: tuple[Callable[..., bool], ...] = (
        renew,
        report,
        hand_back,
        start_over,
        lambda _self, database, held: finish(database, held),
    )

    @pytest.mark.parametrize("change", changes)
    def test_a_holder_may_change_its_shard(
        self, database: Database, planned: int, change: Callable[..., bool]
    ) -> None:
        assert change(self, database, claimed(database, planned))

    @pytest.mark.parametrize("change", changes)
    def test_a_lost_lease_changes_nothing(
        self, database: Database, planned: int, change: Callable[..., bool]
    ) -> None:
        lost = claimed(database, planned)
        claimed(database, planned, LATER)
        before = [(row.lease_token, row.images_done, row.is_done) for row in rows(database)]

        assert not change(self, database, lost)
        assert [(row.lease_token, row.images_done, row.is_done) for row in rows(database)] == before

    @pytest.mark.parametrize("change", changes)
    def test_a_withdrawn_submission_changes_no_more(
        self, database: Database, planned: int, change: Callable[..., bool]
    ) -> None:
        held = claimed(database, planned)
        with database.unit_of_work() as session:
            session.get_one(Submission, planned).state = SubmissionState.WITHDRAWN

        assert not change(self, database, held)

    def test_a_shard_is_done_once(self, database: Database, planned: int) -> None:
        held = claimed(database, planned)

        assert finish(database, held)
        assert not finish(database, held)
        assert not self.hand_back(database, held)
        assert [row.is_done for row in rows(database)] == [True, False]

    def test_starting_over_drops_the_plan_and_rings_for_the_whole(
        self, database: Database, queue: RecordingQueue, planned: int
    ) -> None:
        held, other = claimed(database, planned), claimed(database, planned)
        queue.rung.clear()

        assert self.start_over(database, held)

        assert queue.rung == [Job(SCORE_SUBMISSION, planned)]
        assert rows(database) == []
        assert not finish(database, other)
        assert whole(database, planned) is not None


class TestMerging:
    def test_waits_for_the_last_shard(self, database: Database, planned: int) -> None:
        first, last = claimed(database, planned), claimed(database, planned)
        assert whole(database, planned) is None
        finish(database, first)
        assert whole(database, planned) is None

        finish(database, last)

        assert whole(database, planned) is not None
        assert whole(database, planned) is None

    def test_is_rung_for_when_nobody_does_it(self, database: Database, planned: int) -> None:
        def ring(now: datetime) -> list[int]:
            with database.unit_of_work() as session:
                return list(leases.to_ring_again(session, now=now, lease=LEASE))

        held = [claimed(database, planned), claimed(database, planned)]
        assert ring(NOW) == []
        for each in held:
            finish(database, each)

        assert ring(NOW) == [planned]
        assert ring(NOW) == []
        assert ring(LATER) == [planned]


class TestToRingAgain:
    def ring(self, database: Database, now: datetime) -> list[int]:
        with database.unit_of_work() as session:
            return list(shards.to_ring_again(session, now=now, lease=LEASE))

    def test_names_each_shard_that_nobody_claimed_once_a_lease(
        self, database: Database, planned: int
    ) -> None:
        assert self.ring(database, NOW) == []
        assert self.ring(database, LATER) == [planned, planned]
        assert self.ring(database, LATER) == []

    def test_leaves_alone_what_is_held_or_done(self, database: Database, planned: int) -> None:
        finish(database, claimed(database, planned))
        claimed(database, planned, LATER)

        assert self.ring(database, LATER) == []
        assert self.ring(database, LATER + LEASE) == [planned]


def test_a_shard_tried_in_vain_is_told_from_one_that_is_held(
    database: Database, planned: int
) -> None:
    once = replace(TERMS, max_attempts=1)
    with database.unit_of_work() as session:
        assert shards.claim_next(session, planned, now=NOW, terms=once) is not None

    def found(now: datetime) -> list[int]:
        with database.reading() as session:
            condition = shards.has_exhausted(now=now, max_attempts=1)
            return list(outcomes.to_fail(session, condition))

    assert found(NOW) == []
    assert found(LATER) == [planned]
