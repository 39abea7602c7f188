"""The pages on which organizers set boards: what they show, set, refuse and leave alone."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from server.models import Board, BoardDetail, Protocol, Split, SplitName
from server.organizers.boards import BoardChanges, boards_like, change_boards
from tests.support import html
from tests.support.database import NOW
from tests.support.html import Element
from tests.support.site import BOARD, EVE, Browser, Site

BOARDS = "/organizing/boards"
SETTINGS = f"/organizing{BOARD}"
DAY = timedelta(days=1)


@pytest.fixture
def organizer(site: Site) -> Browser:
    site.make_organizer(EVE)
    return site.browser().sign_in(EVE)


def settings(site: Site, *, protocol: Protocol = Protocol.FULLY_UNSUPERVISED) -> dict[str, Any]:
    """Return how the board of the test split is set, by its columns."""
    with site.database.reading() as session:
        (board,) = boards_like(session, protocol=protocol, subset="tiny", split=SplitName.TEST)
        return {name: getattr(board, name) for name in BoardChanges.__annotations__}


def of_all(site: Site, column: str) -> list[object]:
    with site.database.reading() as session:
        return [getattr(board, column) for board in session.scalars(select(Board))]


def form_of(page: Element) -> Element:
    return page.one("form", action=SETTINGS)


class TestTheList:
    def test_is_found_from_the_account_by_organizers_alone(
        self, site: Site, organizer: Browser
    ) -> None:
        ada = site.browser().sign_in()

        assert organizer.page("/account").all("a", href=BOARDS)
        assert not ada.page("/account").all("a", href=BOARDS)
        assert ada.get(BOARDS).status_code == 403
        assert ada.get(SETTINGS).status_code == 403

    def test_shows_every_board_with_its_phase_and_limits(
        self, site: Site, organizer: Browser
    ) -> None:
        site.change_boards(daily_limit=5, closes_at=NOW + DAY, note="A challenge.")

        table = organizer.page(BOARDS).one("table")

        rows = table.one("tbody").all("tr")
        assert len(rows) == 8
        assert rows[0].text == (
            "Fully unsupervised, test open until 2026-11-21 12:00 UTC A challenge. 5 any any any "
            "Scores per class too, rounded to two decimals"
        )
        assert "open until 2026-11-21 12:00 UTC no masks yet" in rows[4].text
        assert rows[0].one("time").attributes["datetime"] == "2026-11-21T12:00:00+00:00"

    def test_leads_to_the_settings_of_each(self, organizer: Browser) -> None:
        links = [each.attributes["href"] for each in organizer.page(BOARDS).one("table").all("a")]

        assert len(links) == 8
        for link in links:
            assert organizer.get(link).status_code == 200

    def test_is_led_to_from_the_board_by_organizers_alone(
        self, site: Site, organizer: Browser
    ) -> None:
        assert organizer.page(BOARD).all("a", href=SETTINGS)
        for other in (site.browser(), site.browser().sign_in()):
            assert not other.page(BOARD).all("a", href=SETTINGS)


class TestSaving:
    def test_sets_everything_that_the_command_sets(self, site: Site, organizer: Browser) -> None:
        answer = organizer.fill_in(
            SETTINGS,
            action=SETTINGS,
            daily_limit="4",
            total_limit="7",
            in_flight_limit="3",
            hourly_limit="9",
            opens_at="2027-01-01",
            closes_at="2027-02-01T12:00+01:00",
            is_paused="yes",
            detail="summary",
            note=" A challenge. ",
        )

        assert answer.headers["location"] == f"{SETTINGS}?saved=1"
        assert "The settings are saved." in organizer.page(answer.headers["location"]).text
        opens, closes = (settings(site)[name] for name in ("opens_at", "closes_at"))
        assert (opens.isoformat(), closes.isoformat()) == (
            "2027-01-01T00:00:00+00:00",
            "2027-02-01T11:00:00+00:00",
        )
        assert settings(site) == {
            "daily_limit": 4,
            "total_limit": 7,
            "in_flight_limit": 3,
            "hourly_limit": 9,
            "opens_at": opens,
            "closes_at": closes,
            "is_paused": True,
            "detail": BoardDetail.SUMMARY,
            "note": "A challenge.",
        }
        assert "paused" in site.browser().page(BOARD).text.lower()

    def test_takes_everything_back(self, site: Site, organizer: Browser) -> None:
        before = settings(site)
        with site.database.unit_of_work() as session:
            boards = boards_like(session, protocol=None, subset=None, split=None)
            change_boards(
                session,
                boards,
                {
                    "daily_limit": 1,
                    "opens_at": NOW,
                    "closes_at": NOW + DAY,
                    "is_paused": True,
                    "note": "A challenge.",
                },
            )

        form = form_of(organizer.page(SETTINGS))
        typed = html.typed_into(form)
        assert (typed["opens_at"], typed["closes_at"], typed["is_paused"]) == (
            "2026-11-20 12:00 UTC",
            "2026-11-21 12:00 UTC",
            "yes",
        )
        emptied = dict.fromkeys(("daily_limit", "opens_at", "closes_at", "note"), "")
        assert organizer.post(SETTINGS, typed | emptied | {"is_paused": "no"}).status_code == 303
        assert settings(site) == before

    def test_is_for_all_boards_that_are_chosen(self, site: Site, organizer: Browser) -> None:
        for reach, count in (("board", 1), ("split", 4), ("subset", 8), ("all", 8)):
            before = of_all(site, "daily_limit")
            number = 100 + count + len(reach)
            answer = organizer.fill_in(
                SETTINGS, action=SETTINGS, daily_limit=str(number), reach=reach
            )

            assert answer.headers["location"] == f"{SETTINGS}?saved={count}"
            assert of_all(site, "daily_limit").count(number) == count, before

    def test_leaves_alone_what_was_not_changed(self, site: Site, organizer: Browser) -> None:
        """Somebody else pauses the board while the form is open, and others have other limits."""
        typed = html.typed_into(form_of(organizer.page(SETTINGS)))
        with site.database.unit_of_work() as session:
            (one,) = boards_like(
                session, protocol=Protocol.FREE, subset="tiny", split=SplitName.TEST
            )
            change_boards(session, [one], {"total_limit": 77})
        site.change_boards(is_paused=True, closes_at=NOW + DAY)

        answer = organizer.post(SETTINGS, typed | {"note": "Read the rules.", "reach": "all"})

        assert answer.status_code == 303
        assert of_all(site, "is_paused") == [True] * 8
        assert of_all(site, "closes_at") == [NOW + DAY] * 8
        assert of_all(site, "note") == ["Read the rules."] * 8
        assert settings(site, protocol=Protocol.FREE)["total_limit"] == 77

    def test_of_nothing_sets_nothing(self, site: Site, organizer: Browser) -> None:
        before = of_all(site, "revision")

        answer = organizer.fill_in(SETTINGS, action=SETTINGS, reach="all")

        assert "Nothing was changed" in organizer.page(answer.headers["location"]).text
        assert of_all(site, "revision") == before

    def test_counts_late_entries_anew(self, site: Site, organizer: Browser) -> None:
        site.scored(30.0)

        organizer.fill_in(SETTINGS, action=SETTINGS, closes_at="2026-11-20 12:00 UTC")

        (row,) = site.browser().get(f"/api/v1{BOARD}").json()["rows"]
        assert (row["rank"], row["unranked_because"][:4]) == (None, "late")


class TestARefusal:
    @pytest.mark.parametrize(
        ("field", "text", "said"),
        [
            ("daily_limit", "0", "1 to 1000000, or none"),
            ("total_limit", "-3", "total_limit is -3"),
            ("in_flight_limit", "1000001", "pause the board"),
            ("hourly_limit", "many", "it is a whole number, or empty"),
            ("hourly_limit", "9" * 5000, "it is a whole number, or empty"),
            ("opens_at", "tomorrow", "a time like 2027-01-31 12:00 UTC"),
            ("opens_at", "0001-01-01T00:00+23:00", "a time like"),
            ("closes_at", "2026-01-01", "closes after it opens"),
            ("is_paused", "perhaps", "no, yes"),
            ("detail", "all", "summary, per_class, exact"),
            ("note", "x" * 501, "501 characters"),
            ("reach", "some", "board, split, subset, all"),
        ],
    )
    def test_keeps_what_was_typed_and_sets_nothing(
        self, site: Site, organizer: Browser, field: str, text: str, said: str
    ) -> None:
        site.change_boards(opens_at=NOW)
        typed = html.typed_into(form_of(organizer.page(SETTINGS)))
        sent = typed | {"total_limit": "12", "note": "typed <b>", field: text}
        before = {name: of_all(site, name) for name in ("revision", *BoardChanges.__annotations__)}

        answer = organizer.post(SETTINGS, sent)

        assert answer.status_code == 422
        page = html.read(answer.text)
        assert said in page.one("div", role="alert").text
        again = html.typed_into(form_of(page))
        choices = {"is_paused", "detail", "reach"}
        assert {name: again.get(name) for name in sent.keys() - choices} == {
            name: sent[name] for name in sent.keys() - choices
        }
        if field not in choices:
            assert page.one("input", id=field).attributes["aria-invalid"] == "true"
        assert before == {name: of_all(site, name) for name in before}

    def test_once_mended_is_taken(self, site: Site, organizer: Browser) -> None:
        """What the form showed at first goes along: it still knows what was changed."""
        refused = organizer.fill_in(
            SETTINGS, action=SETTINGS, daily_limit="many", closes_at="2027-01-01"
        )

        sent = html.typed_into(form_of(html.read(refused.text))) | {"daily_limit": "6"}
        assert organizer.post(SETTINGS, sent).status_code == 303
        assert settings(site)["daily_limit"] == 6
        assert settings(site)["closes_at"].isoformat() == "2027-01-01T00:00:00+00:00"

    def test_names_the_word_that_is_unknown(self, organizer: Browser) -> None:
        page = organizer.page("/organizing/boards/free/tinny/test", status=404)

        assert "did you mean tiny?" in page.text


def test_a_public_split_says_that_it_shows_everything(site: Site, organizer: Browser) -> None:
    with site.database.unit_of_work() as session:
        for split in session.scalars(select(Split)):
            split.is_public = True

    assert "so everything is shown" in organizer.page(SETTINGS).text
    assert "Everything" in organizer.page(BOARDS).one("table").text
