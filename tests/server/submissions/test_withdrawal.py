"""A team takes a submission back, whatever it is at, and for good."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from server.db import Database
from server.errors import EntryEnded, EntryNotShown, NotFound, ServerError
from server.method_names import method_of
from server.methods import pins
from server.models import (
    CARD_FIELDS,
    HEADLINE_SCORES,
    Attempt,
    AttemptOutcome,
    Shard,
    Standing,
    Submission,
    SubmissionState,
)
from server.submissions import leases, outcomes, shards
from server.submissions.editing import Changes, edit
from server.submissions.outcomes import ScoreSheet
from server.submissions.shards import Part
from server.submissions.withdrawal import withdraw
from tests.support.database import (
    LEASE,
    NOW,
    TERMS,
    add_submission,
    add_subset,
    add_truth,
    add_user,
)
from tests.support.site import BOARD, EVE, Browser, Site

S = SubmissionState
SHEET = ScoreSheet(
    scorer_version="1",
    truth_version="truth-1",
    images=1,
    headline=dict.fromkeys(HEADLINE_SCORES, 50.0),
    miou_no_other=40.0,
    bmiou_no_other=30.0,
    per_class_iou=[50.0] * 4,
    per_class_biou=[50.0] * 4,
    intervals={},
    resampled={},
)


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.browser().sign_in()


def rows(site: Site) -> list[tuple[int | None, str, str]]:
    found = site.browser().get(f"/api/v1{BOARD}").json()["rows"]
    return [(row["rank"], row["method"], row["submission"]) for row in found]


def delete(site: Site, public_id: str) -> Any:
    token = {"Authorization": f"Bearer {site.token()}"}
    return site.client(token).delete(f"/api/v1/submissions/{public_id}")


def test_a_scored_one_leaves_its_board_to_the_next_best(site: Site, ada: Browser) -> None:
    best, lesser = site.scored(30.0), site.scored(20.0)
    rival = site.scored(25.0, method="Rival", by=EVE)
    site.change(best, is_pinned=True)
    before = site.browser().get(f"/api/v1{BOARD}").headers["etag"]
    path = f"/submissions/{best}/withdraw"

    page = ada.page(path)
    assert "leaves its board and never ranks again" in page.text
    assert "cannot be undone" in page.text
    assert rows(site)[0] == (1, "Pass", best), "asking is not doing"
    assert ada.fill_in(path).headers["location"] == f"/submissions/{best}"

    assert rows(site) == [(1, "Rival", rival), (2, "Pass", lesser)]
    assert site.browser().get(f"/api/v1{BOARD}").headers["etag"] != before
    assert "You have withdrawn this submission." in ada.page(f"/submissions/{best}").text
    site.browser().page(f"/submissions/{best}", status=404)
    assert best not in site.browser().get("/api/v1/methods/pass").text
    assert site.browser().get(f"/compare?ids={best},{lesser}").status_code == 404
    own = ada.get("/api/v1/submissions").json()["submissions"]
    assert {each["id"]: each["state"] for each in own} == {best: "withdrawn", lesser: "scored"}
    assert ada.get(path).headers["location"] == f"/submissions/{best}"


def test_by_programs_a_second_time_changes_nothing(site: Site) -> None:
    public_id = site.scored(30.0)

    assert [delete(site, public_id).json()["state"] for _ in range(2)] == ["withdrawn"] * 2
    assert rows(site) == []


@pytest.mark.parametrize("state", [S.REJECTED, S.FAILED])
def test_what_came_to_nothing_cannot_be(site: Site, ada: Browser, state: S) -> None:
    public_id = site.submission(state=state)

    refused = delete(site, public_id)

    assert (refused.status_code, refused.json()["code"]) == (409, "entry_ended")
    assert not ada.page(f"/submissions/{public_id}").all(
        "a", href=f"/submissions/{public_id}/withdraw"
    )


@pytest.mark.both_databases
class TestAtWork:
    @pytest.fixture
    def row(self, database: Database) -> Submission:
        with database.unit_of_work() as session:
            add_subset(session)
            add_truth(session)
            return add_submission(session, add_user(session))

    def take_back(self, database: Database, row: Submission) -> None:
        with database.unit_of_work() as session:
            withdraw(session, row.public_id, team_ids=(row.team_id,), now=NOW)

    def test_a_waiting_one_is_never_claimed(self, database: Database, row: Submission) -> None:
        self.take_back(database, row)

        with database.unit_of_work() as session:
            assert leases.claim(session, row.id, now=NOW, terms=TERMS) is None
            assert not leases.to_ring_again(session, now=NOW + 2 * LEASE, lease=LEASE)
            assert session.get_one(Submission, row.id).finished_at == NOW

    def test_whoever_works_on_it_or_its_shards_records_nothing(
        self, database: Database, row: Submission
    ) -> None:
        card = {**dict.fromkeys(CARD_FIELDS), "method_name": "Ours"}
        with database.unit_of_work() as session:
            held = leases.claim(session, row.id, now=NOW, terms=TERMS)
            assert held is not None
            outcomes.begin_scoring(session, held, images=9, card=card, warnings=[], now=NOW)
            parts = [Part(0, 5, "first"), Part(5, 9, "second")]
            shards.plan(session, held, parts, truth_version="truth-1", now=NOW, lease=LEASE)
            shard = shards.claim_next(session, row.id, now=NOW, terms=TERMS)
            assert shard is not None

        self.take_back(database, row)

        with database.unit_of_work() as session:
            assert not leases.renew(session, shard, now=NOW, lease=LEASE)
            assert not shards.finish(session, shard, findings=[], now=NOW)
            assert shards.claim_next(session, row.id, now=NOW, terms=TERMS) is None
            assert not session.scalars(select(Shard)).all()
            log = session.scalars(select(Attempt).order_by(Attempt.id)).all()
            assert [(each.outcome, each.reason) for each in log] == [
                (AttemptOutcome.DONE, None),
                (AttemptOutcome.LOST, "withdrawn by its team"),
            ]
            late = NOW + timedelta(days=99)
            assert not outcomes.to_fail(session, outcomes.is_overdue(S.SCORING, since=late))
            assert session.get_one(Submission, row.id).state is S.WITHDRAWN

    def test_in_the_moment_of_its_score_it_is_withdrawn_all_the_same(
        self, database: Database, row: Submission
    ) -> None:
        """The worker, two members who edit and withdraw, and a pin: none waits for ever."""
        card = {**dict.fromkeys(CARD_FIELDS), "method_name": "Ours"}
        with database.unit_of_work() as session:
            held = leases.claim(session, row.id, now=NOW, terms=TERMS)
            assert held is not None
            outcomes.begin_scoring(session, held, images=1, card=card, warnings=[], now=NOW)
        start, refusals = Barrier(4), []

        def record(session: Session) -> None:
            method = method_of(session, team_id=row.team_id, name="Ours", now=NOW)
            outcomes.record_scores(
                session, held, SHEET, method_id=method.id, findings=[], images_counted=1, now=NOW
            )

        def change(session: Session) -> None:
            edit(session, row.public_id, Changes(is_public=False), team_ids=teams, now=NOW)

        def take_back(session: Session) -> None:
            withdraw(session, row.public_id, team_ids=teams, now=NOW)

        def pin(session: Session) -> None:
            pins.pin(session, "ours", row.public_id, team_ids=teams)

        def at_once(act: Callable[[Session], None]) -> None:
            start.wait(60)
            try:
                with database.unit_of_work() as session:
                    act(session)
            except (ServerError, SQLAlchemyError) as refused:
                refusals.append(refused)

        teams = (row.team_id,)
        threads = [Thread(target=at_once, args=[act]) for act in (record, change, take_back, pin)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        expected = (EntryEnded, EntryNotShown, NotFound)
        assert all(isinstance(each, expected) for each in refusals), refusals
        with database.reading() as session:
            assert session.get_one(Submission, row.id).state is S.WITHDRAWN
            assert not session.scalars(select(Standing)).all()
