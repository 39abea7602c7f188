from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from server.app import create_app
from server.jobs.queue import RecordingQueue
from server.models import SubmissionState
from server.operations import queries, workers
from server.operations.workers import KEPT
from tests.support.database import NOW
from tests.support.html import Element
from tests.support.site import Site

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


class SilentQueue(RecordingQueue):
    def check(self) -> None:
        raise ConnectionError("nobody at 10.0.0.7")


def furnish(site: Site) -> None:
    for minutes in (1, 2, 9):
        site.scored(30.0, created_at=NOW - minutes * MINUTE)
    site.submission(created_at=NOW - 200 * MINUTE)
    site.submission(state=SubmissionState.REJECTED, created_at=NOW - MINUTE)
    site.submission(state=SubmissionState.FAILED, created_at=NOW - DAY - MINUTE)
    with site.database.unit_of_work() as session:
        for name, queues in (("host-1", ["score"]), ("host-2", ["score", "model"])):
            workers.report(session, name, queues=queues, version="1", started_at=NOW, now=NOW)


def break_database(site: Site) -> None:
    site.database.close()
    (site.settings.data_dir / "luss.sqlite3").write_bytes(b"no database at all" * 100)


def said_of(page: Element, part: str) -> str:
    return page.one("div", data_part=part).one("dd").text


class TestThePage:
    def test_says_how_everything_is(self, site: Site) -> None:
        furnish(site)

        page = site.browser().page("/status")

        for part in ("web", "database", "broker", "store"):
            assert said_of(page, part).startswith("answers")
        assert said_of(page, "workers") == "2 alive 1 on the queue model, 2 on the queue score"
        assert said_of(page, "queue") == "1 waiting, the first for 3 h 20 min"
        assert said_of(page, "median").startswith("2 min 0 s")
        rows = [row.text.split() for row in page.one("tbody").all("tr")]
        assert dict(rows) | {
            "scored": "3",
            "rejected": "1",
            "received": "1",
            "failed": "0",
        } == dict(rows)
        assert "host-1" not in page.text

    def test_of_a_new_site_says_that_nothing_was_there_yet(self, site: Site) -> None:
        page = site.browser().page("/status")

        assert said_of(page, "workers").startswith("none alive")
        assert said_of(page, "queue") == "empty"
        assert said_of(page, "median") == "nothing was scored in the last 24 hours"

    def test_is_linked_from_every_page_and_never_cached(self, site: Site) -> None:
        (link,) = site.browser().page("/").one("footer").all("a", href="/status")

        answer = site.browser().get(link.attributes["href"])

        assert answer.headers["cache-control"] == "no-store"

    def test_stands_also_without_the_database_for_whoever_is_signed_in(self, site: Site) -> None:
        browser = site.browser().sign_in()
        break_database(site)

        page = browser.page("/status")

        assert said_of(page, "database").startswith("does not answer")
        assert said_of(page, "store").startswith("answers")
        assert not page.all("table")


class TestJson:
    def test_says_the_same(self, site: Site) -> None:
        furnish(site)

        answer = site.browser().get("/api/v1/status")

        assert answer.headers["cache-control"] == "no-store"
        body = answer.json()
        assert body["last_day"].pop("median_seconds") == pytest.approx(120, abs=0.001)
        assert body == {
            "at": "2026-11-20T12:00:00Z",
            "parts": dict.fromkeys(("web", "database", "broker", "store"), "answers"),
            "workers": 2,
            "workers_by_queue": {"model": 1, "score": 2},
            "queue": {"length": 1, "age_seconds": 12_000},
            "last_day": {
                "submissions": {
                    "received": 1,
                    "checking": 0,
                    "scoring": 0,
                    "scored": 3,
                    "rejected": 1,
                    "failed": 0,
                    "withdrawn": 0,
                }
            },
        }

    def test_names_what_is_silent_without_its_address(self, site: Site) -> None:
        app = create_app(site.settings, queue=SilentQueue(), store=site.store, clock=site.clock)

        answer = TestClient(app).get("/api/v1/status")

        assert answer.json()["parts"]["broker"] == "silent"
        assert "10.0.0.7" not in answer.text

    def test_without_the_database_says_null(self, site: Site) -> None:
        break_database(site)

        body = site.browser().get("/api/v1/status").json()

        assert body["parts"]["database"] == "silent"
        assert body["workers"] is body["queue"] is body["last_day"] is None


def test_a_worker_is_forgotten_when_it_leaves_or_a_day_after_it_fell_silent(site: Site) -> None:
    with site.database.unit_of_work() as session:
        for name, seen_at in (("left", NOW), ("old", NOW - KEPT - MINUTE), ("here", NOW)):
            workers.report(session, name, queues=[], version="1", started_at=NOW, now=seen_at)
        workers.report(session, "here", queues=["score"], version="2", started_at=NOW, now=NOW)
    with site.database.unit_of_work() as session:
        workers.leave(session, "left")
        workers.forget_silent(session, now=NOW)

    with site.database.reading() as session:
        (left,) = queries.workers_seen(session, since=NOW - 10 * KEPT)
    assert (left.name, left.queues, left.version) == ("here", ["score"], "2")
