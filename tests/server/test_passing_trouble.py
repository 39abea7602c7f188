"""Which errors of a database say that the same may work later."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from client.stack.programs import free_port
from server.db import Database, is_passing
from server.jobs.queue import RecordingQueue
from tests.support.database import migrated_database, migrated_postgresql
from tests.support.servers import Postgresql

OUR_MISTAKES = [
    "SELECT colour FROM team",
    "SELECT 1 FROM no_such_table",
    "INSERT INTO team (id) VALUES (NULL)",
]


def error_of(database: Database, *statements: str) -> SQLAlchemyError:
    def execute() -> None:
        with database.unit_of_work() as session:
            for statement in statements:
                session.execute(text(statement))

    with pytest.raises(SQLAlchemyError) as caught:
        execute()
    return caught.value


class TestPostgresql:
    @pytest.fixture
    def database(self, postgresql: Postgresql) -> Iterator[Database]:
        with migrated_postgresql(postgresql) as (opened, _):
            yield opened

    def test_a_server_that_cannot_be_reached_passes(self) -> None:
        nobody = f"postgresql+psycopg://luss@127.0.0.1:{free_port()}/luss"

        assert is_passing(error_of(Database(nobody, RecordingQueue()), "SELECT 1"))

    def test_a_server_that_hangs_up_passes(self, database: Database) -> None:
        assert is_passing(error_of(database, "SELECT pg_terminate_backend(pg_backend_pid())"))

    def test_a_lock_that_others_hold_passes(self, database: Database) -> None:
        lock = "LOCK TABLE team IN ACCESS EXCLUSIVE MODE"
        with database.unit_of_work() as session:
            session.execute(text(lock))

            assert is_passing(error_of(database, "SET LOCAL lock_timeout = '10ms'", lock))

    def test_a_statement_that_takes_too_long_is_ours_to_mend(self, database: Database) -> None:
        slow = ("SET LOCAL statement_timeout = '10ms'", "SELECT pg_sleep(1)")

        assert not is_passing(error_of(database, *slow))

    @pytest.mark.parametrize("statement", OUR_MISTAKES)
    def test_a_mistake_does_not_pass(self, database: Database, statement: str) -> None:
        assert not is_passing(error_of(database, statement))


class TestSqlite:
    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        with migrated_database(tmp_path) as (opened, _):
            yield opened

    def test_a_file_that_cannot_be_opened_passes(self, tmp_path: Path) -> None:
        assert is_passing(error_of(Database(f"sqlite:///{tmp_path}", RecordingQueue()), "SELECT 1"))

    def test_a_file_that_others_write_to_passes(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("server.db.BUSY_TIMEOUT_MS", 10)
        with database.unit_of_work() as session:
            session.execute(text("SELECT 1"))  # a lock is taken with the first statement

            assert is_passing(error_of(database, "SELECT 1"))

    @pytest.mark.parametrize("statement", OUR_MISTAKES)
    def test_a_mistake_does_not_pass(self, database: Database, statement: str) -> None:
        assert not is_passing(error_of(database, statement))


def test_an_error_of_something_else_is_not_the_databases() -> None:
    assert not is_passing(ConnectionError("the store hung up"))
