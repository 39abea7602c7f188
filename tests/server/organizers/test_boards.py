"""Setting boards, by two organizers at once."""

from datetime import timedelta

import pytest

from server.errors import FieldInvalid
from server.organizers.boards import boards_like, change_boards
from tests.support.database import NOW, add_subset, migrated_postgresql
from tests.support.servers import Postgresql

DAY = timedelta(days=1)


def test_a_board_does_not_close_before_it_opens_by_two_that_change_it_at_once(
    postgresql: Postgresql,
) -> None:
    """The second is told so: it counts what the first has set meanwhile."""
    with migrated_postgresql(postgresql) as (database, _):
        with database.unit_of_work() as session:
            add_subset(session)

        with database.unit_of_work() as second:
            seen = boards_like(second, protocol=None, subset=None, split=None)
            with database.unit_of_work() as first:
                boards = boards_like(first, protocol=None, subset=None, split=None)
                change_boards(first, boards, {"closes_at": NOW})
            with pytest.raises(FieldInvalid, match="closes after it opens"):
                change_boards(second, seen, {"opens_at": NOW + DAY})
