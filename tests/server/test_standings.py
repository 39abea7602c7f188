"""Which entry counts: the same whatever happened in which order, on both databases."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import nan
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, select
from sqlalchemy.orm import Session

from server import standings
from server.boards.table import Table, table_of
from server.cache import Cache
from server.catalogue import queries as catalogue
from server.db import Database
from server.errors import ServerError
from server.method_names import method_of
from server.methods import pins
from server.models import (
    Board,
    Method,
    Protocol,
    ResampledScore,
    Score,
    SplitName,
    Standing,
    Submission,
    SubmissionState,
    User,
)
from server.organizers.service import TruthFacts
from server.submissions import anonymity
from server.submissions.editing import Changes, edit
from server.submissions.withdrawal import withdraw
from tests.support.database import (
    NOW,
    add_score,
    add_submission,
    add_subset,
    add_truth,
    add_user,
)

pytestmark = pytest.mark.both_databases
UNTIL = NOW + timedelta(days=30)


@dataclass(frozen=True)
class Entry:
    """An entry as a test wants it; ``miou`` may be missing, NaN, or out of date."""

    method: str
    miou: float | None
    truth: str = "truth-1"
    is_public: bool = True
    is_late: bool = False
    is_pinned: bool = False
    is_withdrawn: bool = False
    is_anonymous: bool = False

    @property
    def row(self) -> str:
        """Which row it competes for: entries without names have one of their own."""
        return f"{self.method} without its name" if self.is_anonymous else self.method

    @property
    def may_rank(self) -> bool:
        return (
            self.is_shown
            and self.truth == "truth-1"
            and not self.is_late
            and self.miou is not None
            and self.miou == self.miou
        )

    @property
    def is_shown(self) -> bool:
        return self.is_public and not self.is_withdrawn


scores = st.one_of(st.none(), st.just(nan), st.sampled_from([0.0, 10.0, 33.3, 33.4, 100.0]))
entries = st.builds(
    Entry,
    method=st.sampled_from(["A", "B", "C", "D"]),
    miou=scores,
    truth=st.sampled_from(["truth-1"] * 4 + ["truth-0"]),
    is_public=st.sampled_from([True] * 4 + [False]),
    is_late=st.sampled_from([False] * 4 + [True]),
    is_withdrawn=st.sampled_from([False] * 4 + [True]),
    is_anonymous=st.sampled_from([False] * 4 + [True]),
)


@pytest.fixture
def user(database: Database) -> User:
    with database.unit_of_work() as session:
        add_subset(session)
        add_truth(session)
        return add_user(session)


def enter(session: Session, user: User, number: int, entry: Entry) -> None:
    row = add_submission(session, user, public_id=f"e{number}", is_public=entry.is_public)
    row.method_id = method_of(session, team_id=row.team_id, name=entry.method, now=NOW).id
    row.is_late, row.is_pinned = entry.is_late, entry.is_pinned
    row.anonymous_until = UNTIL if entry.is_public and entry.is_anonymous else None
    add_score(session, row, entry.miou, truth=entry.truth)
    if entry.is_withdrawn:
        row.state = SubmissionState.WITHDRAWN
        standings.entry_changed(session, row)


def clear(session: Session) -> None:
    for table in (Standing, ResampledScore, Score, Submission, Method):
        session.execute(delete(table))


def table(session: Session) -> Table:
    board = catalogue.board(
        session, protocol=Protocol.FULLY_UNSUPERVISED, subset="tiny", split=SplitName.TEST
    )
    assert board is not None
    return table_of(session, Cache(0), board)


def shown(session: Session, listed: list[Entry]) -> dict[str, tuple[int | None, float | None]]:
    """Return for each row of the board its rank and the mIoU of its entry."""
    found = {}
    for row in table(session):
        entry = listed[int((row.submission or "e0")[1:])]
        assert row.method.startswith("Anonymous ") is entry.is_anonymous
        found[entry.row] = (row.rank, entry.miou)
    return found


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(listed=st.lists(entries, max_size=8))
def test_the_best_entry_of_each_method_ranks_and_what_may_not_never_does(
    database: Database, user: User, listed: list[Entry]
) -> None:
    with database.unit_of_work() as session:
        clear(session)
        for number, entry in enumerate(listed):
            enter(session, user, number, entry)
        found = shown(session, listed)

    best = {
        row: max(each.miou or 0.0 for each in listed if each.may_rank and each.row == row)
        for row in {each.row for each in listed if each.may_rank}
    }
    assert set(found) == {each.row for each in listed if each.is_shown}
    for method, (rank, miou) in found.items():
        if method in best:
            assert miou == best[method]
            assert rank == 1 + sum(other > miou for other in best.values())
        else:
            assert rank is None


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(listed=st.lists(entries, max_size=6), random=st.randoms())
def test_the_order_in_which_entries_came_does_not_matter(
    database: Database, user: User, listed: list[Entry], random: Random
) -> None:
    shuffled = list(listed)
    random.shuffle(shuffled)
    found = []
    for order in (listed, shuffled):
        with database.unit_of_work() as session:
            clear(session)
            for number, entry in enumerate(order):
                enter(session, user, number, entry)
            found.append(
                {
                    method: (rank, miou if rank else None)
                    for method, (rank, miou) in shown(session, order).items()
                }
            )

    assert found[0] == found[1]


class Deed(StrEnum):
    """What a team does to an entry, or time."""

    WITHDRAW = "withdraw"
    HIDE = "hide"
    SHOW = "show"
    WITHHOLD_NAMES = "withhold names"
    WAIT_FOR_THE_DATE = "wait for the date"
    RENAME = "rename"
    PIN = "pin"
    UNPIN = "unpin"


CHANGES = {
    Deed.HIDE: Changes(is_public=False),
    Deed.SHOW: Changes(is_public=True, anonymous_until=""),
    Deed.WITHHOLD_NAMES: Changes(is_public=True, anonymous_until=UNTIL.isoformat()),
    Deed.RENAME: Changes(card={"method_name": "B"}),
}


def do(session: Session, deed: Deed, row: Submission) -> None:
    teams = (row.team_id,)
    if deed in CHANGES:
        edit(session, row.public_id, CHANGES[deed], team_ids=teams, now=NOW)
    elif deed is Deed.WITHDRAW:
        withdraw(session, row.public_id, team_ids=teams, now=NOW)
    elif deed is Deed.WAIT_FOR_THE_DATE:
        anonymity.reveal(session, row.id, now=UNTIL)
    else:
        slug = session.get_one(Method, row.method_id).slug
        act = pins.pin if deed is Deed.PIN else pins.unpin
        act(session, slug, row.public_id, team_ids=teams)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    listed=st.lists(entries, min_size=1, max_size=4),
    deeds=st.lists(st.tuples(st.sampled_from(Deed), st.integers(0, 3)), max_size=8),
)
def test_whatever_a_team_did_the_board_is_as_if_counted_anew(
    database: Database, user: User, listed: list[Entry], deeds: list[tuple[Deed, int]]
) -> None:
    kept = select(Standing.__table__).order_by(Standing.method_id, Standing.is_anonymous)
    with database.unit_of_work() as session:
        clear(session)
        for number, entry in enumerate(listed):
            enter(session, user, number, entry)
    for deed, number in deeds:
        with suppress(ServerError), database.unit_of_work() as session:
            row = session.scalars(select(Submission).order_by(Submission.id)).all()
            do(session, deed, row[number % len(row)])

    with database.unit_of_work() as session:
        found = session.execute(kept).all()
        standings.recount(session, one_board(session).id)
        assert session.execute(kept).all() == found
        for row in session.scalars(select(Submission)):
            stands = any(each.submission_id == row.id for each in found)
            assert not stands or (row.is_public and row.state is SubmissionState.SCORED)
            assert row.anonymous_until is None or row.is_public


def one_board(session: Session) -> Board:
    return session.scalars(
        select(Board).join(Submission, Submission.board_id == Board.id).limit(1)
    ).one()


class TestAPinnedEntry:
    def test_counts_in_place_of_the_best(self, database: Database, user: User) -> None:
        listed = [Entry("A", 30.0), Entry("A", 20.0, is_pinned=True), Entry("B", 25.0)]
        with database.unit_of_work() as session:
            for number, entry in enumerate(listed):
                enter(session, user, number, entry)
            assert shown(session, listed) == {"B": (1, 25.0), "A": (2, 20.0)}

    def test_gives_way_while_it_is_private_or_of_an_old_truth(
        self, database: Database, user: User
    ) -> None:
        listed = [
            Entry("A", 30.0),
            Entry("A", 20.0, is_pinned=True, is_public=False),
            Entry("B", 25.0),
            Entry("B", 99.0, is_pinned=True, truth="truth-0"),
        ]
        with database.unit_of_work() as session:
            for number, entry in enumerate(listed):
                enter(session, user, number, entry)
            assert shown(session, listed) == {"A": (1, 30.0), "B": (2, 25.0)}


class TestTheRevision:
    @pytest.fixture
    def entered(self, database: Database, user: User) -> Database:
        with database.unit_of_work() as session:
            enter(session, user, 0, Entry("A", 30.0))
            enter(session, user, 1, Entry("A", 20.0))
        return database

    def revision(self, database: Database) -> int:
        with database.reading() as session:
            return one_board(session).revision

    @pytest.mark.parametrize("change", ["withdrawn", "hidden", "pinned"])
    def test_moves_with_what_happens_to_an_entry(self, entered: Database, change: str) -> None:
        before = self.revision(entered)
        with entered.unit_of_work() as session:
            row = session.scalars(select(Submission).where(Submission.public_id == "e1")).one()
            row.is_public = change != "hidden"
            row.is_pinned = change == "pinned"
            row.state = SubmissionState.WITHDRAWN if change == "withdrawn" else row.state
            standings.entry_changed(session, row)

        assert self.revision(entered) == before + 1

    def test_moves_with_a_name(self, entered: Database) -> None:
        before = self.revision(entered)
        with entered.unit_of_work() as session:
            standings.names_changed(session, team_id=session.scalars(select(Method.team_id)).one())

        assert self.revision(entered) == before + 1

    def test_moves_with_a_new_truth_which_leaves_nothing_ranked(self, entered: Database) -> None:
        before = self.revision(entered)
        with entered.unit_of_work() as session:
            add_truth(session, truth=TruthFacts(version="truth-2", classes=3, manifest={}))
            assert [row.rank for row in table(session)] == [None]
            assert session.scalars(select(Standing.miou)).all() == [None]

        assert self.revision(entered) == before + 1


def test_a_score_anew_under_the_same_truth_replaces_the_older_one(
    database: Database, user: User
) -> None:
    with database.unit_of_work() as session:
        enter(session, user, 0, Entry("A", 30.0))
        row = session.scalars(select(Submission)).one()
        session.add(
            Score(
                submission_id=row.id,
                scorer_version="2",
                truth_version="truth-1",
                miou=10.0,
                per_class_iou=[],
                per_class_biou=[],
                intervals={},
                images=1,
                created_at=NOW,
            )
        )
        standings.entry_changed(session, row)
        assert [shown.scores["miou"] for shown in table(session)] == [10.0]


def plan_of(session: Session, statement: str, parameters: Any) -> str:
    """Return how the database would find the rows, were the tables large."""
    connection = session.connection()
    explain = "EXPLAIN QUERY PLAN "
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN "
    return "\n".join(
        str(row) for row in connection.exec_driver_sql(explain + statement, parameters)
    )


def test_a_board_is_found_without_reading_every_submission(database: Database, user: User) -> None:
    """No plan goes through all submissions or scores, of the board or at all."""
    with database.unit_of_work() as session:
        for number in range(30):
            enter(session, user, number, Entry("A", float(number)))
    seen: list[tuple[str, Any]] = []

    def note(_c: object, _u: object, statement: str, parameters: Any, *_: object) -> None:
        if "FROM submission" in statement or "FROM standing" in statement:
            seen.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    with database.reading() as session:
        assert len(table(session)) == 1
    event.remove(database.engine, "before_cursor_execute", note)

    assert seen
    with database.reading() as session:
        for statement, parameters in seen:
            plan = plan_of(session, statement, parameters)
            assert not re.search(r"(SCAN|Seq Scan on) (submission|score|standing)", plan), plan
            assert "ix_submission_board_id" not in plan, plan
