"""Names that are withheld: nowhere to be found until their date, and everywhere after it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from server.models import Protocol, Scope, SubmissionState
from server.protocols import FACT_KEYS
from server.submissions import anonymity
from tests.support import html
from tests.support.database import NO_TO_ALL, NOW
from tests.support.html import typed_into
from tests.support.site import ADA, BOARD, EVE, Site
from tests.support.words import says

UNTIL = NOW + timedelta(days=30)
CARD = {
    "training_data": "canary-training-data",
    "training_scheme": "canary-training-scheme",
    "networks": "canary-networks",
    "link": "https://canary-link.example.org",
    "description": "canary-description",
}
SHA256 = "ca0a" * 16
FINDING = {
    "code": "extra_file",
    "severity": "warning",
    "file": "canary-folder/x.png",
    "expected": None,
    "found": None,
    "message": "canary-finding",
    "count": 1,
}
CANARIES = ("canary", SHA256, ADA)


@pytest.fixture
def hidden(site: Site) -> str:
    """Ada's team and method are canaries; her entry stands between two of Eve's."""
    ada = site.browser().sign_in()
    ada.fill_in("/account", action="/account/profile", name="canary-person")
    site.scored(40.0, method="First", by=EVE)
    site.scored(10.0, method="Last", by=EVE)
    site.scored(60.0, method="canary-method", is_public=False)
    return site.scored(
        30.0,
        method="canary-method",
        anonymous_until=UNTIL,
        archive_sha256=SHA256,
        findings=[FINDING],
        **CARD,
    )


def public_addresses(public_id: str) -> tuple[str, ...]:
    api = f"/api/v1{BOARD}"
    per_class = "detail=per-class"
    return (
        *("/", BOARD, f"{BOARD}?entries=all", f"{BOARD}?sort=team"),
        *(api, f"{api}?format=csv", f"{api}?format=latex", f"{api}?entries=all"),
        *(f"{api}?{per_class}", f"{api}?{per_class}&format=csv"),
        *(f"/submissions/{public_id}", f"/api/v1/submissions/{public_id}"),
        *(f"/compare?ids={public_id},entry1", f"/api/v1/compare?ids={public_id},entry1"),
        *("/status", "/api/v1/status", "/api/v1/boards"),
    )


def row_of(site: Site, public_id: str) -> dict[str, Any]:
    rows = site.browser().get(f"/api/v1{BOARD}").json()["rows"]
    (row,) = [row for row in rows if row["submission"] == public_id]
    return dict(row)


def sweep(site: Site) -> None:
    """Do what the sweep of the workers does about dates."""
    now = site.clock.now()
    with site.database.reading() as session:
        ids = anonymity.due(session, now=now)
    for submission_id in ids:
        with site.database.unit_of_work() as session:
            anonymity.reveal(session, submission_id, now=now)


@pytest.mark.parametrize("reader", [None, EVE])
def test_no_address_tells_others_whose_it_is(site: Site, hidden: str, reader: str | None) -> None:
    browser = site.browser()
    if reader is not None:
        browser.sign_in(reader)

    for address in public_addresses(hidden):
        answer = browser.get(address)
        assert answer.status_code == 200, address
        for canary in CANARIES:
            assert canary not in answer.text.lower(), (address, canary)
        assert not says(answer.text, "Ada"), address
    for address in ("/methods/canary-method", "/api/v1/methods/canary-method"):
        assert browser.get(address).status_code == 404
    assert "Anonymous 1" in browser.get(BOARD).text
    assert "withheld until 2026-12-20" in browser.get(f"/submissions/{hidden}").text


def test_the_entry_has_its_rank_and_its_scores(site: Site, hidden: str) -> None:
    row = row_of(site, hidden)

    assert (row["rank"], row["scores"]["miou"]) == (2, 30.0)
    assert (row["method"], row["team"], row["method_slug"]) == ("Anonymous 1", "Anonymous", None)
    assert row["anonymous_until"] == "2026-12-20"


def test_its_team_and_organizers_know_whose_it_is(site: Site, hidden: str) -> None:
    site.make_organizer(EVE)
    readers = {
        ADA: (Scope.READ, "canary-method"),
        EVE: (Scope.ORGANIZE, "canary-method"),
    }

    for email, (scope, method) in readers.items():
        token = {"Authorization": f"Bearer {site.token(email, scope=scope)}"}
        body = site.client(token).get(f"/api/v1/submissions/{hidden}").json()
        assert (body["method"], body["card"]["link"]) == (method, CARD["link"])
        page = site.browser().sign_in(email).page(f"/submissions/{hidden}")
        assert page.one("h1").text == "canary-method anonymous until 2026-12-20"
    token = {"Authorization": f"Bearer {site.token(EVE, scope=Scope.READ)}"}
    body = site.client(token).get(f"/api/v1/submissions/{hidden}").json()
    assert body["method"] == "Anonymous 1", "an organizer's token without that scope is anybody's"
    board = site.browser().sign_in().page(BOARD)
    (own,) = board.all("tr", class_="row-own")
    assert own.one("th").text.startswith("Anonymous 1 yours")


def test_the_date_shows_names_everywhere_without_anybodys_action(site: Site, hidden: str) -> None:
    browser, api = site.browser(), f"/api/v1{BOARD}"
    etag = browser.get(api).headers["etag"]
    before = browser.get(BOARD).text

    site.clock.time = UNTIL - timedelta(seconds=1)
    sweep(site)
    assert browser.get(api, **{"If-None-Match": etag}).status_code == 304
    assert browser.get(BOARD).text == before

    site.clock.time = UNTIL
    sweep(site)
    answer = browser.get(api, **{"If-None-Match": etag})
    assert answer.status_code == 200
    assert row_of(site, hidden)["method"] == "canary-method"
    assert row_of(site, hidden)["rank"] == 2
    assert "canary-networks" in browser.get(BOARD).text
    assert "canary-description" in browser.get("/methods/canary-method").text
    assert SHA256 in browser.get(f"/submissions/{hidden}").text


def test_what_was_still_to_be_scored_when_the_date_came_is_shown_too(site: Site) -> None:
    public_id = site.submission(state=SubmissionState.SCORING, anonymous_until=UNTIL)
    site.clock.time = UNTIL
    sweep(site)

    body = site.browser().sign_in().get(f"/api/v1/submissions/{public_id}").json()
    assert body["anonymous_until"] is None


class TestARowOfItsOwn:
    """In the place of a named row of its method it would tell whose it is."""

    @pytest.fixture
    def both(self, site: Site) -> tuple[str, str]:
        named = site.scored(20.0, method="Known")
        return named, site.scored(30.0, method="Known", anonymous_until=UNTIL)

    def test_leaves_the_named_one_where_it_was(self, site: Site, both: tuple[str, str]) -> None:
        assert [(row_of(site, each)["rank"], row_of(site, each)["method"]) for each in both] == [
            (2, "Known"),
            (1, "Anonymous 1"),
        ]
        method = site.browser().get("/api/v1/methods/known").json()
        assert [each["submission"] for each in method["entries"]] == [both[0]]

    def test_becomes_one_row_with_it_when_names_are_shown(
        self, site: Site, both: tuple[str, str]
    ) -> None:
        site.clock.time = UNTIL
        sweep(site)

        rows = site.browser().get(f"/api/v1{BOARD}").json()["rows"]
        assert [(row["rank"], row["method"], row["submission"]) for row in rows] == [
            (1, "Known", both[1])
        ]

    def test_keeps_its_number_on_every_board(self, site: Site, both: tuple[str, str]) -> None:
        site.scored(50.0, method="Newer", by=EVE, anonymous_until=UNTIL)
        site.scored(5.0, method="Known", anonymous_until=UNTIL, protocol=Protocol.FREE)

        names = {
            board: [row["method"] for row in site.browser().get(f"/api/v1{board}").json()["rows"]]
            for board in (BOARD, "/boards/free/tiny/test")
        }
        assert names == {
            BOARD: ["Anonymous 2", "Anonymous 1", "Known"],
            "/boards/free/tiny/test": ["Anonymous 1"],
        }

    def test_lists_its_other_entries_below_itself(self, site: Site, both: tuple[str, str]) -> None:
        lesser = site.scored(25.0, method="Known", anonymous_until=UNTIL)

        rows = site.browser().get(f"/api/v1{BOARD}?entries=all").json()["rows"]
        assert [row["submission"] for row in rows] == [both[1], lesser, both[0]]


def test_names_withheld_later_by_a_program_get_their_number(site: Site) -> None:
    public_id = site.scored(30.0)
    token = {"Authorization": f"Bearer {site.token()}"}

    site.client(token).patch(
        f"/api/v1/submissions/{public_id}", json={"anonymous_until": "2026-12-20"}
    )

    (row,) = site.browser().get(f"/api/v1{BOARD}").json()["rows"]
    assert row["method"] == "Anonymous 1"


@pytest.mark.parametrize(
    ("until", "hint"),
    [
        ("soon", "it has to be a date"),
        ("2026-11-20", "after 2026-11-20"),
        ("2026-11-20T11:00:00Z", "after 2026-11-20"),
        ("2027-11-22", "by 2027-11-21"),
        ("9999-12-31T23:59:59-23:59", "for a year at most"),
    ],
)
def test_only_days_of_the_year_to_come_are_taken(site: Site, until: str, hint: str) -> None:
    public_id = site.scored(30.0)
    token = {"Authorization": f"Bearer {site.token()}"}
    answer = site.client(token).patch(
        f"/api/v1/submissions/{public_id}", json={"anonymous_until": until}
    )

    assert answer.status_code == 422
    assert answer.json()["field"] == "anonymous_until"
    assert hint in answer.json()["detail"]
    assert row_of(site, public_id)["method"] == "Pass"


class TestAtTheSubmission:
    def test_the_form_asks_and_keeps_what_was_typed(self, site: Site) -> None:
        ada, here = site.browser().sign_in(), "/submit?protocol=free&subset=tiny&split=test"
        said = dict.fromkeys(FACT_KEYS, "no") | {"method_name": "Pass"}

        refused = ada.fill_in(here, b"PK", anonymous_until="2026-12-20", public="false", **said)
        assert refused.status_code == 422
        typed = typed_into(html.read(refused.text).one("form", action="/submit"))
        assert (typed["anonymous_until"], typed["public"]) == ("2026-12-20", "false")
        assert "A private entry is on no board" in refused.text
        made = ada.fill_in(here, b"PK", anonymous_until="2026-12-20", **said)
        page = ada.page(made.headers["location"])
        assert page.one("h1").text == "Pass anonymous until 2026-12-20"
        assert "anonymous until 2026-12-20" in ada.page("/submissions").text

    def test_programs_send_a_date_along(self, site: Site) -> None:
        client = site.client({"Authorization": f"Bearer {site.token()}"})
        fields = {
            "protocol": "free",
            "subset": "tiny",
            "split": "test",
            "declarations": json.dumps(NO_TO_ALL),
            "anonymous_until": "2026-12-20",
        }

        body = client.post(
            "/api/v1/submissions", data=fields, files={"archive": ("entry.zip", b"PK")}
        ).json()
        assert (body["public"], body["anonymous_until"]) == (True, "2026-12-20T00:00:00Z")
        assert body["team"] == "ada"
