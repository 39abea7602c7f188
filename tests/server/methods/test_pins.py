"""A team chooses which entry counts; nobody else does, and no GET."""

import pytest

from server.models import Scope, SubmissionState
from tests.support.site import ADA, BOARD, EVE, Site


@pytest.fixture
def entries(site: Site) -> tuple[str, str]:
    """The best entry of Pass, and a lesser one; Rival stands between them."""
    best, lesser = site.scored(30.0), site.scored(20.0)
    site.scored(25.0, method="Rival", by=EVE)
    return best, lesser


def board(site: Site) -> list[tuple[int, str, float]]:
    rows = site.browser().get(f"/api/v1{BOARD}").json()["rows"]
    return [(row["rank"], row["method"], row["scores"]["miou"]) for row in rows]


def test_a_pinned_entry_counts_and_an_unpinned_one_gives_way_again(
    site: Site, entries: tuple[str, str]
) -> None:
    browser = site.browser().sign_in()
    (form,) = [
        form
        for form in browser.page("/methods/pass").all("form", action="/methods/pass/pin")
        if form.one("input", name="submission").attributes["value"] == entries[1]
    ]
    fields = {
        field.attributes["name"]: field.attributes["value"]
        for field in form.all("input", type="hidden")
    }

    assert browser.post("/methods/pass/pin", fields).status_code == 303
    assert board(site) == [(1, "Rival", 25.0), (2, "Pass", 20.0)]
    assert "chosen by its team" in site.browser().page(BOARD).text
    assert browser.post("/methods/pass/unpin", fields).status_code == 303
    assert board(site) == [(1, "Pass", 30.0), (2, "Rival", 25.0)]


def test_only_what_does_not_count_is_offered_to_count(site: Site, entries: tuple[str, str]) -> None:
    def offered() -> list[str]:
        forms = site.browser().sign_in().page("/methods/pass").one("main").all("form")
        return [
            f"{form.attributes['action'].rpartition('/')[2]} {field.attributes['value']}"
            for form in forms
            for field in form.all("input", name="submission")
        ]

    assert offered() == [f"pin {entries[1]}"]
    site.change(entries[1], is_pinned=True)
    assert offered() == [f"unpin {entries[1]}", f"pin {entries[0]}"]


def test_another_pin_replaces_the_first(site: Site, entries: tuple[str, str]) -> None:
    token = {"Authorization": f"Bearer {site.token()}"}
    for public_id in (entries[1], entries[0], entries[0]):
        answer = site.client(token).put(f"/api/v1/methods/pass/pins/{public_id}")
        pinned = [each["submission"] for each in answer.json()["entries"] if each["pinned"]]
        assert pinned == [public_id]

    answer = site.client(token).delete(f"/api/v1/methods/pass/pins/{entries[0]}")
    assert not any(each["pinned"] for each in answer.json()["entries"])
    assert [each["rank"] for each in answer.json()["entries"]] == [None, 1]


def test_only_members_with_the_right_to_submit_may_pin(
    site: Site, entries: tuple[str, str]
) -> None:
    path = f"/api/v1/methods/pass/pins/{entries[1]}"
    for headers, status in [
        ({}, 401),
        ({"Authorization": f"Bearer {site.token(scope=Scope.READ)}"}, 403),
        ({"Authorization": f"Bearer {site.token(EVE)}"}, 404),
    ]:
        assert site.client(headers).put(path).status_code == status
        assert site.client(headers).delete(path).status_code == status
    assert (
        site.browser().sign_in().post("/methods/pass/pin", {"submission": entries[1]}).status_code
        == 403
    )
    assert board(site)[0] == (1, "Pass", 30.0)


def test_only_public_scored_entries_of_the_method_can_be_pinned(
    site: Site, entries: tuple[str, str]
) -> None:
    client = site.client({"Authorization": f"Bearer {site.token(ADA)}"})
    private = site.scored(10.0, is_public=False)
    other = site.scored(10.0, method="Another")
    withdrawn = site.scored(10.0)
    site.change(withdrawn, state=SubmissionState.WITHDRAWN)

    for public_id, status, code in [
        (private, 409, "entry_not_shown"),
        (withdrawn, 409, "entry_not_shown"),
        (other, 404, "not_found"),
        ("nothing", 404, "not_found"),
    ]:
        answer = client.put(f"/api/v1/methods/pass/pins/{public_id}")
        assert (answer.status_code, answer.json()["code"]) == (status, code)
