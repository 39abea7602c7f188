"""What SQLite and PostgreSQL could do differently, and must not."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import String, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from server.catalogue import imagenet_s
from server.catalogue import queries as catalogue
from server.db import Database
from server.method_names import method_of, slug_of
from server.methods import queries as methods
from server.models import (
    CARD_FIELDS,
    Base,
    Board,
    Method,
    Protocol,
    Score,
    SplitName,
    Submission,
    Subset,
    Team,
    User,
)
from server.organizers import service as organizing
from server.organizers.boards import boards_like, change_boards
from server.submissions import leases, outcomes, queries, shards
from server.submissions.waiting import places_of
from server.visibility import STRANGER
from tests.support.database import (
    LEASE,
    NOW,
    TERMS,
    TRUTH,
    add_score,
    add_submission,
    add_subset,
    add_truth,
    add_user,
)

pytestmark = pytest.mark.both_databases


@pytest.fixture
def submission(database: Database) -> Submission:
    with database.unit_of_work() as session:
        add_subset(session)
        add_truth(session)
        return add_submission(session, add_user(session))


def begun(database: Database, submission: Submission) -> leases.Claim:
    """Claim a submission and bring it to scoring."""
    with database.unit_of_work() as session:
        held = leases.claim(session, submission.id, now=NOW, terms=TERMS)
        assert held is not None
        card = dict.fromkeys(CARD_FIELDS)
        assert outcomes.begin_scoring(session, held, images=6, card=card, warnings=[], now=NOW)
    return held


def plan(session: Session, held: leases.Claim) -> bool:
    parts = [shards.Part(first, first + 2, f"key-{first}") for first in (0, 2, 4)]
    return shards.plan(session, held, parts, truth_version=TRUTH.version, now=NOW, lease=LEASE)


def cut(database: Database, submission: Submission) -> None:
    held = begun(database, submission)
    with database.unit_of_work() as session:
        assert plan(session, held)


def at_once(count: int, deed: Callable[[int], Any]) -> list[Any]:
    """Do something in several threads that start together; return what each returned."""
    results: list[Any] = []
    gate = threading.Barrier(count)

    def one(number: int) -> None:
        gate.wait()
        try:
            results.append(deed(number))
        except Exception as error:  # noqa: BLE001  # the test compares what happened
            results.append(error)

    threads = [threading.Thread(target=one, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class TestRaces:
    def test_one_of_many_workers_gets_the_claim(
        self, database: Database, submission: Submission
    ) -> None:
        def claim(_number: int) -> leases.Claim | None:
            with database.unit_of_work() as session:
                return leases.claim(session, submission.id, now=NOW, terms=TERMS)

        claims = at_once(8, claim)

        assert len([each for each in claims if each is not None]) == 1
        with database.reading() as session:
            assert queries.to_score(session, submission.id).attempts == 1

    def test_every_shard_is_claimed_once(self, database: Database, submission: Submission) -> None:
        cut(database, submission)

        def claim(_number: int) -> int | None:
            with database.unit_of_work() as session:
                held = shards.claim_next(session, submission.id, now=NOW, terms=TERMS)
                return None if held is None else held.first

        claimed = at_once(5, claim)

        assert sorted(first for first in claimed if first is not None) == [0, 2, 4]
        assert claimed.count(None) == 2

    def test_a_claim_that_had_to_wait_sees_what_it_waited_for(
        self, database: Database, submission: Submission
    ) -> None:
        """A worker whose lease has run out still cuts its submission: nobody else claims it."""
        held, late = begun(database, submission), NOW + 2 * LEASE
        claimed: list[leases.Claim | None] = []

        def claim() -> None:
            with database.unit_of_work() as session:
                claimed.append(leases.claim(session, submission.id, now=late, terms=TERMS))

        waiting = threading.Thread(target=claim)
        with database.unit_of_work() as session:
            assert plan(session, held)
            session.flush()
            waiting.start()
            waiting.join(timeout=0.5)  # long enough to be kept waiting by the database
            assert claimed == []
        waiting.join()

        assert claimed == [None]

    def test_a_method_that_many_record_at_once_is_one_method(
        self, database: Database, submission: Submission
    ) -> None:
        def record(_number: int) -> str:
            with database.unit_of_work() as session:
                return method_of(session, team_id=submission.team_id, name="Pass", now=NOW).slug

        assert at_once(8, record) == ["pass"] * 8

    def test_equal_names_of_many_teams_get_slugs_of_their_own(self, database: Database) -> None:
        with database.unit_of_work() as session:
            teams = [Team(name=f"team {number}", created_at=NOW) for number in range(6)]
            session.add_all(teams)

        def record(number: int) -> str:
            with database.unit_of_work() as session:
                return method_of(session, team_id=teams[number].id, name="Pass", now=NOW).slug

        slugs = at_once(6, record)

        assert sorted(slugs) == ["pass", *(f"pass-{number}" for number in range(2, 7))]

    def test_two_who_set_up_at_once_register_everything_once(self, database: Database) -> None:
        def register(_number: int) -> None:
            with database.unit_of_work() as session:
                organizing.register_imagenet_s(session)

        assert at_once(2, register) == [None, None]

        with database.reading() as session:
            assert catalogue.subset_slugs(session) == [facts.slug for facts in imagenet_s.SUBSETS]

    def test_no_change_of_a_board_is_counted_away(
        self, database: Database, submission: Submission
    ) -> None:
        """One writer counts while another has read the row and not yet written."""
        with database.reading() as session:
            before = session.get_one(Board, submission.board_id).revision

        def change(number: int) -> None:
            with database.unit_of_work() as session:
                if number:
                    add_truth(session, truth=_other_truth(number))
                else:
                    bump = update(Board).where(Board.id == submission.board_id)
                    session.execute(bump.values(revision=Board.revision + 1))

        assert at_once(4, change) == [None] * 4

        with database.reading() as session:
            assert session.get_one(Board, submission.board_id).revision == before + 4


def _other_truth(number: int) -> organizing.TruthFacts:
    return organizing.TruthFacts(
        version=f"truth-{number + 1}", classes=TRUTH.classes, manifest=TRUTH.manifest
    )


class TestValues:
    def test_times_of_another_zone_come_back_as_the_same_moment(self, database: Database) -> None:
        east = timezone(timedelta(hours=5, minutes=45))
        moment = datetime(2026, 3, 29, 3, 30, 15, 123456, tzinfo=east)
        with database.unit_of_work() as session:
            session.add(Team(name="a", created_at=moment))

        with database.reading() as session:
            (found,) = session.scalars(select(Team.created_at))
            earlier = session.scalars(select(Team).where(Team.created_at < moment)).all()
            same = session.scalars(select(Team).where(Team.created_at == moment)).all()

        assert found == moment
        assert found.utcoffset() == timedelta(0)
        assert (len(earlier), len(same)) == (0, 1)

    def test_an_enum_takes_its_own_words_only(
        self, database: Database, submission: Submission
    ) -> None:
        words = text("UPDATE submission SET state = 'lost' WHERE id = :id")

        with pytest.raises(IntegrityError), database.unit_of_work() as session:
            session.execute(words, {"id": submission.id})

    def test_a_reference_to_nothing_is_refused(self, database: Database) -> None:
        with pytest.raises(IntegrityError), database.unit_of_work() as session:
            session.add(Method(team_id=7, name="x", slug="x", created_at=NOW))

    def test_a_unique_key_with_nothing_in_it_may_repeat(
        self, database: Database, submission: Submission
    ) -> None:
        """Submissions without an idempotency key do not exclude one another."""
        with database.unit_of_work() as session:
            user = session.get_one(User, submission.user_id)
            add_submission(session, user, public_id="bbbb")

        with database.reading() as session:
            assert session.scalar(select(func.count()).select_from(Submission)) == 2

    def test_numbers_come_back_to_the_last_bit(
        self, database: Database, submission: Submission
    ) -> None:
        third = 100 / 3
        with database.unit_of_work() as session:
            row = session.get_one(Submission, submission.id)
            row.archive_bytes = 2**40
            score = add_score(session, row, third)
            score.per_class_iou = [third, 0.1, 1e-300]

        with database.reading() as session:
            found = session.scalars(select(Score)).one()
            assert (found.miou, found.per_class_iou) == (third, [third, 0.1, 1e-300])
            assert session.get_one(Submission, submission.id).archive_bytes == 2**40

    def test_capitals_tell_names_apart(self, database: Database, submission: Submission) -> None:
        with database.unit_of_work() as session:
            slugs = [
                method_of(session, team_id=submission.team_id, name=name, now=NOW).slug
                for name in ("Pass", "PASS", "pass_", "p%ss")
            ]

        assert slugs == ["pass", "pass-2", "pass-3", "p-ss"]

    def test_splits_and_boards_stand_in_the_same_order(self, database: Database) -> None:
        with database.unit_of_work() as session:
            for slug in ("b-later", "B-first", "a_x"):
                add_subset(session, slug)

        with database.reading() as session:
            boards = catalogue.boards(session)
            assert catalogue.subset_slugs(session) == ["b-later", "B-first", "a_x"]
        assert [(board.split.name, board.protocol) for board in boards[:8]] == [
            (split, protocol) for split in (SplitName.TEST, SplitName.VAL) for protocol in Protocol
        ]

    def test_what_is_registered_fits_into_its_columns(self, database: Database) -> None:
        """SQLite keeps any length; PostgreSQL refuses what is longer than declared."""
        with database.unit_of_work() as session:
            organizing.register_imagenet_s(session)
        with database.reading() as session:
            for table in Base.metadata.sorted_tables:
                for column in table.columns:
                    if isinstance(column.type, String) and column.type.length:
                        longest = session.scalar(select(func.max(func.length(column)))) or 0
                        assert longest <= column.type.length, column

    def test_a_name_whose_letters_become_several_has_a_slug_that_fits(
        self, database: Database, submission: Submission
    ) -> None:
        name = "\N{SQUARE RAD OVER S SQUARED}" * 200
        assert len(slug_of(name)) <= 200

        with database.unit_of_work() as session:
            slug = method_of(session, team_id=submission.team_id, name=name, now=NOW).slug

        assert slug.startswith("rad")


def test_entries_are_late_by_the_closing_time_of_their_board(
    database: Database, submission: Submission
) -> None:
    seen = []
    for closes_at in (NOW, NOW + LEASE, None, NOW - LEASE):
        with database.unit_of_work() as session:
            boards = boards_like(session, protocol=None, subset="tiny", split=None)
            change_boards(session, boards, {"closes_at": closes_at})
        with database.reading() as session:
            seen.append(session.get_one(Submission, submission.id).is_late)

    assert seen == [True, False, False, True]


class TestQueries:
    """Those whose SQL is more than a look-up; each board has its own tests."""

    @pytest.fixture
    def method(self, database: Database, submission: Submission) -> Method:
        """Two public entries of one method, the second one better, and one of a rival."""
        with database.unit_of_work() as session:
            user = session.get_one(User, submission.user_id)
            method = method_of(session, team_id=submission.team_id, name="Pass", now=NOW)
            rival = method_of(session, team_id=submission.team_id, name="Rival", now=NOW)
            for public_id, owner, miou in (
                ("bbbb", method, 20.0),
                ("cccc", method, 30.0),
                ("dddd", rival, 40.0),
                ("eeee", rival, None),
            ):
                entry = add_submission(session, user, public_id=public_id)
                entry.method_id = owner.id
                add_score(session, entry, miou)
            return method

    def test_a_method_has_the_rank_of_its_best_entry(
        self, database: Database, method: Method
    ) -> None:
        with database.reading() as session:
            entries = methods.entries(session, method, STRANGER)
            ranked = methods.ranked_entries(session, method)
            found = methods.by_slug(session, "pass", STRANGER)

        assert [entry.public_id for entry, _ in entries] == ["cccc", "bbbb"]
        assert ranked == {entries[0][0].id: 2}
        assert found is not None
        assert found.id == method.id

    def test_lists_are_cut_in_the_same_places(self, database: Database, method: Method) -> None:
        with database.reading() as session:
            first = queries.of_teams(session, (method.team_id,), before_id=None, limit=3)
            rest = queries.of_teams(session, (method.team_id,), before_id=first[-1].id, limit=3)
            waiting = places_of(session, rest, now=NOW, shard_images=10)
            keys = queries.keys_in_use(session, ["archives/aaaa.zip", "archives/zzzz.zip"])

        assert [row.public_id for row in first] == ["eeee", "dddd", "cccc"]
        assert [row.public_id for row in rest] == ["bbbb", "aaaa"]
        assert [place.position for place in waiting.values()] == [0]
        assert keys == {"archives/aaaa.zip"}


class TestSessions:
    def test_ids_are_given_by_the_database(self, database: Database) -> None:
        with database.unit_of_work() as session:
            session.execute(insert(Team).values(name="a", created_at=NOW))
            session.execute(insert(Team).values(name="b", created_at=NOW))

        with database.reading() as session:
            first, second = session.scalars(select(Team.id).order_by(Team.id))
            assert second == first + 1

    def test_a_failed_statement_leaves_the_connection_usable(self, database: Database) -> None:
        with pytest.raises(DBAPIError), database.unit_of_work() as session:
            session.execute(text("SELECT nothing_of_that_name"))

        with database.reading() as session:
            assert session.scalar(select(func.count()).select_from(Subset)) == 0
