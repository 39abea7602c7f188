import pytest
from sqlalchemy import select

from server.models import ApiToken, BrowserSession, MailedLink, Submission, Team, User
from server.web import sessions
from tests.support.database import PASSWORD
from tests.support.site import ADA, BOARD, EVE, Site
from tests.support.words import says

NEW = "ada@new.example"


class TestTheProfile:
    def test_is_saved_and_names_the_persons_own_team(self, site: Site) -> None:
        site.scored(30.0)
        browser = site.browser().sign_in()
        answer = browser.fill_in(
            "/account", name=" Ada L. ", affiliation="Analytical", link="https://ada.example"
        )

        assert answer.headers["location"] == "/account?done=profile"
        page = browser.page("/account?done=profile")
        assert "Your profile is saved." in page.text
        assert page.one("input", name="affiliation").attributes["value"] == "Analytical"
        assert "Ada L." in browser.page(BOARD).text

    @pytest.mark.parametrize(
        ("name", "text"),
        [("name", " "), ("name", "a\tb"), ("link", "javascript:alert(1)"), ("link", "x" * 501)],
    )
    def test_keeps_what_was_typed_when_it_is_refused(
        self, site: Site, name: str, text: str
    ) -> None:
        typed = {"name": "Ada", "affiliation": "Typed", "link": ""} | {name: text}
        answer = site.browser().sign_in().fill_in("/account", **typed)

        assert answer.status_code == 422
        assert 'value="Typed"' in answer.text
        assert 'aria-invalid="true"' in answer.text


class TestThePassword:
    def test_is_changed_and_ends_the_other_sign_ins(self, site: Site) -> None:
        elsewhere, browser = site.browser().sign_in(), site.browser().sign_in()
        before = browser.cookies[sessions.COOKIE]
        browser.fill_in(
            "/account/password", current_password=PASSWORD, password="a new long password"
        )

        assert browser.cookies[sessions.COOKIE] != before
        assert "is changed" in browser.page("/account?done=password").text
        assert elsewhere.get("/account").status_code == 303
        assert "password was changed" in site.mails(ADA)[-1].subject
        site.browser().sign_in(ADA, "a new long password")

    @pytest.mark.parametrize(
        ("current", "new"), [("not this one", "a new long password"), (PASSWORD, "short")]
    )
    def test_is_kept_when_something_is_wrong(self, site: Site, current: str, new: str) -> None:
        browser = site.browser().sign_in()
        answer = browser.fill_in("/account/password", current_password=current, password=new)

        assert answer.status_code == 422
        assert current not in answer.text
        site.browser().sign_in()


class TestTheAddress:
    def test_is_changed_by_whoever_reads_the_new_one(self, site: Site) -> None:
        browser = site.browser().sign_in()
        browser.fill_in("/account/email", email=NEW, password=PASSWORD)
        assert ADA in browser.page("/account").one("main").text
        browser.fill_in(site.link_mailed_to(NEW))

        assert NEW in browser.page("/account?done=email").one("main").text
        assert NEW in site.mails(ADA)[-1].body
        site.browser().sign_in(NEW)

    def test_that_somebody_else_has_is_not_given_away(self, site: Site) -> None:
        browser = site.browser().sign_in()
        answer = browser.fill_in("/account/email", email=EVE, password=PASSWORD)

        assert answer.headers["location"] == "/mail-sent"
        assert "token=" not in site.mails(EVE)[-1].body

    def test_asks_for_the_password(self, site: Site) -> None:
        browser = site.browser().sign_in()
        answer = browser.fill_in("/account/email", email=NEW, password="not this one")

        assert answer.status_code == 422
        assert f'value="{NEW}"' in answer.text
        assert site.mails() == []


class TestSignIns:
    def test_are_listed_and_all_ended_at_once(self, site: Site) -> None:
        elsewhere, browser = site.browser().sign_in(), site.browser().sign_in()
        assert browser.page("/account").text.count("Another program") == 2
        answer = browser.fill_in("/account", action="/account/sessions/end")

        assert answer.headers["location"] == "/sign-in?done=everywhere"
        for each in (browser, elsewhere):
            assert each.get("/account").status_code == 303

    def test_are_named_as_their_owner_would(self, site: Site) -> None:
        browser = site.browser()
        browser.client.headers["User-Agent"] = (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36"
        )
        browser.sign_in()

        assert "Chrome on Linux" in browser.page("/account").text


class TestDeletion:
    def delete(self, site: Site, email: str = ADA) -> None:
        answer = site.browser().sign_in(email).fill_in("/account/delete", password=PASSWORD)
        assert answer.headers["location"] == "/account-deleted"

    def test_keeps_scores_and_forgets_the_person(self, site: Site) -> None:
        public_id = site.scored(30.0)
        elsewhere = site.browser().sign_in()
        elsewhere.fill_in("/account/tokens", scope="submit", name="mine")
        elsewhere.fill_in("/account/email", email=NEW, password=PASSWORD)
        self.delete(site)

        assert elsewhere.get("/account").status_code == 303
        board = site.browser().page(BOARD)
        assert "Deleted user" in board.text
        assert site.browser().get(f"/submissions/{public_id}").status_code == 200
        with site.database.reading() as session:
            row = session.scalars(select(Submission).where(Submission.public_id == public_id)).one()
            user = session.scalars(select(User).where(User.id == row.user_id)).one()
            team = session.scalars(select(Team).where(Team.id == row.team_id)).one()
            assert session.scalars(select(BrowserSession)).all() == []
            assert session.scalars(select(MailedLink)).all() == []
            assert all(session.scalars(select(ApiToken.revoked_at)).all())
        left = f"{user.email} {user.name} {user.affiliation} {team.name}"
        assert not says(left, "Ada")
        assert user.deleted_at == site.clock.now()

    def test_nobody_signs_in_to_what_is_left(self, site: Site) -> None:
        site.scored(30.0)
        self.delete(site)
        with site.database.reading() as session:
            left = session.scalars(select(User.email).where(User.deleted_at.is_not(None))).one()

        for email in (ADA, left):
            for password in (PASSWORD, "", "nobody has this password"):
                answer = site.browser().fill_in("/sign-in", email=email, password=password)
                assert answer.status_code == 422

    def test_frees_the_address(self, site: Site) -> None:
        self.delete(site)
        browser = site.browser()
        browser.fill_in("/sign-up", email=ADA, password=PASSWORD)
        browser.fill_in(site.link_mailed_to(ADA))

        browser.sign_in()

    def test_asks_for_the_password(self, site: Site) -> None:
        browser = site.browser().sign_in()
        answer = browser.fill_in("/account/delete", password="not this one")

        assert answer.status_code == 422
        assert browser.get("/account").status_code == 200

    def test_tells_the_person(self, site: Site) -> None:
        self.delete(site)

        assert "is deleted" in site.mails(ADA)[-1].subject
        assert "is deleted" in site.browser().page("/account-deleted").one("h1").text


@pytest.mark.parametrize(
    "path",
    [
        *("/account/profile", "/account/password", "/account/email", "/account/delete"),
        *("/account/sessions/end", "/account/tokens", "/account/tokens/revoke", "/account/teams"),
        *("/sign-up", "/sign-up/confirm", "/password-reset", "/password-reset/choose"),
        *("/email/confirm", "/invitation/accept", "/invitation/decline"),
        *(f"/account/teams/x/{what}" for what in ("rename", "invite", "take-back", "leave")),
        *(f"/account/teams/x/{what}" for what in ("remove", "role")),
    ],
)
def test_forms_of_other_sites_change_nothing(site: Site, path: str) -> None:
    answer = site.browser().sign_in().post(path, {"form_token": "0" * 64, "name": "Eve"})

    assert answer.status_code == 403
    assert "This form has expired" in answer.text
