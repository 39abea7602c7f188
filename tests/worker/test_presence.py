from pathlib import Path

from server.db import Database
from server.jobs.queue import RecordingQueue
from server.models import WorkerProcess
from tests.support.database import create_database
from tests.support.waiting import eventually
from worker.presence import Presence, worker_name
from worker.settings import WorkerSettings


def rows(database: Database) -> list[WorkerProcess]:
    with database.reading() as session:
        return list(session.query(WorkerProcess))


def test_a_worker_signs_on_and_off(tmp_path: Path) -> None:
    create_database(tmp_path / "luss.sqlite3")
    settings = WorkerSettings(data_dir=tmp_path)
    database = Database(settings.database, RecordingQueue())
    presence = Presence(settings, queues=["model", "score"])

    presence.start()
    eventually(lambda: bool(rows(database)), seconds=30, what="the worker to sign on")
    (row,) = rows(database)
    presence.leave()

    assert (row.name, row.queues) == (worker_name(), ["model", "score"])
    assert row.seen_at >= row.started_at
    assert rows(database) == []
    database.close()


def test_a_worker_without_its_database_goes_on(tmp_path: Path) -> None:
    presence = Presence(WorkerSettings(data_dir=tmp_path), queues=["score"])

    presence.start()
    presence.leave()
