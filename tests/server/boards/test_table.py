import pytest
from sqlalchemy.orm import Session

from server.boards.exports import as_csv, as_latex
from server.boards.table import OLD_TRUTH, Table, table_of
from server.cache import Cache
from server.catalogue import queries as catalogue
from server.db import Database
from server.method_names import method_of
from server.models import Protocol, ReportedResult, SplitName, Submission, User
from server.organizers.service import TruthFacts
from tests.support.database import (
    NOW,
    add_score,
    add_submission,
    add_subset,
    add_truth,
    add_user,
)

pytestmark = pytest.mark.both_databases


@pytest.fixture
def user(database: Database) -> User:
    with database.unit_of_work() as session:
        add_subset(session)
        add_truth(session)
        return add_user(session)


def enter(
    session: Session,
    user: User,
    public_id: str,
    method: str,
    miou: float | None,
    *,
    is_public: bool = True,
    truth: str = "truth-1",
) -> Submission:
    submission = add_submission(session, user, public_id=public_id, is_public=is_public)
    submission.method_id = method_of(session, team_id=submission.team_id, name=method, now=NOW).id
    add_score(session, submission, miou, truth=truth)
    return submission


def rows(database: Database) -> Table:
    with database.reading() as session:
        board = catalogue.board(
            session,
            protocol=Protocol.FULLY_UNSUPERVISED,
            subset="tiny",
            split=SplitName.TEST,
        )
        assert board is not None
        return table_of(session, Cache(0), board)


def shown(database: Database) -> list[tuple[int | None, str, str | None]]:
    return [(row.rank, row.method, row.submission) for row in rows(database)]


def test_a_row_is_a_methods_best_public_entry(database: Database, user: User) -> None:
    with database.unit_of_work() as session:
        enter(session, user, "a1", "A", 20.0)
        enter(session, user, "a2", "A", 30.0)
        enter(session, user, "a3", "A", 25.0)
        enter(session, user, "b1", "B", 40.0, is_public=False)
        enter(session, user, "c1", "C", 10.0)

    assert shown(database) == [(1, "A", "a2"), (2, "C", "c1")]


def test_an_entry_without_a_score_is_listed_last_and_not_ranked(
    database: Database, user: User
) -> None:
    with database.unit_of_work() as session:
        enter(session, user, "a1", "A", None)
        enter(session, user, "b1", "B", 0.0)

    assert shown(database) == [(1, "B", "b1"), (None, "A", "a1")]


def test_an_entry_scored_against_an_older_truth_stays_visible_and_unranked(
    database: Database, user: User
) -> None:
    with database.unit_of_work() as session:
        enter(session, user, "a1", "A", 90.0)
        enter(session, user, "b1", "B", 10.0)
        add_truth(session, truth=TruthFacts(version="truth-2", classes=3, manifest={}))
        enter(session, user, "b2", "B", 5.0, truth="truth-2")

    assert shown(database) == [(1, "B", "b2"), (None, "A", "a1")]
    assert rows(database)[1].unranked_because == OLD_TRUTH


def test_reported_rows_are_ranked_apart_and_never_move_a_verified_one(
    database: Database, user: User
) -> None:
    with database.unit_of_work() as session:
        board_id = enter(session, user, "a1", "A", 20.0).board_id
        for method, miou, reason in [
            ("P", 50.0, None),
            ("Q", 60.0, "an ablation"),
            ("R", 5.0, None),
        ]:
            session.add(
                ReportedResult(
                    board_id=board_id,
                    method=method,
                    backbone="",
                    source="a paper",
                    unranked_because=reason,
                    miou=miou,
                )
            )

    assert [(row.kind, row.rank, row.method) for row in rows(database)] == [
        ("verified", 1, "A"),
        ("reported", 1, "P"),
        ("reported", 2, "R"),
        ("reported", None, "Q"),
    ]


def test_equal_names_of_two_teams_are_two_methods_with_two_slugs(
    database: Database, user: User
) -> None:
    with database.unit_of_work() as session:
        enter(session, user, "a1", "A", 20.0)
        enter(session, add_user(session, "bob@example.org"), "a2", "A", 30.0)

    assert [row.method_slug for row in rows(database)] == ["a-2", "a"]


class TestExports:
    @pytest.fixture
    def awkward(self, database: Database, user: User) -> Table:
        with database.unit_of_work() as session:
            enter(session, user, "a1", "100% of_A & B", 20.123456789)
            enter(session, user, "a2", "=SUM(A1)", 10.0)
        return rows(database)

    def test_csv_has_full_precision_and_no_formulas(self, awkward: Table) -> None:
        text = as_csv(awkward)

        assert "20.123456789" in text
        assert "'=SUM(A1)" in text

    def test_latex_escapes_what_it_must(self, awkward: Table) -> None:
        text = as_latex(awkward)

        assert r"100\% of\_A \& B" in text
        assert "20.12" in text
