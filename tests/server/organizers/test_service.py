import pytest
from sqlalchemy import func, select

from server.catalogue import imagenet_s
from server.catalogue.imagenet_s import CategoryFacts
from server.db import Database
from server.errors import ClassCountDiffers, FieldInvalid
from server.models import Base, Board, Category, ReportedResult, Split, SplitName, Subset
from server.organizers import service
from server.organizers.service import TruthFacts
from tests.support.database import NOW, TRUTH, add_subset, add_truth

pytestmark = pytest.mark.both_databases


def number_of(database: Database, model: type[Base]) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


class TestRegisterImagenetS:
    def test_registers_three_subsets_with_boards_and_reported_rows(
        self, database: Database
    ) -> None:
        with database.unit_of_work() as session:
            service.register_imagenet_s(session)

        assert number_of(database, Subset) == 3
        assert number_of(database, Board) == 3 * 2 * 4
        assert number_of(database, Category) == 50 + 300 + 919
        assert number_of(database, ReportedResult) == 199

    def test_a_second_time_changes_nothing(self, database: Database) -> None:
        for _ in range(2):
            with database.unit_of_work() as session:
                service.register_imagenet_s(session)

        assert number_of(database, ReportedResult) == 199
        assert number_of(database, Board) == 24

    @pytest.mark.parametrize("facts", imagenet_s.SUBSETS, ids=lambda facts: facts.slug)
    def test_category_ids_are_the_ranks_of_the_sorted_tags(
        self, facts: imagenet_s.SubsetFacts
    ) -> None:
        rows = imagenet_s.categories(facts.slug)

        assert len(rows) == facts.classes
        assert [row.class_id for row in rows] == list(range(1, facts.classes + 1))
        assert [row.wnid for row in rows] == sorted(row.wnid for row in rows)


class TestRegisterTruth:
    def test_a_new_slug_makes_a_data_set_with_its_boards(self, database: Database) -> None:
        with database.unit_of_work() as session:
            add_truth(session, "fresh")

        assert number_of(database, Board) == 8
        with database.reading() as session:
            split = session.scalars(select(Split).where(Split.name == SplitName.TEST)).one()
        assert split.truth_version == TRUTH.version

    def test_another_class_count_is_refused(self, database: Database) -> None:
        with database.unit_of_work() as session:
            add_subset(session, classes=4)

        with (
            pytest.raises(ClassCountDiffers, match="has 4 categories"),
            database.unit_of_work() as session,
        ):
            add_truth(session)

    def test_another_truth_is_a_new_version_and_moves_the_boards_on(
        self, database: Database
    ) -> None:
        with database.unit_of_work() as session:
            add_truth(session)
        with database.unit_of_work() as session:
            split = add_truth(session, truth=TruthFacts(version="truth-2", classes=3, manifest={}))
            assert split.truth_version == "truth-2"
            boards = session.scalars(select(Board).where(Board.split_id == split.id)).all()
            assert [board.revision for board in boards] == [2] * 4

    def test_the_same_truth_again_changes_nothing(self, database: Database) -> None:
        for _ in range(2):
            with database.unit_of_work() as session:
                split = add_truth(session)

        with database.reading() as session:
            boards = session.scalars(select(Board).where(Board.split_id == split.id)).all()
        assert [board.revision for board in boards] == [1] * 4

    def test_names_must_number_the_categories(self, database: Database) -> None:
        names = [CategoryFacts(1, "n1", "one"), CategoryFacts(3, "n3", "three")]

        with (
            pytest.raises(FieldInvalid, match="1 to 3"),
            database.unit_of_work() as session,
        ):
            service.register_truth(
                session,
                slug="fresh",
                split=SplitName.TEST,
                truth=TRUTH,
                categories=names,
                is_public=False,
                now=NOW,
            )
