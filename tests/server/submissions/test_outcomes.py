from datetime import timedelta

import pytest
from sqlalchemy import func, select

from server.db import Database
from server.method_names import method_of
from server.models import (
    CARD_FIELDS,
    HEADLINE_SCORES,
    Board,
    Score,
    Submission,
    SubmissionState,
)
from server.resampled import packed
from server.submissions import leases, outcomes
from server.submissions.leases import Claim
from server.submissions.outcomes import ScoreSheet
from server.submissions.states import TRANSITIONS, may_become
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

SHEET = ScoreSheet(
    scorer_version="1",
    truth_version="truth-1",
    images=1,
    headline=dict.fromkeys(HEADLINE_SCORES, 50.0),
    miou_no_other=40.0,
    bmiou_no_other=30.0,
    per_class_iou=[1.0, 2.0, 3.0, 4.0],
    per_class_biou=[1.0, 2.0, 3.0, 4.0],
    intervals={},
    resampled={"miou": packed([49.0, 51.0])},
)
CARD = {**dict.fromkeys(CARD_FIELDS), "method_name": "Ours"}


@pytest.fixture
def held(database: Database) -> Claim:
    with database.unit_of_work() as session:
        add_subset(session)
        add_truth(session)
        submission = add_submission(session, add_user(session))
        claim = leases.claim(session, submission.id, now=NOW, terms=TERMS)
    assert claim is not None
    return claim


def record(database: Database, held: Claim) -> bool:
    with database.unit_of_work() as session:
        team_id = session.get_one(Submission, held.submission_id).team_id
        method = method_of(session, team_id=team_id, name="Ours", now=NOW)
        return outcomes.record_scores(
            session, held, SHEET, method_id=method.id, findings=[], images_counted=1, now=NOW
        )


def begin(database: Database, held: Claim) -> bool:
    with database.unit_of_work() as session:
        return outcomes.begin_scoring(session, held, images=1, card=CARD, warnings=[], now=NOW)


def scores(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Score)) or 0


class TestRecordScores:
    def test_finishes_the_submission_and_moves_the_board_on(
        self, database: Database, held: Claim
    ) -> None:
        begin(database, held)

        assert record(database, held)

        with database.reading() as session:
            submission = session.get_one(Submission, held.submission_id)
            assert submission.state is SubmissionState.SCORED
            assert submission.finished_at == NOW
            assert session.get_one(Board, submission.board_id).revision > 0
        assert scores(database) == 1

    def test_records_once(self, database: Database, held: Claim) -> None:
        begin(database, held)

        assert record(database, held)
        assert not record(database, held)
        assert scores(database) == 1

    def test_records_nothing_after_a_takeover(self, database: Database, held: Claim) -> None:
        begin(database, held)
        with database.unit_of_work() as session:
            leases.claim(session, held.submission_id, now=NOW + LEASE, terms=TERMS)

        assert not record(database, held)
        assert scores(database) == 0

    def test_does_not_skip_scoring(self, database: Database, held: Claim) -> None:
        assert not record(database, held)


class TestReject:
    def test_keeps_row_and_findings_and_forgets_the_archive(
        self, database: Database, held: Claim
    ) -> None:
        with database.unit_of_work() as session:
            assert outcomes.reject(session, held, findings=[{"code": "missing"}], now=NOW)

        with database.reading() as session:
            submission = session.get_one(Submission, held.submission_id)
            assert submission.state is SubmissionState.REJECTED
            assert submission.findings == [{"code": "missing"}]
            assert submission.archive_key is None


class TestFail:
    def test_waits_until_the_condition_holds(self, database: Database, held: Claim) -> None:
        for now, has_failed in ((NOW + LEASE - timedelta(seconds=1), False), (NOW + LEASE, True)):
            condition = leases.is_exhausted(now=now, max_attempts=1)
            with database.unit_of_work() as session:
                failed = outcomes.fail(
                    session, held.submission_id, condition, reason="worker lost", now=now
                )
                assert failed == has_failed

        with database.reading() as session:
            submission = session.get_one(Submission, held.submission_id)
            assert submission.state is SubmissionState.FAILED
            assert "our fault" in (submission.failure or "")
            assert "worker lost" in (submission.failure or "")


class TestStates:
    def test_every_state_has_its_line_in_the_table(self) -> None:
        assert set(TRANSITIONS) == set(SubmissionState)

    def test_final_states_lead_nowhere_but_scored_may_be_withdrawn(self) -> None:
        assert may_become(SubmissionState.SCORED, SubmissionState.WITHDRAWN)
        for state in (SubmissionState.REJECTED, SubmissionState.FAILED, SubmissionState.WITHDRAWN):
            assert not TRANSITIONS[state]
