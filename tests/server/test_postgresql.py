"""What only PostgreSQL has: a server that goes away, and patience that ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from starlette.testclient import TestClient

from server.app import create_app
from server.db import POSTGRESQL_SETTINGS, Database
from server.dependencies import Rooms
from server.jobs.queue import RecordingQueue
from server.models import Team
from server.settings import Settings
from server.storage.retrying import open_store
from tests.support.database import NOW, migrated_postgresql
from tests.support.servers import Postgresql

COUNT = select(func.count()).select_from(Team)


@pytest.fixture
def database(postgresql: Postgresql) -> Iterator[Database]:
    with migrated_postgresql(postgresql) as (opened, _):
        yield opened


def url_of(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def test_a_connection_has_the_settings_that_it_should(database: Database) -> None:
    with database.unit_of_work() as session:
        shown = {name: session.scalar(text(f"SHOW {name}")) for name in POSTGRESQL_SETTINGS}
        isolation = session.scalar(text("SHOW transaction_isolation"))
    with database.reading() as session:
        reading = session.scalar(text("SHOW transaction_isolation"))

    assert shown["TimeZone"] == "UTC"
    assert shown["lock_timeout"] == "10s"
    assert shown["statement_timeout"] == "30s"
    assert shown["idle_in_transaction_session_timeout"] == "1min"
    assert (isolation, reading) == ("read committed", "repeatable read")


@pytest.mark.slow
def test_a_restarted_server_is_met_with_new_connections(
    database: Database, postgresql: Postgresql
) -> None:
    with database.unit_of_work() as session:
        session.add(Team(name="kept", created_at=NOW))

    postgresql.kill()
    with pytest.raises(OperationalError), database.reading() as session:
        session.scalar(COUNT)
    postgresql.start()

    with database.reading() as session:
        assert session.scalar(COUNT) == 1
    with database.unit_of_work() as session:
        session.add(Team(name="new", created_at=NOW))


@pytest.mark.slow
def test_a_transaction_that_the_server_did_not_survive_rings_nothing(
    postgresql: Postgresql, database: Database
) -> None:
    def restarted_half_way() -> None:
        with database.unit_of_work() as session:
            session.add(Team(name="lost", created_at=NOW))
            session.flush()
            postgresql.restart()

    with pytest.raises(DBAPIError):
        restarted_half_way()

    with database.reading() as session:
        assert session.scalar(COUNT) == 0


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Iterator[TestClient]:
    app = create_app(
        Settings(data_dir=tmp_path, database_url=url_of(database)),
        queue=RecordingQueue(),
        store=open_store("memory://"),
    )
    yield TestClient(app, raise_server_exceptions=False)
    rooms: Rooms = app.state.rooms
    rooms.database.close()


@pytest.mark.parametrize(
    "path", ["/submissions/%00", "/methods/a%00b", "/api/v1/methods/%00", "/boards/free/%00/test"]
)
def test_a_character_that_cannot_be_kept_is_the_askers_fault(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in {404, 422}


@pytest.mark.slow
def test_without_its_database_the_site_says_so_and_recovers(
    client: TestClient, postgresql: Postgresql
) -> None:
    assert client.get("/readyz").status_code == 200

    postgresql.kill()
    answer = client.get("/api/v1/boards")
    postgresql.start()

    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/readyz").status_code == 200
    assert client.get("/api/v1/boards").status_code == 200


def test_a_lock_is_not_waited_for_without_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(POSTGRESQL_SETTINGS, "lock_timeout", "200ms")
    impatient = Database(url_of(database), RecordingQueue())
    lock = text("LOCK TABLE team IN EXCLUSIVE MODE")
    with database.unit_of_work() as session:
        session.execute(lock)
        with (
            pytest.raises(OperationalError, match="lock timeout"),
            impatient.unit_of_work() as other,
        ):
            other.execute(lock)
    impatient.close()
