import pytest

from server.web.filters import DASH
from tests.support.html import Element
from tests.support.site import BOARD, EVE, Site


def ranks(page: Element) -> list[tuple[str, str]]:
    """Return rank and mIoU of each entry on a method's page, as shown."""
    rows = page.one("table", class_="entries").all("tr")[1:]
    return [
        (row.one("td", class_="number").text, row.one("td", data_score="miou").text) for row in rows
    ]


def test_shows_every_entry_and_ranks_the_one_that_its_board_shows(site: Site) -> None:
    site.scored(30.0, method="Pass")
    site.scored(25.0, method="Pass")
    site.scored(40.0, method="Rival", by=EVE)
    page = site.browser().page("/methods/pass")

    assert ranks(page) == [(DASH, "25.00"), ("2", "30.00")]


def test_ranks_agree_with_the_board(site: Site) -> None:
    for number, miou in enumerate([30.0, 40.0, 30.0, 20.0, None]):
        site.scored(miou, method=f"Method {number}")
    site.scored(99.0, method="Method 0", is_public=False)
    site.scored(98.0, method="Method 1", truth="an old truth")
    rows = site.browser().get(f"/api/v1{BOARD}").json()["rows"]

    for row in rows:
        page = site.browser().page(f"/methods/{row['method_slug']}")
        shown = [rank for rank, _ in ranks(page) if rank != DASH]
        assert shown == ([str(row["rank"])] if row["rank"] else []), row["method"]


def test_shows_private_entries_to_their_team_alone(site: Site) -> None:
    site.scored(30.0, method="Pass")
    site.scored(50.0, method="Pass", is_public=False)

    assert len(ranks(site.browser().page("/methods/pass"))) == 1
    assert len(ranks(site.browser().sign_in(EVE).page("/methods/pass"))) == 1
    assert len(ranks(site.browser().sign_in().page("/methods/pass"))) == 2


def test_a_method_without_a_public_entry_is_not_found_by_others(site: Site) -> None:
    site.scored(50.0, method="Secret", is_public=False)

    site.browser().page("/methods/secret", status=404)
    site.browser().sign_in(EVE).page("/methods/secret", status=404)
    assert "yours" in site.browser().sign_in().page("/methods/secret").text


def test_only_web_addresses_become_links(site: Site) -> None:
    site.scored(30.0, method="Good", link="https://example.org/paper")
    site.scored(30.0, method="Bad", link="javascript:alert(1)")

    link = site.browser().page("/methods/good").one("a", href="https://example.org/paper")
    assert link.attributes["rel"] == "nofollow noopener"
    bad = site.browser().page("/methods/bad")
    assert "javascript:alert(1)" in bad.text
    assert not [a for a in bad.all("a") if a.attributes["href"].startswith("javascript")]


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "{{ 7 * 7 }}", '"><b>'])
def test_what_participants_write_is_shown_as_it_was_written(site: Site, text: str) -> None:
    site.scored(30.0, method="Pass", description=text)

    page = site.browser().page("/methods/pass")
    assert page.one("dl", class_="facts").one("span", class_="prose-text").text == text
