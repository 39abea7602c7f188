"""Before a board opens, after it has closed, while it is paused: on its page and elsewhere."""

import json
from datetime import timedelta
from typing import Any

import pytest

from server.models import Standing, Submission
from tests.support.database import NO_TO_ALL, NOW
from tests.support.site import ADA, BOARD, Site
from tests.support.uploads import Uploader, id_of

API = f"/api/v1{BOARD}"
ENTRY = {"protocol": "fully-unsupervised", "subset": "tiny", "split": "test"}
SUBMIT = "/submit?protocol=fully-unsupervised&subset=tiny&split=test"
MINUTE = timedelta(minutes=1)


def enter(site: Site, way: str) -> Any:
    """Enter something by the page, by the API in one request, or by an upload."""
    if way == "page":
        browser = site.browser().sign_in(ADA)
        facts = dict.fromkeys(NO_TO_ALL, "no")
        return browser.fill_in(SUBMIT, b"PK", action="/submit", method_name="M", **facts)
    client = site.client({"Authorization": f"Bearer {site.token()}"})
    if way == "api":
        fields = ENTRY | {"declarations": json.dumps(NO_TO_ALL), "method_name": "M"}
        files = {"archive": ("entry.zip", b"PK")}
        return client.post("/api/v1/submissions", data=fields, files=files)
    upload = id_of(Uploader(client, site.token()).sent(b"PK"))
    entry = ENTRY | {"declarations": NO_TO_ALL, "upload_id": upload, "method_name": "M"}
    return client.post("/api/v1/submissions", json=entry)


def taken(site: Site) -> list[bool]:
    """Return for each submission that there is whether it is late."""
    with site.database.reading() as session:
        return [row.is_late for row in session.query(Submission)]


WAYS = pytest.mark.parametrize("way", ["page", "api", "upload"])


class TestEntering:
    @WAYS
    def test_waits_until_the_board_opens(self, site: Site, way: str) -> None:
        site.change_boards(opens_at=NOW + MINUTE)

        answer = enter(site, way)

        assert answer.status_code == 409
        assert "board_not_open" in answer.text
        assert "2026-11-20 12:01 UTC" in answer.text
        assert answer.headers["Retry-After"] == "60"
        assert taken(site) == []
        site.clock.time = NOW + MINUTE
        enter(site, way)
        assert taken(site) == [False]

    @WAYS
    def test_is_refused_while_the_board_is_paused(self, site: Site, way: str) -> None:
        site.change_boards(is_paused=True, note="The masks are being mended.")

        answer = enter(site, way)

        assert answer.status_code == 409
        assert "board_paused" in answer.text
        assert "The masks are being mended." in answer.text
        assert taken(site) == []

    @WAYS
    def test_is_late_from_the_closing_moment_on(self, site: Site, way: str) -> None:
        site.change_boards(closes_at=NOW)

        answer = enter(site, way)

        assert answer.status_code == (303 if way == "page" else 201)
        assert taken(site) == [True]
        if way != "page":
            assert answer.json()["late"] is True


class TestLateEntries:
    def test_are_on_the_board_without_a_rank(self, site: Site) -> None:
        site.change_boards(closes_at=NOW)
        site.scored(90.0, method="Late")

        page = site.browser().page(BOARD)
        (row,) = site.browser().get(API).json()["rows"]

        assert (row["rank"], row["unranked_because"][:4]) == (None, "late")
        assert "Unranked: late" in page.text
        with site.database.reading() as session:
            assert [standing.miou for standing in session.query(Standing)] == [None]

    def test_are_late_by_the_closing_time_that_holds(self, site: Site) -> None:
        site.change_boards(closes_at=NOW)
        site.scored(90.0, method="Late")

        site.change_boards(closes_at=NOW + MINUTE)
        assert site.browser().get(API).json()["rows"][0]["rank"] == 1
        site.change_boards(closes_at=NOW - MINUTE)
        assert site.browser().get(API).json()["rows"][0]["rank"] is None
        site.change_boards(closes_at=None)
        assert site.browser().get(API).json()["rows"][0]["rank"] == 1

    def test_say_so_on_their_page(self, site: Site) -> None:
        public_id = site.scored(90.0, is_late=True)

        assert "late, without a rank" in site.browser().page(f"/submissions/{public_id}").text


class TestABoard:
    def test_tells_programs_its_phase_as_time_passes(self, site: Site) -> None:
        site.change_boards(opens_at=NOW + MINUTE, closes_at=NOW + 2 * MINUTE, daily_limit=3)
        client = site.browser()
        phases, tags = [], set()

        for _ in range(3):
            answer = client.get(API)
            listed = client.get("/api/v1/boards").json()["boards"][0]["phase"]
            phases.append((answer.json()["phase"], listed))
            tags.add(answer.headers["etag"])
            site.clock.time += MINUTE

        assert phases == [(phase, phase) for phase in ("upcoming", "open", "closed")]
        assert len(tags) == 3
        body = client.get(API).json()
        assert (body["opens_at"], body["closes_at"], body["note"]) == (
            "2026-11-20T12:01:00Z",
            "2026-11-20T12:02:00Z",
            None,
        )
        assert body["limits"] == {"daily": 3, "total": None, "in_flight": None, "hourly": None}

    def test_tells_strangers_its_phase_as_time_passes(self, site: Site) -> None:
        """Its page is kept for them, but not longer than it is true."""
        site.change_boards(opens_at=NOW + MINUTE, closes_at=NOW + 2 * MINUTE, note="A challenge.")
        seen = []
        for _ in range(3):
            main = site.browser().page(BOARD).one("main")
            phases = [
                each.attributes.get("data-phase") for each in main.all("div", class_="notice")
            ]
            buttons = [each.text for each in main.all("a", class_="button")]
            assert "A challenge." in main.text
            seen.append((phases, buttons))
            site.clock.time += MINUTE

        assert seen == [
            (["upcoming"], []),
            ([], ["Submit to this board"]),
            (["closed"], ["Submit late, without a rank"]),
        ]

    def test_tells_when_it_is_paused(self, site: Site) -> None:
        before = site.browser().get(BOARD).text
        site.change_boards(is_paused=True)

        page = site.browser().page(BOARD)

        assert "Paused" not in before
        assert page.one("div", class_="notice notice-bad").attributes["data-phase"] == "paused"


class TestTheSubmitPage:
    def limits(self, site: Site, path: str = SUBMIT) -> str:
        page = site.browser().sign_in(ADA).page(path)
        (found,) = (each for each in page.all("div") if "data-limits" in each.attributes)
        return found.text

    def test_shows_what_is_left(self, site: Site) -> None:
        site.change_boards(daily_limit=2, in_flight_limit=2, hourly_limit=20)
        assert "2 of 2 today 2 of 2 at a time" in self.limits(site)
        site.submission()
        site.submission()

        assert "0 of 2 today; more from 2026-11-21 00:00 UTC on" in self.limits(site)

    def test_shows_when_there_is_no_limit_and_nothing_without_a_board(self, site: Site) -> None:
        assert "as many entries as you like" in self.limits(site)
        assert self.limits(site, "/submit") == ""
        assert self.limits(site, "/submit?protocol=free&subset=none&split=test") == ""

    def test_shows_the_phase(self, site: Site) -> None:
        site.change_boards(closes_at=NOW)

        assert "Late entries are scored and listed" in self.limits(site)
