from urllib.parse import urlencode

import pytest

from server.web import csrf, sessions
from tests.support.database import PASSWORD
from tests.support.site import ADA, Site


class TestTheForm:
    def test_leads_on_to_where_one_was_going(self, site: Site) -> None:
        page = site.browser().page("/sign-in?next=/submit%3Fprotocol%3Dfree%26subset%3Dtiny")

        field = page.one("input", name="next")
        assert field.attributes["value"] == "/submit?protocol=free&subset=tiny"

    def test_is_skipped_by_whoever_is_signed_in(self, site: Site) -> None:
        answer = site.browser().sign_in().get("/sign-in?next=/docs")

        assert (answer.status_code, answer.headers["location"]) == (303, "/docs")

    def test_is_where_pages_for_members_send_everyone_else(self, site: Site) -> None:
        answer = site.browser().get("/submit?protocol=free&subset=tiny")

        wanted = urlencode({"next": "/submit?protocol=free&subset=tiny"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?{wanted}")


class TestSigningIn:
    def test_opens_the_pages_for_members(self, site: Site) -> None:
        browser = site.browser()
        answer = browser.fill_in("/sign-in", email=f" {ADA.upper()}", password=PASSWORD)

        assert (answer.status_code, answer.headers["location"]) == (303, "/submissions")
        assert ADA in browser.page("/submissions").one("header").text

    @pytest.mark.parametrize(
        ("email", "password"), [(ADA, "not this one"), ("nobody@example.org", PASSWORD), ("", "")]
    )
    def test_says_no_without_saying_why_and_keeps_the_address(
        self, site: Site, email: str, password: str
    ) -> None:
        browser = site.browser()
        answer = browser.fill_in("/sign-in", email=email, password=password)

        assert answer.status_code == 422
        assert "No account has this e-mail address and password." in answer.text
        assert f'value="{email}"' in answer.text
        assert sessions.COOKIE not in browser.cookies
        if password:
            assert password not in answer.text

    def test_ends_the_session_that_the_browser_had_before(self, site: Site) -> None:
        browser = site.browser().sign_in()
        before = browser.cookies[sessions.COOKIE]
        form = browser.page("/docs").one("header").one("form")
        token = form.one("input", name=csrf.FIELD).attributes["value"]
        browser.post("/sign-in", {"email": ADA, "password": PASSWORD, csrf.FIELD: token})

        assert browser.cookies[sessions.COOKIE] != before
        stale = site.browser().get("/submissions", Cookie=f"{sessions.COOKIE}={before}")
        assert stale.status_code == 303

    def test_replaces_the_cookie_behind_the_form_tokens(self, site: Site) -> None:
        browser = site.browser()
        browser.page("/sign-in")
        before = browser.cookies[csrf.COOKIE]
        browser.sign_in()

        assert browser.cookies[csrf.COOKIE] != before

    @pytest.mark.parametrize(
        "path", ["https://evil.example/", "//evil.example/", "/\\evil.example"]
    )
    def test_leads_to_no_other_site(self, site: Site, path: str) -> None:
        browser = site.browser()
        answer = browser.fill_in("/sign-in", email=ADA, password=PASSWORD, next=path)

        assert (answer.status_code, answer.headers["location"]) == (303, "/submissions")

    def test_cookies_are_closed_to_scripts_and_other_sites(self, site: Site) -> None:
        answer = site.browser().fill_in("/sign-in", email=ADA, password=PASSWORD)

        for cookie in answer.headers.get_list("set-cookie"):
            assert "HttpOnly" in cookie
            assert "SameSite=lax" in cookie


class TestSigningOut:
    def test_ends_the_session_for_good(self, site: Site) -> None:
        browser = site.browser().sign_in()
        secret = browser.cookies[sessions.COOKIE]
        form = browser.page("/").one("header").one("form")
        token = form.one("input", name=csrf.FIELD).attributes["value"]
        answer = browser.post("/sign-out", {csrf.FIELD: token})

        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "Sign in" in browser.page("/").one("header").text
        stale = site.browser().get("/submissions", Cookie=f"{sessions.COOKIE}={secret}")
        assert stale.status_code == 303


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
@pytest.mark.parametrize("token", [None, "", "0" * 64])
def test_forms_of_other_sites_change_nothing(site: Site, path: str, token: str | None) -> None:
    browser = site.browser().sign_in()
    fields = {"email": ADA, "password": PASSWORD}
    answer = browser.post(path, fields if token is None else {**fields, csrf.FIELD: token})

    assert answer.status_code == 403
    assert "This form has expired" in answer.text
    assert browser.get("/submissions").status_code == 200
