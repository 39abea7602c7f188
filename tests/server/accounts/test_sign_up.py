from datetime import timedelta

import pytest
from sqlalchemy import func, select

from server.models import MailedLink, User
from server.web import sessions
from tests.support.database import PASSWORD
from tests.support.site import ADA, Browser, Site

BOB = "bob@example.org"


def sign_up(site: Site, email: str = BOB, password: str = PASSWORD, **fields: str) -> Browser:
    browser = site.browser()
    answer = browser.fill_in("/sign-up", email=email, password=password, **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/mail-sent"), answer.text
    return browser


def users(site: Site) -> int:
    with site.database.reading() as session:
        return session.scalars(select(func.count()).select_from(User)).one()


class TestSigningUp:
    def test_makes_an_account_once_its_address_is_confirmed(self, site: Site) -> None:
        before, browser = users(site), sign_up(site, name="Bob B.")
        assert users(site) == before
        assert browser.fill_in("/sign-in", email=BOB, password=PASSWORD).status_code == 422
        answer = browser.fill_in(site.link_mailed_to(BOB))

        assert answer.headers["location"] == "/sign-in?done=confirmed"
        assert "is confirmed" in browser.page(answer.headers["location"]).text
        browser.sign_in(BOB)
        assert browser.page("/account").one("input", name="name").attributes["value"] == "Bob B."

    def test_opening_the_link_changes_nothing(self, site: Site) -> None:
        before, browser = users(site), sign_up(site)
        for _ in range(2):
            browser.page(site.link_mailed_to(BOB))

        assert users(site) == before

    def test_the_link_works_once(self, site: Site) -> None:
        browser = sign_up(site)
        link = site.link_mailed_to(BOB)
        form = browser.page(link).one("main").one("form")
        browser.fill_in(link)

        assert "This link does not work any more" in browser.page(link, status=404).text
        fields = {each.attributes["name"]: each.attributes["value"] for each in form.all("input")}
        assert browser.post("/sign-up/confirm", fields).status_code == 404

    def test_the_link_runs_out(self, site: Site) -> None:
        browser = sign_up(site)
        link = site.link_mailed_to(BOB)
        site.clock.time += timedelta(hours=24)

        browser.page(link, status=404)

    def test_a_link_of_another_kind_does_not_do(self, site: Site) -> None:
        browser = sign_up(site)
        link = site.link_mailed_to(BOB)

        for path in ("/password-reset/choose", "/email/confirm", "/invitation"):
            browser.page(link.replace("/sign-up/confirm", path), status=404)

    def test_the_latest_confirmation_ends_the_others(self, site: Site) -> None:
        browser = sign_up(site)
        first = site.link_mailed_to(BOB)
        sign_up(site, password="another long password")
        browser.fill_in(site.link_mailed_to(BOB))

        browser.page(first, status=404)
        browser.sign_in(BOB, "another long password")

    @pytest.mark.parametrize(
        ("fields", "wrong", "sentence"),
        [
            ({"password": "too short"}, "password", "has 9 characters; it needs at least 10"),
            ({"password": "x" * 1025}, "password", "may have 1024"),
            ({"email": "bob"}, "email", "is not an e-mail address"),
            ({"name": "b" * 121}, "name", "it may have 120"),
        ],
    )
    def test_says_what_is_wrong_and_keeps_what_was_typed(
        self, site: Site, fields: dict[str, str], wrong: str, sentence: str
    ) -> None:
        typed = {"email": BOB, "name": "Bob B.", "password": PASSWORD} | fields
        answer = site.browser().fill_in("/sign-up", **typed)

        assert answer.status_code == 422
        assert sentence in answer.text
        assert 'aria-invalid="true"' in answer.text
        for name in ("email", "name"):
            assert f'value="{typed[name]}"' in answer.text
        assert typed["password"] not in answer.text
        assert site.mails() == []

    def test_keeps_neither_password_nor_link(self, site: Site) -> None:
        sign_up(site)
        secret = site.link_mailed_to(BOB).partition("token=")[2]

        with site.database.reading() as session:
            (link,) = session.scalars(select(MailedLink)).all()
        assert secret not in (link.digest, link.password_hash)
        assert str(link.password_hash).startswith("$argon2id$")


class TestWhoHasAnAccount:
    def test_is_told_by_no_answer(self, site: Site) -> None:
        for path, fields in {
            "/sign-up": {"password": PASSWORD},
            "/password-reset": {},
        }.items():
            answers = [site.browser().fill_in(path, email=email, **fields) for email in (ADA, BOB)]
            assert {each.status_code for each in answers} == {303}
            assert {each.headers["location"] for each in answers} == {"/mail-sent"}
            assert {each.text for each in answers} == {""}

    def test_is_told_to_the_owner_of_the_address(self, site: Site) -> None:
        sign_up(site, ADA)
        site.browser().fill_in("/password-reset", email=BOB)

        assert "already" in site.mails(ADA)[-1].subject
        assert "token=" not in site.mails(ADA)[-1].body
        assert "No account" in site.mails(BOB)[-1].subject


class TestAForgottenPassword:
    def reset(self, site: Site, browser: Browser, **fields: str) -> str:
        browser.fill_in("/password-reset", email=f" {ADA.upper()} ")
        return site.link_mailed_to(ADA)

    def test_is_replaced_and_ends_every_sign_in(self, site: Site) -> None:
        elsewhere = site.browser().sign_in()
        browser = site.browser()
        answer = browser.fill_in(self.reset(site, browser), password="a new long password")

        assert answer.headers["location"] == "/sign-in?done=password"
        assert elsewhere.get("/account").status_code == 303
        browser.sign_in(ADA, "a new long password")
        assert "password was changed" in site.mails(ADA)[-1].subject

    def test_is_kept_when_the_new_one_is_too_short(self, site: Site) -> None:
        browser = site.browser()
        link = self.reset(site, browser)
        answer = browser.fill_in(link, password="short")

        assert answer.status_code == 422
        assert "at least 10" in answer.text
        assert browser.fill_in(link, password="a new long password").status_code == 303

    def test_a_later_change_ends_the_link(self, site: Site) -> None:
        browser = site.browser()
        first, second = self.reset(site, browser), self.reset(site, browser)
        browser.fill_in(second, password="a new long password")

        browser.page(first, status=404)

    def test_the_link_is_good_for_an_hour(self, site: Site) -> None:
        browser = site.browser()
        link = self.reset(site, browser)
        site.clock.time += timedelta(hours=1)

        browser.page(link, status=404)

    def test_nothing_is_hashed_without_a_link(self, site: Site) -> None:
        browser = site.browser()
        link = self.reset(site, browser)
        answer = browser.fill_in(link, token="another", password="a new long password")

        assert answer.status_code == 404


class TestTooManyAttempts:
    def test_at_an_account_are_refused_wherever_they_come_from(self, site: Site) -> None:
        for _ in range(10):
            answer = site.browser().fill_in("/sign-in", email=ADA, password="not this one")
            assert answer.status_code == 422
        answer = site.browser().fill_in("/sign-in", email=ADA, password=PASSWORD)

        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "900"
        assert sessions.COOKIE not in answer.headers.get("set-cookie", "")
        site.clock.time += timedelta(minutes=15)
        site.browser().sign_in()

    def test_are_forgotten_after_a_right_one(self, site: Site) -> None:
        for _ in range(3):
            for _ in range(9):
                site.browser().fill_in("/sign-in", email=ADA, password="not this one")
            site.browser().sign_in()

    def test_a_reset_opens_the_way_again(self, site: Site) -> None:
        for _ in range(10):
            site.browser().fill_in("/sign-in", email=ADA, password="not this one")
        browser = site.browser()
        browser.fill_in("/password-reset", email=ADA)
        browser.fill_in(site.link_mailed_to(ADA), password="a new long password")

        browser.sign_in(ADA, "a new long password")

    def test_at_an_address_send_no_more_mail(self, site: Site) -> None:
        for _ in range(5):
            site.browser().fill_in("/password-reset", email=BOB)
        answer = site.browser().fill_in("/sign-up", email=BOB, password=PASSWORD)

        assert answer.status_code == 429
        assert len(site.mails(BOB)) == 5


def test_a_site_without_a_mail_server_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = site.browser()
    form = browser.page("/sign-up").one("main").one("form").one("input", name="form_token")
    monkeypatch.setattr(type(site.settings), "sends_mail", False)

    for path in ("/sign-up", "/password-reset"):
        assert "made by the operator" in browser.page(path).one("h1").text
    fields = {"form_token": form.attributes["value"], "email": BOB, "password": PASSWORD}
    assert browser.post("/sign-up", fields).status_code == 409
