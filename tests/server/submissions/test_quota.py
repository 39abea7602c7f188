"""What a team may enter on a board: counted from its entries, told, and refused beyond."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from server import quota
from server.models import Submission, SubmissionState
from server.submissions import states
from tests.support.database import NO_TO_ALL, NOW
from tests.support.site import ADA, BOARD, EVE, Site
from tests.support.uploads import Uploader, id_of

QUOTA = f"/api/v1{BOARD}/quota"
FIELDS = {
    "protocol": "fully-unsupervised",
    "subset": "tiny",
    "split": "test",
    "declarations": json.dumps(NO_TO_ALL),
}
MIDNIGHT = "2026-11-21T00:00:00Z"
HOURS_TO_MIDNIGHT = 12
S = SubmissionState


@pytest.fixture
def ada(site: Site) -> TestClient:
    return site.client({"Authorization": f"Bearer {site.token()}"})


def enter(client: TestClient, **headers: str) -> Any:
    files = {"archive": ("entry.zip", b"PK some bytes")}
    return client.post("/api/v1/submissions", data=FIELDS, files=files, headers=headers)


def refused(answer: Any, code: str) -> dict[str, Any]:
    assert answer.status_code == 429, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    return body


def rows(site: Site) -> int:
    with site.database.reading() as session:
        return session.query(Submission).count()


def archives(site: Site) -> int:
    return len(list(site.store.entries("archives")))


def used(client: TestClient) -> dict[str, int]:
    return {name: count["used"] for name, count in client.get(QUOTA).json().items()}


class TestCounting:
    def test_what_is_in_flight_is_what_is_not_final(self) -> None:
        assert quota.IN_FLIGHT == states.IN_FLIGHT

    @pytest.mark.parametrize(
        ("state", "counted"),
        [
            (S.RECEIVED, {"daily", "total", "in_flight"}),
            (S.CHECKING, {"daily", "total", "in_flight"}),
            (S.SCORING, {"daily", "total", "in_flight"}),
            (S.SCORED, {"daily", "total"}),
            (S.WITHDRAWN, {"daily", "total"}),
            (S.REJECTED, {"hourly"}),
            (S.FAILED, {"hourly"}),
        ],
    )
    def test_an_entry_counts_by_its_state(
        self, site: Site, ada: TestClient, state: SubmissionState, counted: set[str]
    ) -> None:
        site.submission(state=state)

        assert {name for name, number in used(ada).items() if number} == counted

    def test_a_day_is_one_of_utc_and_an_hour_is_the_last_one(
        self, site: Site, ada: TestClient
    ) -> None:
        midnight = datetime(2026, 11, 20, tzinfo=UTC)
        for created_at in (midnight, midnight - timedelta(microseconds=1)):
            site.submission(state=S.SCORED, created_at=created_at)
        for minutes in (59, 60):
            site.submission(state=S.REJECTED, created_at=NOW - timedelta(minutes=minutes))

        assert used(ada) == {"daily": 1, "total": 2, "in_flight": 0, "hourly": 1}

    def test_private_entries_count_and_those_of_others_or_other_boards_do_not(
        self, site: Site, ada: TestClient
    ) -> None:
        site.submission(is_public=False)
        site.submission(by=EVE)
        with site.database.reading() as session:
            own = session.query(Submission).filter_by(public_id="entry1").one().board_id
        site.submission(board_id=own + 1)

        assert used(ada)["total"] == 1

    def test_the_document_says_limits_and_when_they_end(self, site: Site, ada: TestClient) -> None:
        site.change_boards(daily_limit=5, in_flight_limit=2, hourly_limit=20)
        site.submission(state=S.FAILED, created_at=NOW - timedelta(minutes=45))

        assert ada.get(QUOTA).json() == {
            "daily": {"limit": 5, "used": 0, "resets_at": MIDNIGHT},
            "total": {"limit": None, "used": 0, "resets_at": None},
            "in_flight": {"limit": 2, "used": 0, "resets_at": None},
            "hourly": {"limit": 20, "used": 1, "resets_at": "2026-11-20T12:15:00Z"},
        }

    def test_the_document_is_for_those_who_may_submit(self, site: Site, ada: TestClient) -> None:
        assert site.client({}).get(QUOTA).status_code == 401
        assert ada.get(f"{QUOTA}?team=strangers").json()["code"] == "field_invalid"
        assert ada.get("/api/v1/boards/free/tini/test/quota").status_code == 404


class TestRefusals:
    def test_the_day_is_full(self, site: Site, ada: TestClient) -> None:
        site.change_boards(daily_limit=2)
        site.submission(state=S.WITHDRAWN)
        assert enter(ada).status_code == 201

        answer = enter(ada)
        body = refused(answer, "quota_daily")

        assert (body["limit"], body["used"], body["resets_at"]) == (2, 2, MIDNIGHT)
        assert answer.headers["Retry-After"] == str(HOURS_TO_MIDNIGHT * 3600)
        assert rows(site) == 2
        assert archives(site) == 1
        site.clock.time = NOW + timedelta(hours=HOURS_TO_MIDNIGHT)
        assert enter(ada).status_code == 201

    def test_all_are_used_for_ever(self, site: Site, ada: TestClient) -> None:
        site.change_boards(total_limit=1)
        site.submission(state=S.SCORED, created_at=NOW - timedelta(days=400))

        answer = enter(ada)

        assert refused(answer, "quota_total")["resets_at"] is None
        assert "Retry-After" not in answer.headers

    def test_two_wait_already_until_one_is_finished(self, site: Site, ada: TestClient) -> None:
        site.change_boards(in_flight_limit=2)
        first = enter(ada).json()["id"]
        enter(ada)

        answer = enter(ada)

        assert refused(answer, "quota_in_flight")["resets_at"] is None
        assert int(answer.headers["Retry-After"]) > 0
        site.change(first, state=S.SCORED)
        assert enter(ada).status_code == 201

    def test_too_many_were_rejected_within_an_hour(self, site: Site, ada: TestClient) -> None:
        for minutes, state in ((50, S.REJECTED), (30, S.FAILED), (10, S.REJECTED)):
            site.submission(state=state, created_at=NOW - timedelta(minutes=minutes))
        site.change_boards(hourly_limit=2, daily_limit=1)

        answer = enter(ada)

        assert refused(answer, "quota_hourly")["resets_at"] == "2026-11-20T12:30:00Z"
        assert answer.headers["Retry-After"] == "1800"
        site.clock.time = NOW + timedelta(minutes=30)
        assert enter(ada).status_code == 201

    def test_a_repeat_takes_nothing_and_is_answered_over_the_limit(
        self, site: Site, ada: TestClient
    ) -> None:
        site.change_boards(daily_limit=1)

        answers = [enter(ada, **{"Idempotency-Key": "k"}) for _ in range(2)]

        assert [each.status_code for each in answers] == [201, 201]
        assert answers[0].json()["id"] == answers[1].json()["id"]
        assert used(ada)["daily"] == 1

    def test_limits_are_those_of_one_board_and_one_team(self, site: Site, ada: TestClient) -> None:
        site.change_boards(daily_limit=1)
        eve = site.client({"Authorization": f"Bearer {site.token(EVE)}"})

        assert enter(ada).status_code == enter(eve).status_code == 201
        answer = ada.post(
            "/api/v1/submissions",
            data=FIELDS | {"protocol": "free"},
            files={"archive": ("entry.zip", b"PK")},
        )
        assert answer.status_code == 201, answer.text

    def test_the_page_keeps_what_was_typed(self, site: Site) -> None:
        site.change_boards(daily_limit=1)
        site.submission()
        browser = site.browser().sign_in(ADA)

        answer = browser.fill_in(
            "/submit?protocol=fully-unsupervised&subset=tiny&split=test",
            b"PK",
            action="/submit",
            method_name="Typed",
            description="A long story",
            **dict.fromkeys(NO_TO_ALL, "no"),
        )

        assert answer.status_code == 429
        assert "No entries are left today" in answer.text
        assert 'value="Typed"' in answer.text
        assert ">A long story</textarea>" in answer.text
        assert int(answer.headers["Retry-After"]) > 0
        assert rows(site) == 1


class TestUploads:
    def announced(self, site: Site, team: str = "") -> Any:
        words = {**{name: FIELDS[name] for name in ("protocol", "subset", "split")}, "team": team}
        metadata = ",".join(f"{name} {_base64(word)}" for name, word in words.items())
        return Uploader(site.client({}), site.token()).begin(7, metadata=metadata)

    def test_what_could_not_be_entered_is_refused_before_its_bytes(self, site: Site) -> None:
        site.change_boards(daily_limit=1)
        assert self.announced(site).status_code == 201
        site.submission()

        refused(self.announced(site), "quota_daily")
        site.change_boards(is_paused=True)
        assert self.announced(site).json()["code"] == "board_paused"
        assert self.announced(site, team="strangers").json()["code"] == "field_invalid"

    def test_an_upload_takes_nothing_until_it_is_entered(self, site: Site, ada: TestClient) -> None:
        site.change_boards(daily_limit=1)
        uploader = Uploader(site.client({}), site.token())
        first, second = (uploader.sent(b"PK bytes") for _ in range(2))
        assert set(used(ada).values()) == {0}

        entries = [
            ada.post(
                "/api/v1/submissions",
                json={**FIELDS, "declarations": NO_TO_ALL, "upload_id": id_of(url)},
            )
            for url in (first, second)
        ]

        assert entries[0].status_code == 201
        refused(entries[1], "quota_daily")
        assert uploader.offset(second) == len(b"PK bytes")
        assert archives(site) == 1

    def test_a_person_has_so_many_that_are_not_entered(self, site: Site) -> None:
        uploader = Uploader(site.client({}), site.token())
        urls = [uploader.begun(7) for _ in range(5)]

        answer = uploader.begin(7)

        assert (answer.status_code, answer.json()["code"]) == (409, "too_many_uploads")
        assert Uploader(site.client({}), site.token(EVE)).begin(7).status_code == 201
        assert uploader.give_up(urls[0]).status_code == 204
        assert uploader.begin(7).status_code == 201
        assert uploader.begin(7).status_code == 409


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
