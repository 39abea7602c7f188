import threading

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from server.db import Database, one_at_a_time
from server.jobs.queue import Job, RecordingQueue, ring_after_commit
from server.models import Team
from tests.support.database import NOW

pytestmark = pytest.mark.both_databases

JOB = Job("submissions.score", 1)


def teams(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Team)) or 0


class TestUnitOfWork:
    def test_commits_at_its_end_and_rings_after_that(
        self, database: Database, queue: RecordingQueue
    ) -> None:
        with database.unit_of_work() as session:
            session.add(Team(name="a", created_at=NOW))
            ring_after_commit(session, JOB)
            assert queue.rung == []

        assert teams(database) == 1
        assert queue.rung == [JOB]

    def test_keeps_nothing_and_rings_nothing_when_it_fails(
        self, database: Database, queue: RecordingQueue
    ) -> None:
        def fail_half_way() -> None:
            with database.unit_of_work() as session:
                session.add(Team(name="a", created_at=NOW))
                session.flush()
                ring_after_commit(session, JOB)
                raise RuntimeError("on purpose")

        with pytest.raises(RuntimeError, match="on purpose"):
            fail_half_way()

        assert teams(database) == 0
        assert queue.rung == []

    def test_two_of_them_cannot_both_count_before_they_write(self, database: Database) -> None:
        limit = 5

        def add_below_limit() -> None:
            with database.unit_of_work() as session:
                one_at_a_time(session, "teams")
                if (session.scalar(select(func.count()).select_from(Team)) or 0) < limit:
                    session.add(Team(name="a", created_at=NOW))

        threads = [threading.Thread(target=add_below_limit) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert teams(database) == limit


class TestReading:
    def test_refuses_to_write(self, database: Database) -> None:
        with database.reading() as session:
            session.add(Team(name="a", created_at=NOW))
            with pytest.raises(DBAPIError, match=r"read-?only"):
                session.flush()

    def test_sees_one_moment_however_long_it_reads(self, database: Database) -> None:
        count = select(func.count()).select_from(Team)
        with database.reading() as session:
            before = session.scalar(count)
            with database.unit_of_work() as writing:
                writing.add(Team(name="a", created_at=NOW))
            after = session.scalar(count)

        assert before == after == 0
        assert teams(database) == 1

    def test_leaves_the_connection_fit_for_writing(self, database: Database) -> None:
        assert teams(database) == 0

        with database.unit_of_work() as session:
            session.add(Team(name="a", created_at=NOW))

        assert teams(database) == 1


def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    with database.unit_of_work() as session:
        session.add(Team(name="a", created_at=NOW))
    with database.reading() as session:
        assert session.scalars(select(Team.created_at)).one() == NOW


def test_a_naive_time_is_refused(database: Database) -> None:
    naive = NOW.replace(tzinfo=None)

    with pytest.raises(Exception, match="no time zone"), database.unit_of_work() as session:
        session.add(Team(name="a", created_at=naive))
