from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from server.models import Membership, Submission, Team, TeamInvitation, User
from server.teams import invitations, service
from tests.support.database import PASSWORD
from tests.support.html import Element, read, typed_into
from tests.support.site import ADA, BOARD, EVE, Browser, Site

BOB = "bob@example.org"


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.browser().sign_in()


@pytest.fixture
def eve(site: Site) -> Browser:
    return site.browser().sign_in(EVE)


@pytest.fixture
def team(ada: Browser) -> str:
    """Return the path of a team of Ada's."""
    answer = ada.fill_in("/account/teams/new", name="The Analysts")
    assert answer.status_code == 303
    return answer.headers["location"]


def joined(site: Site, ada: Browser, eve: Browser, team: str) -> None:
    ada.fill_in(team, action=f"{team}/invite", email=EVE)
    eve.fill_in(site.link_mailed_to(EVE))


def members(page: Element) -> dict[str, str]:
    """Return the lines of the members by their address."""
    lines = [line.text for line in page.one("main").all("li")]
    return {email: line for line in lines for email in (ADA, EVE, BOB) if email in line}


class TestATeam:
    def test_belongs_to_whoever_made_it(self, ada: Browser, eve: Browser, team: str) -> None:
        page = ada.page(team)

        assert page.one("h1").text == "The Analysts"
        assert "owner" in members(page)[ADA]
        assert "The Analysts" in ada.page("/account").text
        eve.page(team, status=404)

    def test_needs_a_name(self, ada: Browser) -> None:
        answer = ada.fill_in("/account/teams/new", name="  ")

        assert answer.status_code == 422
        assert "name is missing" in answer.text

    def test_is_renamed(self, ada: Browser, team: str) -> None:
        ada.fill_in(team, action=f"{team}/rename", name="Others")
        refused = ada.fill_in(team, action=f"{team}/rename", name="x" * 121)

        assert ada.page(team).one("h1").text == "Others"
        assert refused.status_code == 422
        assert "x" * 121 in refused.text

    def test_of_ones_own_has_no_page_and_takes_nobody_in(self, site: Site, ada: Browser) -> None:
        with site.database.reading() as session:
            own = session.scalars(select(Team.public_id)).first()
        fields = {"form_token": token_on(ada.page("/account")), "email": EVE}

        ada.page(f"/account/teams/{own}", status=404)
        assert ada.post(f"/account/teams/{own}/leave", fields).status_code == 404
        assert ada.post(f"/account/teams/{own}/invite", fields).status_code == 404

    def test_there_are_so_many_a_person(
        self, ada: Browser, team: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "MOST_TEAMS", 1)
        answer = ada.fill_in("/account/teams/new", name="One more")

        assert answer.status_code == 409
        assert 'value="One more"' in answer.text


def token_on(page: Element) -> str:
    return page.all("input", name="form_token")[0].attributes["value"]


class TestAnInvitation:
    def test_makes_a_member_of_whoever_opens_the_link(
        self, site: Site, ada: Browser, eve: Browser, team: str
    ) -> None:
        ada.fill_in(team, action=f"{team}/invite", email=BOB)
        assert BOB in ada.page(team).text
        link = site.link_mailed_to(BOB)
        assert "Sign in to answer" in site.browser().page(link).text
        answer = eve.fill_in(link)

        assert answer.headers["location"] == "/account?done=joined"
        assert set(members(ada.page(team))) == {ADA, EVE}
        assert "Make an owner" in members(ada.page(team))[EVE]
        eve.page(link, status=404)

    def test_is_answered_on_the_account_page_by_its_address(
        self, site: Site, ada: Browser, eve: Browser, team: str
    ) -> None:
        ada.fill_in(team, action=f"{team}/invite", email=EVE)
        assert "The Analysts" in eve.page("/account").text
        eve.fill_in("/account", action="/invitation/accept")

        assert eve.page(team).one("h1").text == "The Analysts"

    def test_to_somebody_else_is_not_accepted_without_its_link(
        self, site: Site, ada: Browser, eve: Browser, team: str
    ) -> None:
        ada.fill_in(team, action=f"{team}/invite", email=BOB)
        with site.database.reading() as session:
            public_id = session.scalars(select(TeamInvitation.public_id)).one()
        fields = {"form_token": token_on(eve.page("/account")), "invitation": public_id}

        assert eve.post("/invitation/accept", fields).status_code == 404
        assert eve.post("/invitation/accept", fields | {"token": "guess"}).status_code == 404

    def test_is_declined(self, site: Site, ada: Browser, eve: Browser, team: str) -> None:
        ada.fill_in(team, action=f"{team}/invite", email=EVE)
        eve.fill_in("/account", action="/invitation/decline")

        eve.page(team, status=404)
        eve.page(site.link_mailed_to(EVE), status=404)

    def test_is_declined_by_its_link(
        self, site: Site, ada: Browser, eve: Browser, team: str
    ) -> None:
        ada.fill_in(team, action=f"{team}/invite", email=BOB)
        link = site.link_mailed_to(BOB)
        form = eve.page(link).one("main").one("form")
        decline = form.one("button", formaction="/invitation/decline")
        answer = eve.post(decline.attributes["formaction"], typed_into(form))

        assert answer.headers["location"] == "/account?done=declined"
        eve.page(link, status=404)

    def test_runs_out(self, site: Site, ada: Browser, eve: Browser, team: str) -> None:
        ada.fill_in(team, action=f"{team}/invite", email=EVE)
        site.clock.time += timedelta(days=7)

        eve.page(site.link_mailed_to(EVE), status=404)
        assert "The Analysts" not in eve.page("/account").text

    def test_is_taken_back_and_replaced_by_a_newer_one(
        self, site: Site, ada: Browser, eve: Browser, team: str
    ) -> None:
        ada.fill_in(team, action=f"{team}/invite", email=EVE)
        first = site.link_mailed_to(EVE)
        ada.fill_in(team, action=f"{team}/invite", email=EVE)
        eve.page(first, status=404)
        second = site.link_mailed_to(EVE)
        ada.fill_in(team, action=f"{team}/take-back")

        eve.page(second, status=404)

    def test_that_does_not_exist_or_is_anothers_cannot_be_taken_back(
        self, ada: Browser, eve: Browser, team: str
    ) -> None:
        ada.fill_in(team, action=f"{team}/invite", email=BOB)
        (form,) = ada.page(team).all("form", action=f"{team}/take-back")
        fields = typed_into(form)
        other = eve.fill_in("/account/teams/new", name="Others").headers["location"]

        of_nobody = fields | {"invitation": "none"}
        of_another = {"form_token": token_on(eve.page(other)), "invitation": fields["invitation"]}
        assert ada.post(f"{team}/take-back", of_nobody).status_code == 404
        assert eve.post(f"{other}/take-back", of_another).status_code == 404
        assert ada.post(f"{team}/take-back", fields).status_code == 303
        again = ada.post(f"{team}/take-back", fields)
        assert again.status_code == 404
        assert "was answered or taken back" in read(again.text).text

    def test_opening_its_link_joins_nobody(
        self, site: Site, ada: Browser, eve: Browser, team: str
    ) -> None:
        ada.fill_in(team, action=f"{team}/invite", email=EVE)
        eve.page(site.link_mailed_to(EVE))

        eve.page(team, status=404)

    @pytest.mark.parametrize("email", ["bob", ADA])
    def test_keeps_the_address_when_it_is_refused(
        self, ada: Browser, team: str, email: str
    ) -> None:
        answer = ada.fill_in(team, action=f"{team}/invite", email=email)

        assert answer.status_code == 422
        assert f'value="{email}"' in answer.text

    def test_there_are_so_many_at_a_time(
        self, ada: Browser, team: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(invitations, "MOST_INVITATIONS", 1)
        ada.fill_in(team, action=f"{team}/invite", email=BOB)

        assert ada.fill_in(team, action=f"{team}/invite", email=EVE).status_code == 409
        assert ada.fill_in(team, action=f"{team}/invite", email=BOB).status_code == 303

    def test_into_a_full_team_stays_open(
        self, site: Site, ada: Browser, eve: Browser, team: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada.fill_in(team, action=f"{team}/invite", email=EVE)
        monkeypatch.setattr(service, "MOST_MEMBERS", 1)
        assert eve.fill_in(site.link_mailed_to(EVE)).status_code == 409

        monkeypatch.undo()
        assert eve.fill_in(site.link_mailed_to(EVE)).status_code == 303


class TestMembers:
    @pytest.fixture(autouse=True)
    def both(self, site: Site, ada: Browser, eve: Browser, team: str) -> None:
        joined(site, ada, eve, team)

    def test_see_each_others_private_entries_until_they_leave(
        self, site: Site, ada: Browser, eve: Browser, team: str
    ) -> None:
        private = site.scored(20.0, is_public=False)
        with site.database.unit_of_work() as session:
            row = session.scalars(select(Team).where(Team.name == "The Analysts")).one()
            move(session, private, row.id)
        assert eve.get(f"/submissions/{private}").status_code == 200

        eve.fill_in(team, action=f"{team}/leave")
        assert eve.get(f"/submissions/{private}").status_code == 404
        assert set(members(ada.page(team))) == {ADA}

    def test_may_not_look_after_the_team(self, eve: Browser, team: str) -> None:
        page = eve.page(team)
        fields = {"form_token": token_on(page), "name": "x", "email": BOB, "member": ADA}

        assert [f.attributes["action"] for f in page.one("main").all("form")] == [f"{team}/leave"]
        for what in ("rename", "invite", "take-back", "remove", "role"):
            assert eve.post(f"{team}/{what}", fields).status_code == 403, what

    def test_are_removed_by_an_owner(self, ada: Browser, eve: Browser, team: str) -> None:
        ada.fill_in(team, action=f"{team}/remove")

        eve.page(team, status=404)

    def test_the_last_owner_cannot_leave(self, ada: Browser, eve: Browser, team: str) -> None:
        answer = ada.fill_in(team, action=f"{team}/leave")
        assert answer.status_code == 409
        assert "make another member one first" in answer.text

        ada.fill_in(team, action=f"{team}/role")
        assert "owner" in members(ada.page(team))[EVE]
        assert ada.fill_in(team, action=f"{team}/leave").status_code == 303
        assert eve.fill_in(team, action=f"{team}/leave").status_code == 409

    def test_the_last_owner_cannot_be_made_a_member(
        self, site: Site, ada: Browser, team: str
    ) -> None:
        form_token = token_on(ada.page(team))
        fields = {"form_token": form_token, "member": ADA, "role": "member"}

        assert ada.post(f"{team}/role", fields).status_code == 409
        assert ada.post(f"{team}/remove", fields).status_code == 409

    def test_a_deleted_account_leaves_the_team_its_entries(
        self, site: Site, ada: Browser, eve: Browser, team: str
    ) -> None:
        refused = ada.fill_in("/account/delete", password=PASSWORD)
        assert refused.status_code == 409
        assert "The Analysts" in refused.text
        public_id = site.scored(20.0, by=EVE)
        with site.database.unit_of_work() as session:
            row = session.scalars(select(Team).where(Team.name == "The Analysts")).one()
            move(session, public_id, row.id)
        eve.fill_in("/account/delete", password=PASSWORD)

        assert set(members(ada.page(team))) == {ADA}
        assert "The Analysts" in site.browser().page(BOARD).text

    def test_a_team_of_which_nobody_is_left_is_anonymised(
        self, site: Site, ada: Browser, eve: Browser, team: str
    ) -> None:
        eve.fill_in(team, action=f"{team}/leave")
        ada.fill_in("/account/delete", password=PASSWORD)

        with site.database.reading() as session:
            assert "The Analysts" not in session.scalars(select(Team.name)).all()
            owner_ids = session.scalars(
                select(Membership.user_id).join(User).where(User.email == ADA)
            ).all()
        assert owner_ids == []


def move(session: Session, public_id: str, team_id: int) -> None:
    statement = update(Submission).where(Submission.public_id == public_id)
    session.execute(statement.values(team_id=team_id))
