import logging
from datetime import timedelta

import pytest
from sqlalchemy import select

from server.accounts import tokens
from server.models import ApiToken, Scope
from tests.support.database import NOW
from tests.support.site import ADA, EVE, Site

JSON = "application/json"


def token_of(
    site: Site, *, email: str = ADA, scope: Scope = Scope.SUBMIT, days: int | None = None
) -> str:
    with site.database.unit_of_work() as session:
        return tokens.create_for(session, email=email, scope=scope, days=days, now=NOW)


class TestThePage:
    def test_shows_a_new_token_once(self, site: Site) -> None:
        browser = site.browser().sign_in()
        made = browser.fill_in("/account/tokens", name="the cluster", scope="read", days="30")
        token = made.text.partition("data-token>")[2].partition("<")[0]

        assert token.startswith("luss_")
        assert made.headers["cache-control"] == "private, no-store"
        again = browser.page("/account/tokens")
        assert token not in again.text
        assert "the cluster" in again.text
        assert "never used" in again.text
        answer = site.browser().get("/api/v1/teams", Authorization=f"Bearer {token}", Accept=JSON)
        assert answer.status_code == 200
        assert "last used 2026-11-20 12:00 UTC" in browser.page("/account/tokens").text

    def test_offers_to_organize_to_organizers_alone(self, site: Site) -> None:
        browser = site.browser().sign_in()
        assert "Organize" not in browser.page("/account/tokens").one("main").text
        answer = browser.fill_in("/account/tokens", scope="organize", name="typed")

        assert answer.status_code == 422
        assert 'value="typed"' in answer.text

    @pytest.mark.parametrize("wrong", [{"scope": "all"}, {"days": "7000"}, {"name": "x" * 81}])
    def test_keeps_what_was_typed(self, site: Site, wrong: dict[str, str]) -> None:
        typed = {"name": "typed", "scope": "read", "days": "30"} | wrong
        answer = site.browser().sign_in().fill_in("/account/tokens", **typed)

        assert answer.status_code == 422
        assert f'value="{typed["name"]}"' in answer.text

    def test_revokes(self, site: Site) -> None:
        token, browser = token_of(site), site.browser().sign_in()
        answer = browser.fill_in("/account/tokens", action="/account/tokens/revoke")

        assert answer.status_code == 303
        refused = site.browser().get("/api/v1/teams", Authorization=f"Bearer {token}", Accept=JSON)
        assert refused.status_code == 401


class TestTheApi:
    def call(self, site: Site, token: str, method: str, path: str = "", **more: object) -> object:
        headers = {"Authorization": f"Bearer {token}", "Accept": JSON}
        client = site.browser().client
        return client.request(method, f"/api/v1/tokens{path}", headers=headers, **more)

    def test_makes_lists_and_revokes(self, site: Site) -> None:
        asking = token_of(site)
        made = self.call(site, asking, "POST", json={"scope": "read", "name": "n", "days": 1})

        assert made.status_code == 201
        assert made.headers["cache-control"] == "no-store"
        body = made.json()
        listed = self.call(site, body["token"], "GET").json()["tokens"]
        assert [each["id"] for each in listed][:1] == [body["id"]]
        assert not any("token" in each or "digest" in each for each in listed)
        assert self.call(site, asking, "DELETE", f"/{body['id']}").status_code == 204
        assert self.call(site, body["token"], "GET").status_code == 401

    def test_makes_none_that_may_do_more_or_lives_longer(self, site: Site) -> None:
        asking = token_of(site, days=2)
        longer = self.call(site, asking, "POST", json={"scope": "submit"}).json()

        assert longer["expires_at"] == (NOW + timedelta(days=2)).isoformat().replace("+00:00", "Z")
        more = self.call(site, asking, "POST", json={"scope": "organize"})
        assert (more.status_code, more.json()["code"]) == (403, "not_allowed")

    def test_lets_a_token_of_scope_read_change_nothing(self, site: Site) -> None:
        asking, other = token_of(site, scope=Scope.READ), token_of(site)
        other_id = self.call(site, other, "GET").json()["tokens"][0]["id"]

        assert self.call(site, asking, "POST", json={"scope": "read"}).status_code == 403
        assert self.call(site, asking, "DELETE", f"/{other_id}").status_code == 403
        assert self.call(site, asking, "GET").status_code == 200

    def test_shows_nobody_the_tokens_of_others(self, site: Site) -> None:
        token_of(site)
        eves = token_of(site, email=EVE)
        with site.database.reading() as session:
            theirs = session.scalars(select(ApiToken.public_id).order_by(ApiToken.id)).first()

        assert len(self.call(site, eves, "GET").json()["tokens"]) == 1
        assert self.call(site, eves, "DELETE", f"/{theirs}").status_code == 404

    def test_a_cookie_makes_no_token(self, site: Site) -> None:
        browser = site.browser().sign_in()
        answer = browser.client.post("/api/v1/tokens", json={"scope": "read"})

        assert answer.status_code == 401

    def test_no_token_is_logged(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        asking = token_of(site)
        made = self.call(site, asking, "POST", json={"scope": "read"}).json()["token"]
        self.call(site, made + "x", "GET")

        for record in caplog.records:
            if not record.name.startswith("httpx"):
                assert made not in record.getMessage()
                assert asking not in record.getMessage()
