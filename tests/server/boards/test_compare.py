import pytest

from server.resampled import difference
from tests.support.html import Element
from tests.support.site import BOARD, EVE, NOISE, Site

OTHER_NOISE = (0.2, -0.3, 0.1, 0.4, -0.2)


def lines(page: Element) -> list[list[str]]:
    """Return the texts of each row of the tables of differences."""
    return [
        [cell.text for cell in [*row.all("th"), *row.all("td")]]
        for table in page.all("table", class_="differences")
        for row in table.all("tr")[1:]
    ]


def test_ticked_entries_of_a_board_are_compared(site: Site) -> None:
    site.scored(40.0, method="First")
    site.scored(30.0, method="Second", by=EVE, noise=OTHER_NOISE)
    board = site.browser().page(BOARD)
    (form,) = board.all("form", action="/compare")
    ids = [box.attributes["value"] for box in form.all("input", name="ids")]
    page = site.browser().page("/compare?" + "&".join(f"ids={each}" for each in ids))

    found = difference(
        40.0, 30.0, [40 + each for each in NOISE], [30 + each for each in OTHER_NOISE]
    )
    assert found is not None
    assert lines(page)[0] == [
        "mIoU",
        f"10.00[{found.low:.1f}, {found.high:.1f}]",
        "A is better",
        "",
        "40.00",
        "30.00",
        "0.00 %",
    ]
    assert len(page.all("circle")) == 12


def test_what_cannot_be_told_apart_is_a_tie(site: Site) -> None:
    ids = [site.scored(30.2), site.scored(30.0, noise=OTHER_NOISE)]
    page = site.browser().page(f"/compare?ids={','.join(ids)}")

    assert "tie" in lines(page)[0]


def test_the_first_is_compared_with_each_of_the_others(site: Site) -> None:
    ids = [site.scored(miou) for miou in (30.0, 20.0, 40.0)]
    answer = site.browser().get(f"/api/v1/compare?ids={ids[0]}&ids={ids[1]},{ids[2]}").json()

    assert [entry["submission"] for entry in answer["entries"]] == ids
    assert [(pair["a"], pair["b"]) for pair in answer["pairs"]] == [
        (ids[0], ids[1]),
        (ids[0], ids[2]),
    ]
    gap = answer["pairs"][1]["scores"]["miou"]
    assert gap == {
        "a": 30.0,
        "b": 40.0,
        "difference": -10.0,
        "low": pytest.approx(-10.0),
        "high": pytest.approx(-10.0),
        "b_wins": 1.0,
    }
    assert answer["pairs"][0]["resamples"] == len(NOISE)


def test_a_score_that_one_of_them_lacks_is_left_out(site: Site) -> None:
    ids = [site.scored(30.0, scores={"miou_s": None}), site.scored(20.0)]
    answer = site.browser().get(f"/api/v1/compare?ids={','.join(ids)}").json()

    assert "miou_s" not in answer["pairs"][0]["scores"]
    assert len(answer["pairs"][0]["scores"]) == 11


def test_says_how_to_choose_entries(site: Site) -> None:
    public_id = site.scored(30.0)

    for query in ("", f"?ids={public_id}", f"?ids={public_id},{public_id}"):
        assert "Choose two or more entries" in site.browser().page(f"/compare{query}").text


def test_private_entries_are_compared_by_their_team_alone(site: Site) -> None:
    ids = ",".join([site.scored(30.0), site.scored(20.0, is_public=False)])

    assert lines(site.browser().sign_in().page(f"/compare?ids={ids}"))
    for browser in (site.browser(), site.browser().sign_in(EVE)):
        assert "no scored submission" in browser.page(f"/compare?ids={ids}", status=404).text
        assert browser.get(f"/api/v1/compare?ids={ids}").status_code == 404


@pytest.mark.parametrize("facts", [{"truth": "an old truth"}, {"noise": None}])
def test_entries_of_unlike_masks_or_without_kept_values_are_refused(
    site: Site, facts: dict[str, object]
) -> None:
    ids = ",".join([site.scored(30.0), site.scored(20.0, **facts)])  # type: ignore[arg-type]
    answer = site.browser().get(f"/api/v1/compare?ids={ids}")

    assert (answer.status_code, answer.json()["code"]) == (409, "entries_unlike")


@pytest.mark.parametrize("ids", ["entry1", ",".join(f"entry{n}" for n in range(11))])
def test_a_program_is_told_how_many_it_may_name(site: Site, ids: str) -> None:
    answer = site.browser().get(f"/api/v1/compare?ids={ids}")

    assert (answer.status_code, answer.json()["code"]) == (422, "field_invalid")
