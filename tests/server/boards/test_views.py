"""A board as its address asks for it: filtered, sorted, expanded, exported, and only if changed."""

import csv
import io
import json
from typing import Any

import pytest

from server import standings
from server.accounts.deletion import NOBODY, delete_account
from server.accounts.service import update_profile
from server.models import HEADLINE_SCORES, Board, BoardDetail, Split, User
from tests.support.database import NOW
from tests.support.site import ADA, BOARD, EVE, Site

API = f"/api/v1{BOARD}"


@pytest.fixture
def furnished(site: Site) -> Site:
    site.scored(30.0, method="Ours", networks="ResNet-50", training_scheme="SSL")
    site.scored(20.0, method="Ours", networks="ResNet-50", training_scheme="SSL")
    site.scored(40.0, method="Theirs", by=EVE, networks="ViT-S/16", training_scheme="SSL + Sup")
    site.scored(35.0, method="Plain", by=EVE, scores={"bmiou": 99.0}, noise=None)
    site.scored(99.0, method="Hidden", is_public=False)
    site.scored(99.0, method="Late", is_late=True)
    site.reported("Paper", 50.0)
    site.reported("Other paper", 45.0, backbone="ViT-B/16")
    return site


def document(site: Site, query: str = "") -> dict[str, Any]:
    answer = site.browser().get(f"{API}{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def methods(site: Site, query: str) -> list[str]:
    return [row["method"] for row in document(site, query)["rows"]]


def change_board(site: Site, **columns: object) -> None:
    with site.database.unit_of_work() as session:
        for board in session.query(Board):
            for name, value in columns.items():
                setattr(board, name, value)
            standings.board_changed(session, board.id)


class TestRows:
    def test_say_their_rank_their_tie_and_why_they_have_none(self, furnished: Site) -> None:
        rows = document(furnished)["rows"]

        assert [(row["method"], row["rank"], row["group"]) for row in rows] == [
            ("Theirs", 1, 1),
            ("Plain", 2, None),
            ("Ours", 3, 2),
            ("Late", None, None),
            ("Paper", 1, None),
            ("Other paper", 2, None),
        ]
        assert rows[3]["unranked_because"].startswith("late:")

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("?team=eve", ["Theirs", "Plain"]),
            ("?network=vit", ["Theirs", "Other paper"]),
            ("?scheme=ssl%2Bsup", ["Theirs"]),
            ("?scheme=SSL+Sup", ["Theirs"]),
            ("?kind=reported", ["Paper", "Other paper"]),
            ("?kind=verified&network=resnet", ["Ours"]),
            ("?team=&network=&scheme=&kind=all&network=paper", []),
            ("?sort=method", ["Late", "Ours", "Plain", "Theirs", "Other paper", "Paper"]),
            ("?sort=bmiou", ["Plain", "Late", "Theirs", "Ours", "Paper", "Other paper"]),
            (
                "?sort=miou&order=asc&kind=verified",
                ["Ours", "Plain", "Theirs", "Late"],
            ),
            ("?sort=rank&order=desc&kind=verified", ["Ours", "Plain", "Theirs", "Late"]),
        ],
    )
    def test_are_those_that_the_address_asks_for(
        self, furnished: Site, query: str, expected: list[str]
    ) -> None:
        assert methods(furnished, query) == expected

    def test_keep_the_rank_of_the_whole_board_when_others_are_left_out(
        self, furnished: Site
    ) -> None:
        (row,) = document(furnished, "?kind=verified&network=resnet")["rows"]

        assert (row["rank"], row["group"]) == (3, 2)

    def test_of_all_entries_follow_the_one_that_counts(self, furnished: Site) -> None:
        rows = document(furnished, "?entries=all&kind=verified")["rows"]

        assert [(row["method"], row["counts"], row["rank"]) for row in rows] == [
            ("Theirs", True, 1),
            ("Plain", True, 2),
            ("Ours", True, 3),
            ("Ours", False, None),
            ("Late", True, None),
        ]
        assert "another entry" in rows[3]["unranked_because"]

    @pytest.mark.parametrize("query", ["?sort=mio", "?kind=some", "?format=xml", "?page=0"])
    def test_in_an_order_that_does_not_exist_are_refused(self, site: Site, query: str) -> None:
        path = BOARD if "page" in query else API

        assert site.browser().get(f"{path}{query}").status_code == 422


class TestExports:
    def test_respect_the_filters(self, furnished: Site) -> None:
        text = furnished.browser().get(f"{API}?format=csv&team=eve").text
        latex = furnished.browser().get(f"{API}?format=latex&team=eve").text

        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["method"] for row in rows] == ["Theirs", "Plain"]
        assert set(HEADLINE_SCORES) <= set(rows[0])
        assert "Theirs" in latex
        assert "Ours" not in latex

    def test_write_a_line_for_each_class_of_each_entry(self, furnished: Site) -> None:
        text = furnished.browser().get(f"{API}?format=csv&detail=per-class&network=resnet").text

        rows = list(csv.DictReader(io.StringIO(text)))
        assert [(row["method"], row["class_id"], row["name"], row["iou"]) for row in rows] == [
            ("Ours", "0", "other", "30.0"),
            ("Ours", "1", "category 1", "0.0"),
            ("Ours", "2", "category 2", "12.5"),
            ("Ours", "3", "category 3", "99.0"),
        ]

    def test_say_what_the_server_has_run_itself(self, site: Site) -> None:
        site.scored(30.0, method="Ours")
        plain = site.browser().get(f"{API}?format=latex").text
        site.scored(20.0, method="Baseline", is_run_here=True)

        text = site.browser().get(f"{API}?format=csv").text
        per_class = site.browser().get(f"{API}?format=csv&detail=per-class").text
        latex = site.browser().get(f"{API}?format=latex").text.splitlines()

        expected = [("Ours", "no"), ("Baseline", "yes")]
        for export in (text, per_class):
            found = [
                (row["method"], row["run_here"]) for row in csv.DictReader(io.StringIO(export))
            ]
            assert list(dict.fromkeys(found)) == expected
        starred = [line for line in latex if r"$^{\ast}$" in line]
        assert [line.split(" & ")[1] for line in starred[:-1]] == [r"Baseline$^{\ast}$"]
        assert starred[-1] == r"\multicolumn{7}{l}{$^{\ast}$ run by the server} \\"
        assert "run by the server" not in plain

    def test_have_no_latex_per_class(self, furnished: Site) -> None:
        answer = furnished.browser().get(f"{API}?format=latex&detail=per-class")

        assert (answer.status_code, answer.json()["code"]) == (422, "field_invalid")


class TestAHiddenSplit:
    """The truth of `tiny`, test, is hidden."""

    def shown(self, site: Site, public_id: str) -> object:
        page = site.browser().get(f"/api/v1/submissions/{public_id}").json()
        rows = document(site, "?detail=per-class")["rows"]
        assert rows[0]["per_class_iou"] == page["scores"]["per_class_iou"]
        return page["scores"]["per_class_iou"][0]

    def test_shows_classes_at_two_decimals(self, site: Site) -> None:
        assert self.shown(site, site.scored(100 / 3)) == 33.33

    def test_shows_every_digit_where_its_board_says_so(self, site: Site) -> None:
        public_id = site.scored(100 / 3)
        change_board(site, detail=BoardDetail.EXACT)

        assert self.shown(site, public_id) == 100 / 3

    def test_shows_every_digit_once_it_is_public(self, site: Site) -> None:
        public_id = site.scored(100 / 3)
        with site.database.unit_of_work() as session:
            session.query(Split).update({"is_public": True})
        change_board(site, detail=BoardDetail.SUMMARY)

        assert self.shown(site, public_id) == 100 / 3

    def test_shows_nothing_of_classes_where_its_board_says_so(self, site: Site) -> None:
        public_id = site.scored(100 / 3)
        change_board(site, detail=BoardDetail.SUMMARY)
        browser = site.browser()

        for form in ("json", "csv"):
            refused = browser.get(f"{API}?format={form}&detail=per-class")
            assert (refused.status_code, refused.json()["code"]) == (403, "detail_withheld")
        scores = browser.get(f"/api/v1/submissions/{public_id}").json()["scores"]
        assert (scores["per_class_iou"], scores["per_class_biou"]) == (None, None)
        assert scores["miou"] == 100 / 3
        assert "Per class" not in browser.page(f"/submissions/{public_id}").text
        assert "per class" not in browser.page(BOARD).text


class TestAnAnswer:
    def test_is_304_for_whoever_has_it(self, furnished: Site) -> None:
        browser = furnished.browser()
        first = browser.get(API)
        again = browser.get(API, **{"If-None-Match": f'"another", W/{first.headers["etag"]}'})

        assert first.headers["cache-control"] == "public, no-cache"
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]

    def test_has_one_etag_for_each_view(self, furnished: Site) -> None:
        tags = [
            furnished.browser().get(f"{API}{query}").headers["etag"]
            for query in ("", "?team=eve", "?format=csv", "?entries=all", "?sort=bmiou")
        ]

        assert len(set(tags)) == len(tags)

    def test_is_new_once_the_board_has_moved(self, furnished: Site) -> None:
        browser = furnished.browser()
        etag = browser.get(API).headers["etag"]
        furnished.scored(60.0, method="Newest")
        answer = browser.get(API, **{"If-None-Match": etag})

        assert answer.status_code == 200
        assert answer.json()["rows"][0]["method"] == "Newest"

    def test_takes_one_query_the_second_time(self, furnished: Site) -> None:
        browser = furnished.browser()
        for path in (API, BOARD):
            browser.get(path)
            with furnished.counted_queries() as seen:
                browser.get(path)
            assert len(seen) == 1, (path, seen)

    def test_from_memory_is_the_one_that_was_made(self, furnished: Site) -> None:
        browser = furnished.browser()

        assert (
            browser.get(BOARD).text
            == browser.get(BOARD).text
            == furnished.browser().get(BOARD).text
        )
        assert "form_token" not in browser.get(BOARD).text

    def test_for_a_member_is_not_the_strangers_and_not_the_other_way_round(
        self, furnished: Site
    ) -> None:
        stranger, member = furnished.browser(), furnished.browser().sign_in()

        for _ in range(2):
            assert "row-own" not in stranger.get(BOARD).text
            assert "row-own" in member.get(BOARD).text

    def test_is_whole_json(self, furnished: Site) -> None:
        body = furnished.browser().get(f"{API}?entries=all").content

        assert set(json.loads(body)) == {
            "protocol",
            "subset",
            "split",
            "primary",
            "revision",
            "phase",
            "opens_at",
            "closes_at",
            "note",
            "limits",
            "declarations",
            "rows",
        }


class TestANewName:
    """What is kept in memory must not outlive a name that somebody has given up."""

    @pytest.fixture
    def warm(self, site: Site) -> Site:
        site.scored(30.0)
        assert [row["team"] for row in document(site)["rows"]] == ["ada"]
        site.browser().page(BOARD)
        return site

    def test_of_a_person_is_on_the_board_at_once(self, warm: Site) -> None:
        with warm.database.unit_of_work() as session:
            user = session.query(User).filter_by(email=ADA).one()
            update_profile(session, user, name="Countess", affiliation="", link="")

        assert "Countess" in document(warm)["rows"][0]["team"]
        assert "Countess" in warm.browser().page(BOARD).one("table", class_="board").text

    def test_is_nobodys_once_an_account_is_deleted(self, warm: Site) -> None:
        with warm.database.unit_of_work() as session:
            user = session.query(User).filter_by(email=ADA).one()
            delete_account(session, user, site_url="http://site", now=NOW)

        assert document(warm)["rows"][0]["team"] == NOBODY
        table = warm.browser().page(BOARD).one("table", class_="board").text
        assert NOBODY in table
        assert "ada" not in table.split()
