import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from obstore.store import MemoryStore
from starlette.testclient import TestClient

from server.app import create_app
from server.jobs.celery_queue import CeleryQueue
from server.jobs.queue import RecordingQueue
from server.probes import Probes
from server.settings import Settings
from server.storage.store import ObjectBlobStore
from tests.support.site import Site


class SilentQueue(RecordingQueue):
    def check(self) -> None:
        raise ConnectionError("nobody at 10.0.0.7, password hunter2")


class SilentStore(ObjectBlobStore):
    def entries(self, prefix: str) -> Iterator[object]:  # type: ignore[override]
        raise ConnectionError(f"no {prefix} at https://minio:9000")
        yield


@contextmanager
def hanging_probes(site: Site) -> Iterator[tuple[Probes, list[int], threading.Event]]:
    asked, released = [0], threading.Event()

    class Hanging(RecordingQueue):
        def check(self) -> None:
            asked[0] += 1
            released.wait(60)

    probes = Probes(
        database=site.database, queue=Hanging(), store=site.store, patience_seconds=0.05
    )
    yield probes, asked, released
    released.set()


class TestReady:
    def test_is_said_when_all_answer(self, site: Site) -> None:
        answer = site.browser().get("/readyz")

        assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
        assert answer.headers["cache-control"] == "no-store"

    def test_names_the_parts_that_are_silent_and_nothing_else_of_them(self, site: Site) -> None:
        silent = SilentStore(MemoryStore())
        app = create_app(site.settings, queue=SilentQueue(), store=silent, clock=site.clock)

        answer = TestClient(app).get("/readyz")

        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json() == {
            "type": "/docs/errors#not_ready",
            "title": "Not ready",
            "status": 503,
            "code": "not_ready",
            "detail": "The broker and the store do not answer.",
            "checks": {"database": "answers", "broker": "silent", "store": "silent"},
        }

    def test_knows_a_broken_database(self, site: Site) -> None:
        site.database.close()
        (site.settings.data_dir / "luss.sqlite3").write_bytes(b"no database at all" * 100)

        answer = site.browser().get("/readyz", Accept="application/json")

        assert answer.json()["detail"] == "The database does not answer."

    def test_does_not_wait_for_a_part_that_hangs_nor_pile_up_questions(self, site: Site) -> None:
        with hanging_probes(site) as (probes, asked, released):
            began = time.monotonic()
            answers = [probes.answers() for _ in range(5)]

            assert time.monotonic() - began < 10
            assert all(each["broker"] is False and each["store"] for each in answers)
            assert asked == [1]

            released.set()
            while not probes.answers()["broker"]:
                assert time.monotonic() - began < 30


def test_alive_asks_nobody(site: Site) -> None:
    site.database.close()
    (site.settings.data_dir / "luss.sqlite3").write_bytes(b"no database at all" * 100)

    answer = site.browser().get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})
    assert answer.headers["cache-control"] == "no-store"


class TestCeleryQueue:
    def test_has_a_file_broker_that_answers(self, tmp_path: Path) -> None:
        CeleryQueue(Settings(data_dir=tmp_path)).check()

    def test_says_that_a_broker_is_not_there(self, tmp_path: Path) -> None:
        queue = CeleryQueue(Settings(data_dir=tmp_path, broker_url="amqp://guest@127.0.0.1:1//"))

        with pytest.raises(Exception, match="refused"):
            queue.check()
