"""What a team changes of its entries later, and what it cannot."""

from datetime import timedelta
from typing import Any

import pytest

from server.models import Scope, SubmissionState
from server.protocols import FACT_KEYS
from tests.support import html
from tests.support.database import NOW
from tests.support.html import typed_into
from tests.support.site import ADA, BOARD, EVE, Browser, Site

S = SubmissionState
UNTIL = NOW + timedelta(days=30)


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.browser().sign_in()


def patch(site: Site, public_id: str, **fields: Any) -> Any:
    token = {"Authorization": f"Bearer {site.token()}"}
    return site.client(token).patch(f"/api/v1/submissions/{public_id}", json=fields)


def rows(site: Site) -> list[tuple[int | None, str, str]]:
    found = site.browser().get(f"/api/v1{BOARD}").json()["rows"]
    return [(row["rank"], row["method"], row["submission"]) for row in found]


def etag(site: Site) -> str:
    return str(site.browser().get(f"/api/v1{BOARD}").headers["etag"])


class TestTheCard:
    def test_is_changed_on_the_page_and_shown_on_the_board(self, site: Site, ada: Browser) -> None:
        public_id = site.scored(30.0, networks="ResNet-18", link="https://example.org/a")
        before = etag(site)

        answer = ada.fill_in(
            f"/submissions/{public_id}/edit", networks="ViT-S/16", description="Anew."
        )

        assert answer.headers["location"] == f"/submissions/{public_id}?done=saved"
        page = ada.page(answer.headers["location"])
        assert "Your changes are saved." in page.text
        facts = page.all("dl", class_="facts")[0].text
        assert "ViT-S/16" in facts
        assert "https://example.org/a" in facts
        assert "ViT-S/16" in site.browser().get(BOARD).text
        assert etag(site) != before
        assert rows(site) == [(1, "Pass", public_id)]

    def test_is_changed_field_by_field_by_programs(self, site: Site) -> None:
        public_id = site.scored(30.0, networks="ResNet-18", link="https://example.org/a")

        card = patch(site, public_id, networks=None, training_scheme=" SSL ").json()["card"]

        assert card["networks"] is None
        assert card["training_scheme"] == "SSL"
        assert card["link"] == "https://example.org/a"
        assert card["method_name"] == "Pass"

    def test_with_another_name_moves_the_entry_to_that_method(self, site: Site) -> None:
        best, lesser = site.scored(30.0), site.scored(20.0)
        other = site.scored(25.0, method="Other")
        site.change(other, is_pinned=True)
        site.change(best, is_pinned=True)

        body = patch(site, best, method_name="Other").json()

        assert body["method"] == "Other"
        assert rows(site) == [(1, "Other", other), (2, "Pass", lesser)]
        entries = site.browser().get("/api/v1/methods/other").json()["entries"]
        assert [(each["submission"], each["pinned"]) for each in entries] == [
            (other, True),
            (best, False),
        ]
        assert patch(site, best, method_name="Third").json()["method"] == "Third"
        assert rows(site)[0] == (1, "Third", best)
        assert site.browser().get("/methods/third").status_code == 200

    @pytest.mark.parametrize("name", ["", "   ", "x" * 201])
    def test_needs_a_name_that_a_board_can_show(self, site: Site, ada: Browser, name: str) -> None:
        public_id = site.scored(30.0)

        answer = ada.fill_in(
            f"/submissions/{public_id}/edit",
            method_name=name,
            networks="typed <b>",
            anonymous_until="2026-12-24",
        )

        assert answer.status_code == 422
        page = html.read(answer.text)
        typed = typed_into(page.one("form", action=f"/submissions/{public_id}/edit"))
        assert typed["method_name"] == name
        assert typed["networks"] == "typed <b>"
        assert typed["anonymous_until"] == "2026-12-24"
        wrong = page.one("input", id="method_name")
        assert wrong.attributes["aria-invalid"] == "true"
        refused = patch(site, public_id, method_name=name)
        assert (refused.status_code, refused.json()["field"]) == (422, "method_name")
        assert rows(site) == [(1, "Pass", public_id)]

    @pytest.mark.parametrize("state", [S.RECEIVED, S.CHECKING, S.SCORING])
    def test_waits_for_the_workers(self, site: Site, ada: Browser, state: S) -> None:
        public_id = site.submission(state=state)

        refused = patch(site, public_id, networks="ViT")
        assert (refused.status_code, refused.json()["code"]) == (409, "entry_under_way")
        page = ada.page(f"/submissions/{public_id}/edit")
        assert "can be changed once the submission is scored" in page.text
        assert not page.all("input", name="method_name")

    @pytest.mark.parametrize("state", [S.REJECTED, S.FAILED, S.WITHDRAWN])
    def test_of_what_has_ended_stays(self, site: Site, ada: Browser, state: S) -> None:
        public_id = site.submission(state=state)

        refused = patch(site, public_id, networks="ViT")
        assert (refused.status_code, refused.json()["code"]) == (409, "entry_ended")
        ada.page(f"/submissions/{public_id}/edit", status=409)
        assert not ada.page(f"/submissions/{public_id}").all(
            "a", href=f"/submissions/{public_id}/edit"
        )


@pytest.mark.parametrize(
    "field", ["protocol", "subset", "split", "declarations", "team", "archive", *FACT_KEYS]
)
def test_what_was_entered_for_the_protocol_stays_and_that_is_said(site: Site, field: str) -> None:
    public_id = site.scored(30.0)

    refused = patch(site, public_id, **{field: {}})

    assert refused.status_code == 422
    assert f"{field}: what was entered for the protocol" in refused.json()["detail"]
    page = site.browser().sign_in().page(f"/submissions/{public_id}/edit")
    assert "what was declared for the protocol stay as they were sent" in page.text


def test_a_field_that_there_is_not_is_refused(site: Site) -> None:
    assert patch(site, site.scored(30.0), score=100).status_code == 422


class TestWhoMaySeeIt:
    def test_moves_the_board_with_each_change(self, site: Site, ada: Browser) -> None:
        public_id = site.scored(30.0)
        path = f"/submissions/{public_id}/edit"
        seen, tags = [], set()
        for public, until in [("false", ""), ("true", "2026-12-24"), ("false", ""), ("true", "")]:
            assert ada.fill_in(path, public=public, anonymous_until=until).status_code == 303
            seen.append([method for _, method, _ in rows(site)])
            tags.add(etag(site))

        assert seen == [[], ["Anonymous 1"], [], ["Pass"]]
        assert len(tags) == 4
        assert site.browser().get(f"/submissions/{public_id}").status_code == 200

    def test_of_a_private_one_is_its_team_and_organizers(self, site: Site) -> None:
        public_id = site.scored(30.0)
        patch(site, public_id, public=False)
        address = f"/submissions/{public_id}"

        assert site.browser().get(address).status_code == 404
        eve = site.browser().sign_in(EVE)
        assert eve.get(address).status_code == 404
        assert eve.get("/methods/pass").status_code == 404
        assert site.browser().sign_in().get(address).status_code == 200
        site.make_organizer(EVE)
        assert eve.get(address).status_code == 200
        assert eve.get("/methods/pass").status_code == 200
        assert eve.page(f"{address}/edit", status=404)
        assert site.browser().sign_in(EVE).post(f"{address}/withdraw", {}).status_code == 403

    @pytest.mark.parametrize("state", [S.RECEIVED, S.CHECKING, S.SCORING])
    def test_may_be_changed_while_it_is_scored(self, site: Site, ada: Browser, state: S) -> None:
        public_id = site.submission(state=state)

        ada.fill_in(f"/submissions/{public_id}/edit", public="true", anonymous_until="2026-12-24")

        body = ada.get(f"/api/v1/submissions/{public_id}").json()
        assert body["anonymous_until"] == "2026-12-24T00:00:00Z"
        assert body["state"] == state
        assert patch(site, public_id, public=False).json()["anonymous_until"] is None

    def test_keeps_a_moment_that_the_form_shows_as_a_day(self, site: Site, ada: Browser) -> None:
        public_id = site.scored(30.0)
        patch(site, public_id, anonymous_until="2026-12-24T18:30:00+01:00")

        ada.fill_in(f"/submissions/{public_id}/edit", networks="ViT")

        body = ada.get(f"/api/v1/submissions/{public_id}").json()
        assert body["anonymous_until"] == "2026-12-24T17:30:00Z"

    def test_cannot_be_nobody_without_names(self, site: Site) -> None:
        public_id = site.scored(30.0, is_public=False)

        refused = patch(site, public_id, anonymous_until="2026-12-24")

        assert (refused.status_code, refused.json()["field"]) == (422, "anonymous_until")
        both = patch(site, public_id, public=True, anonymous_until="2026-12-24")
        assert both.json()["anonymous_until"] == "2026-12-24T00:00:00Z"
        assert patch(site, public_id, anonymous_until=None).json()["anonymous_until"] is None
        assert rows(site) == [(1, "Pass", public_id)]


def test_only_members_who_may_submit_change_anything(site: Site) -> None:
    public_id = site.scored(30.0)
    path = f"/api/v1/submissions/{public_id}"
    for headers, status in [
        ({}, 401),
        ({"Authorization": f"Bearer {site.token(ADA, scope=Scope.READ)}"}, 403),
        ({"Authorization": f"Bearer {site.token(EVE)}"}, 404),
    ]:
        assert site.client(headers).patch(path, json={"public": False}).status_code == status
        assert site.client(headers).delete(path).status_code == status
    for page in ("edit", "withdraw"):
        address = f"/submissions/{public_id}/{page}"
        assert site.browser().get(address).headers["location"].startswith("/sign-in")
        site.browser().sign_in(EVE).page(address, status=404)
        forged = {"public": "false", "method_name": "Mine"}
        assert site.browser().sign_in().post(address, forged).status_code == 403
    assert rows(site) == [(1, "Pass", public_id)]
