"""Uploads to a disk that is full: refused with 507 and a sentence, and nothing of them stays."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from server.accounts import tokens
from server.app import create_app
from server.clock import SetClock
from server.db import Database
from server.jobs.queue import RecordingQueue
from server.models import Scope, Submission
from server.settings import Settings
from tests.support.database import NO_TO_ALL, NOW, add_subset, add_truth, add_user
from tests.support.small_disk import SmallDisk, small_disk

MEGABYTE = 1024**2
FIELDS = {
    "protocol": "fully-unsupervised",
    "subset": "tiny",
    "split": "test",
    "declarations": json.dumps(NO_TO_ALL),
}


class Site:
    """An app that stages and stores on the small disk; its database lies elsewhere."""

    def __init__(self, database: Database, disk: SmallDisk, *, reserve: int) -> None:
        self.database, self.disk = database, disk
        settings = Settings(
            data_dir=disk.folder,
            database_url=database.engine.url.render_as_string(),
            min_free_bytes=reserve,
        )
        self.app = create_app(settings, queue=RecordingQueue(), clock=SetClock(NOW))
        self.client = TestClient(self.app)
        with database.unit_of_work() as session:
            add_subset(session)
            add_truth(session)
            add_user(session)
            self.token = tokens.create_for(
                session, email="ada@example.org", scope=Scope.SUBMIT, days=None, now=NOW
            )

    def post(self, size_bytes: int, *, chunked: bool = False) -> Any:
        request = self.client.build_request(
            "POST",
            "/api/v1/submissions",
            data=FIELDS,
            files={"archive": ("entry.zip", b"x" * size_bytes)},
            headers={"Authorization": f"Bearer {self.token}"},
        )
        body = request.read()
        headers = {name: request.headers[name] for name in ("authorization", "content-type")}
        content = (body[at : at + 65536] for at in range(0, len(body), 65536))
        return self.client.post(
            "/api/v1/submissions", content=content if chunked else body, headers=headers
        )

    def refuses(self, answer: Any) -> None:
        """Check the refusal, and that no row, no archive and no byte of it is left."""
        assert answer.status_code == 507, answer.text
        assert answer.json()["code"] == "storage_full"
        assert "send it again later" in answer.json()["detail"]
        assert self.kept() == 0

    def kept(self) -> int:
        """Return how many submissions there are, with as many archives and nothing besides."""
        with self.database.reading() as session:
            rows = len(session.scalars(select(Submission.id)).all())
        files = [path for path in self.disk.folder.rglob("*") if path.is_file()]
        assert len([path for path in files if path.name.endswith(".zip")]) == rows
        assert {path.name for path in files if path.suffix != ".zip"} <= {"ballast"}
        return rows


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", megabytes=16) as mounted:
        yield mounted


@pytest.fixture
def site(database: Database, disk: SmallDisk) -> Iterator[Site]:
    built = Site(database, disk, reserve=2 * MEGABYTE)
    yield built
    built.app.state.rooms.database.close()


@pytest.fixture
def unguarded(database: Database, disk: SmallDisk) -> Iterator[Site]:
    """Give a site without a reserve, so that only the disk itself refuses."""
    built = Site(database, disk, reserve=0)
    yield built
    built.app.state.rooms.database.close()


def test_what_would_eat_into_the_reserve_is_refused_by_its_declared_length(site: Site) -> None:
    site.refuses(site.post(8 * MEGABYTE))


def test_what_declares_no_length_is_refused_on_its_way(site: Site) -> None:
    site.refuses(site.post(8 * MEGABYTE, chunked=True))
    assert site.post(4 * MEGABYTE, chunked=True).status_code == 201


def test_a_disk_that_fills_up_while_an_archive_is_staged(unguarded: Site) -> None:
    unguarded.disk.fill(but=MEGABYTE)

    unguarded.refuses(unguarded.post(3 * MEGABYTE, chunked=True))


def test_a_disk_that_fills_up_while_an_archive_is_stored(
    unguarded: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fill the disk behind the last check, as another writer might."""
    store = unguarded.app.state.rooms.store
    real = store.put

    def fill_first(key: str, source: Any) -> None:
        unguarded.disk.fill(but=MEGABYTE)
        real(key, source)

    monkeypatch.setattr(store, "put", fill_first)

    unguarded.refuses(unguarded.post(3 * MEGABYTE))


def test_work_goes_on_when_there_is_room_again(site: Site) -> None:
    site.disk.fill(but=2 * MEGABYTE)
    site.refuses(site.post(1000))

    site.disk.make_room()

    assert site.post(4 * MEGABYTE).status_code == 201
    assert site.kept() == 1
