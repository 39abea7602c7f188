"""Every page as a reader meets it: found by following links from the home page."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from urllib.parse import urldefrag, urljoin

import pytest

from server.models import SubmissionState
from server.web import csrf
from tests.support import html
from tests.support.html import Element
from tests.support.site import EVE, Browser, Site, site_in

NOT_LINKED = ("/docs/components", "/nothing/here")
FINDING = {
    "code": "wrong_size",
    "severity": "error",
    "file": "n1/a.png",
    "expected": "4 x 5",
    "found": "5 x 4",
    "message": "n1/a.png: Write the mask at the size of its image.",
    "count": 1,
}


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with something of everything; the tests here only read it."""
    with site_in(tmp_path_factory.mktemp("site")) as site:
        furnish(site)
        yield site


def furnish(site: Site) -> None:
    site.scored(30.0, link="https://example.org")
    site.scored(20.0, is_public=False)
    site.scored(40.0, method="Other", by=EVE, networks="ViT-S/16")
    site.scored(10.0, method="Old", truth="an old truth")
    site.reported("Paper", 50.0)
    site.reported("Ablation", 60.0, unranked_because="an ablation")
    for state in SubmissionState:
        if state is not SubmissionState.SCORED:
            site.submission(state=state, findings=[FINDING], progress_total=160)
    for number in range(20):
        site.submission(method=f"Number {number}")
    ada = site.browser().sign_in()
    team = ada.fill_in("/account/teams/new", name="The Analysts").headers["location"]
    for invited in (EVE, "bob@example.org"):
        ada.fill_in(team, action=f"{team}/invite", email=invited)
    site.browser().sign_in(EVE).fill_in(site.link_mailed_to(EVE))
    ada.fill_in("/account/tokens", name="the cluster", scope="read", days="")


def pages_of(browser: Browser) -> dict[str, Element]:
    """Follow every link of this site; return its pages by their path."""
    found: dict[str, Element] = {}
    waiting = ["/", *NOT_LINKED]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        answer = browser.get(path)
        if answer.status_code == 303:
            waiting.append(answer.headers["location"].partition("#")[0])
            continue
        assert answer.status_code < 400 or path in NOT_LINKED, (path, answer.status_code)
        if answer.headers["content-type"].startswith("text/html"):
            found[path] = html.read(answer.text)
            waiting.extend(inner_links(path, found[path]))
    return found


def inner_links(path: str, page: Element) -> Iterable[str]:
    for link in page.all("a"):
        if link.attributes.get("rel") == "nofollow":
            continue  # the same rows in another order; tests of boards try each
        address, _ = urldefrag(urljoin(path, link.attributes["href"]))
        if address.startswith("/"):
            yield address


@pytest.fixture(scope="module")
def members_pages(lived_in: Site) -> dict[str, Element]:
    return pages_of(lived_in.browser().sign_in())


@pytest.fixture(scope="module", params=["by anyone", "signed in"])
def pages(
    request: pytest.FixtureRequest, lived_in: Site, members_pages: dict[str, Element]
) -> dict[str, Element]:
    return members_pages if request.param == "signed in" else pages_of(lived_in.browser())


def test_every_page_is_found_and_no_link_is_broken(pages: dict[str, Element]) -> None:
    for path in (
        *("/", "/docs", "/docs/errors", "/docs/protocols", "/docs/scores", "/docs/submitting"),
        *("/boards/free/tiny/val", "/boards/fully-unsupervised/tiny/test", "/methods/pass"),
        "/submissions/entry1",
    ):
        assert path in pages


def test_strangers_find_the_ways_in(lived_in: Site) -> None:
    assert {"/sign-in", "/sign-up", "/password-reset"} <= set(pages_of(lived_in.browser()))


def test_members_find_the_form_and_all_of_their_submissions(
    members_pages: dict[str, Element],
) -> None:
    paths = {path.partition("?")[0] for path in members_pages}

    assert {"/submit", "/submissions", "/account", "/account/tokens"} <= paths
    assert any(path.startswith("/account/teams/") for path in paths - {"/account/teams/new"})
    assert {f"/submissions/entry{number}" for number in range(1, 31)} <= paths


def test_every_fragment_leads_to_an_element(pages: dict[str, Element]) -> None:
    for path, page in pages.items():
        for link in page.all("a"):
            address, fragment = urldefrag(urljoin(path, link.attributes["href"]))
            target = pages.get(address or path)
            if fragment and target is not None:
                ids = {each.attributes.get("id") for each in target.inside}
                assert fragment in ids, (path, link.attributes["href"])


def test_every_page_has_one_title_one_heading_and_a_way_to_skip(
    pages: dict[str, Element],
) -> None:
    titles = {}
    for path, page in pages.items():
        assert len(page.all("h1")) == 1, path
        title = page.one("head").one("title").text
        assert title.endswith("· LUSS Bench"), path
        titles.setdefault(title, path)
        assert page.one("a", class_="skip-link").attributes["href"] == "#content"
        assert page.one("main", id="content")
        assert page.one("html", lang="en")


def test_headings_skip_no_level(pages: dict[str, Element]) -> None:
    for path, page in pages.items():
        levels = [int(each.tag[1]) for each in page.inside if each.tag in {"h1", "h2", "h3", "h4"}]
        for before, after in pairwise(levels):
            assert after <= before + 1, (path, levels)


def test_every_table_says_what_it_is_and_what_its_heads_are_about(
    pages: dict[str, Element],
) -> None:
    for path, page in pages.items():
        for table in page.all("table"):
            assert table.one("caption").text, path
            for head in table.all("th"):
                is_empty_corner = "plot" in head.attributes.get("class", "")
                assert "scope" in head.attributes or is_empty_corner, (path, head.text)


def test_every_control_has_a_label(pages: dict[str, Element]) -> None:
    for path, page in pages.items():
        named = {label.attributes.get("for") for label in page.all("label")}
        wrapped = [each for label in page.all("label") for each in label.inside]
        for control in page.inside:
            if control.tag in {"input", "select", "textarea"}:
                is_hidden = control.attributes.get("type") == "hidden"
                is_labelled = control.attributes.get("id") in named or control in wrapped
                assert is_hidden or is_labelled, (path, control.attributes)


def test_every_picture_has_a_text_and_a_size(pages: dict[str, Element]) -> None:
    for path, page in pages.items():
        for picture in page.all("img"):
            assert {"alt", "width", "height"} <= set(picture.attributes), path


def test_every_form_that_changes_something_carries_a_token(pages: dict[str, Element]) -> None:
    for path, page in pages.items():
        for form in page.all("form", method="post"):
            assert form.one("input", name=csrf.FIELD).attributes["value"], path


def test_no_page_asks_another_site_for_anything(pages: dict[str, Element]) -> None:
    for path, page in pages.items():
        for each in page.inside:
            if each.tag in {"img", "link", "script"}:
                source = each.attributes.get("src") or each.attributes.get("href", "")
                assert source.startswith(("/static/", "/api/docs/assets/")), path
                assert "?v=" in source, path


def test_what_is_private_is_in_no_shared_cache(lived_in: Site) -> None:
    public = lived_in.browser().get("/")
    private = lived_in.browser().sign_in().get("/")

    assert public.headers["cache-control"] == "no-cache"
    assert private.headers["cache-control"] == "private, no-store"
    assert public.headers["vary"] == private.headers["vary"] == "Cookie"


def test_an_error_is_a_page_for_people_and_a_problem_for_programs(site: Site) -> None:
    page = site.browser().page("/nothing", status=404)
    problem = site.browser().get("/nothing", Accept="application/json")

    assert page.one("h1").text == "Not found"
    assert "There is nothing at /nothing." in page.text
    assert problem.json()["code"] == "not_found"
