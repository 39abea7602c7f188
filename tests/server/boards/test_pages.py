from datetime import timedelta

import pytest

from server.models import Protocol
from server.web.filters import DASH
from server.web.templating import written as once
from tests.support.database import NOW, add_user
from tests.support.html import Element
from tests.support.site import ADA, BOARD, EVE, Site

MINUTE = timedelta(minutes=1)


def rows(page: Element) -> list[tuple[str, str, str]]:
    """Return rank, method and mIoU of each row of a board, as shown."""
    table = page.one("table", class_="board")
    found = []
    for row in table.all("tr"):
        names = row.all("th", class_="method")
        if names:
            score = row.one("td", data_score="miou")
            name = names[0].inside[0].text
            found.append((row.one("td", class_="rank").text, name, score.text.split()[0]))
    return found


class TestABoard:
    def test_shows_verified_rows_first_and_reported_ones_with_ranks_in_brackets(
        self, site: Site
    ) -> None:
        site.scored(30.0, method="Ours")
        site.scored(40.0, method="Theirs", by=EVE)
        site.reported("Paper", 50.0)
        site.reported("Ablation", 60.0, unranked_because="an ablation")
        page = site.browser().page(BOARD)

        assert rows(page) == [
            ("1", "Theirs", "40.00"),
            ("2", "Ours", "30.00"),
            ("(1)", "Paper", "50.00"),
            (f"unranked{DASH}", "Ablation", "60.00"),
        ]
        assert "Unranked: an ablation." in page.text

    def test_gives_the_full_number_with_each_cell(self, site: Site) -> None:
        site.scored(100 / 3)
        page = site.browser().page(BOARD)
        cell = page.one("td", data_score="miou")

        assert float(cell.attributes["data-value"]) == 100 / 3
        assert cell.text == "33.33"
        assert page.one("td", class_="plot").text == "[32.3, 34.3]"

    def test_shows_an_unknown_score_as_a_dash_without_a_number(self, site: Site) -> None:
        site.scored(30.0, scores={"f_beta": None})
        cell = site.browser().page(BOARD).one("td", data_score="f_beta")

        assert cell.text == DASH
        assert "data-value" not in cell.attributes

    def test_leaves_out_groups_of_scores_that_no_row_knows(self, site: Site) -> None:
        site.reported("Paper", 50.0)
        page = site.browser().page(BOARD)

        assert page.all("td", data_score="bmiou")
        assert not page.all("td", data_score="miou_s")
        assert "by object size" not in page.one("table", class_="board").text

    def test_says_when_nothing_was_scored_yet(self, site: Site) -> None:
        page = site.browser().page(BOARD)

        assert "No entry has been scored here yet." in page.text
        link = page.one("td", class_="empty").one("a")
        assert link.attributes["href"] == (
            "/submit?protocol=fully-unsupervised&subset=tiny&split=test"
        )

    def test_says_when_nothing_can_be_scored_and_offers_no_form(self, site: Site) -> None:
        page = site.browser().page(BOARD.replace("/test", "/val"))

        assert "no masks for this split yet" in page.text
        assert "Submit to this board" not in page.text
        assert "validation board, not the official ranking" in page.text

    def test_marks_the_rows_of_the_reader(self, site: Site) -> None:
        site.scored(30.0, method="Ours")
        site.scored(40.0, method="Theirs", by=EVE)
        page = site.browser().sign_in().page(BOARD)

        assert [row.one("th").text.split()[0] for row in page.all("tr", class_="row-own")] == [
            "Ours"
        ]
        assert not site.browser().page(BOARD).all("tr", class_="row-own")

    def test_leads_to_the_boards_that_differ_in_one_part(self, site: Site) -> None:
        page = site.browser().page(BOARD)

        switches = page.one("nav", class_="switches")
        current = [link.text for link in switches.all("a", aria_current="page")]
        assert current == ["Fully unsupervised", "Tiny", "Test"]
        assert len(switches.all("a")) == 4 + 1 + 2

    def test_shows_which_facts_the_protocol_allows(self, site: Site) -> None:
        page = site.browser().page("/boards/distance-matching/tiny/test")

        verdicts = [cell.text for cell in page.one("table", class_="rules").all("td")]
        assert verdicts == ["not allowed"] * 7

    def test_keeps_private_entries_to_itself(self, site: Site) -> None:
        site.scored(99.0, method="Secret", is_public=False)

        assert "Secret" not in site.browser().sign_in().page(BOARD).text

    def test_draws_scores_and_intervals_on_one_axis(self, site: Site) -> None:
        site.scored(30.0)
        site.reported("Paper", 39.0)
        page = site.browser().page(BOARD)

        places = [float(dot.attributes["cx"].rstrip("%")) for dot in page.all("circle")]
        whisker = page.one("line").attributes
        assert places == [75.0, 97.5]
        assert (whisker["x1"], whisker["x2"]) == ("72.5%", "77.5%")

    @pytest.mark.parametrize(
        ("path", "hint"),
        [
            ("/boards/fully-unsupervized/tiny/test", "did you mean fully-unsupervised?"),
            ("/boards/free/tinny/test", "did you mean tiny?"),
            ("/boards/free/tiny/tset", "did you mean test?"),
        ],
    )
    def test_asks_what_was_meant_by_an_unknown_word(self, site: Site, path: str, hint: str) -> None:
        assert hint in site.browser().page(path, status=404).text

    @pytest.mark.parametrize("who", ["a stranger", "a member", "an organizer"])
    def test_takes_as_many_queries_for_many_rows_as_for_one(self, site: Site, who: str) -> None:
        site.scored(1.0, method="First")
        if who == "an organizer":
            site.make_organizer(ADA)
        browser = site.browser() if who == "a stranger" else site.browser().sign_in(ADA)
        with site.counted_queries() as few:
            browser.page(BOARD)
        for number in range(5):
            site.scored(10.0 + number, method=f"Method {number}", by=EVE)
            site.scored(20.0 + number, method=f"Mine {number}", by=ADA)
            site.reported(f"Paper {number}", 20.0)
        with site.counted_queries() as many:
            browser.page(BOARD)

        assert len(rows(browser.page(BOARD))) == 16
        assert len(many) == len(few)

    def test_is_written_once_for_all_members_who_see_the_same(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Only what is around it is written for each: their address, and the token of a form."""
        site.scored(30.0, method="Ours", by=ADA)
        written: list[object] = []
        monkeypatch.setattr(
            "server.boards.board_page.written", lambda part: written.append(part) or once(part)
        )
        with site.database.unit_of_work() as session:
            for name in ("fay", "gil"):
                add_user(session, f"{name}@example.org")
        people = ["fay@example.org", "gil@example.org", EVE]
        browsers = {email: site.browser().sign_in(email) for email in people}

        pages = {email: browser.get(BOARD).text for email, browser in browsers.items()}
        with site.counted_queries() as again:
            browsers[EVE].get(BOARD)

        assert len(written) == 1
        assert len(again) == 3  # who it is, their teams, the board's revision
        for email, page in pages.items():
            assert [each for each in (*people, ADA) if each in page] == [email]
        site.browser().sign_in(ADA).get(BOARD)
        assert len(written) == 2  # her row is marked
        site.scored(40.0, method="Theirs", by=EVE)
        assert "Theirs" in browsers["fay@example.org"].get(BOARD).text
        assert len(written) == 3


class TestHome:
    def test_names_the_leader_of_each_test_board(self, site: Site) -> None:
        site.scored(30.0, method="Second best")
        site.scored(40.0, method="The leader", by=EVE)
        site.reported("Paper", 50.0)
        table = site.browser().page("/").one("table", class_="overview")

        first = table.all("tr")[1].text
        assert "The leader 40.00 Paper ResNet-50 (50.00) 2 verified, 1 reported" in first
        assert "Second best" not in first

    def test_links_both_boards_of_each_protocol(self, site: Site) -> None:
        page = site.browser().page("/")

        links = {link.attributes["href"] for link in page.all("a")}
        for protocol in Protocol:
            for split in ("test", "val"):
                assert f"/boards/{protocol}/tiny/{split}" in links

    def test_tells_the_phase_of_each_board_as_time_passes(self, site: Site) -> None:
        site.change_boards(opens_at=NOW + MINUTE, closes_at=NOW + 2 * MINUTE)
        seen = []
        for _ in range(3):
            page = site.browser().page("/")
            first = page.one("table", class_="overview").one("tbody").all("tr")[0]
            seen.append([each.text for each in first.all("span", class_="phase")])
            seen[-1].append("open for submissions" in page.one("caption").text)
            site.clock.time += MINUTE

        assert seen == [
            ["opens 2026-11-20 12:01 UTC", "no masks yet", False],
            ["open until 2026-11-20 12:02 UTC", "no masks yet", True],
            ["closed 2026-11-20 12:02 UTC; late entries have no rank", "no masks yet", False],
        ]

    def test_tells_which_boards_are_paused_and_which_are_simply_open(self, site: Site) -> None:
        def phases() -> set[str]:
            return {each.text for each in site.browser().page("/").all("span", class_="phase")}

        assert phases() == {"open", "no masks yet"}
        site.change_boards(is_paused=True)
        assert phases() == {"paused", "no masks yet"}

    def test_takes_as_many_queries_for_many_boards_as_for_few(self, site: Site) -> None:
        with site.counted_queries() as few:
            site.browser().page("/")
        for protocol in Protocol:
            site.scored(30.0, protocol=protocol)
        with site.counted_queries() as many:
            site.browser().page("/")

        assert len(many) == len(few)

    def test_is_where_the_list_of_boards_is(self, site: Site) -> None:
        answer = site.browser().get("/boards")

        assert (answer.status_code, answer.headers["location"]) == (303, "/#boards")
