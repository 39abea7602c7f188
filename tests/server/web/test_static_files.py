import pytest

from server.web.static_files import STATIC, static_url
from tests.support.site import Site

FILES = [str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", FILES)
def test_a_file_under_its_hash_may_be_kept_for_good(site: Site, name: str) -> None:
    answer = site.browser().get(static_url(name))

    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("query", ["", "?v=0123456789ab"])
def test_without_the_right_hash_it_is_asked_for_again(site: Site, query: str) -> None:
    answer = site.browser().get(f"/static/css/base.css{query}")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/static/nothing.css", "/static/../templates/base.html"])
def test_what_is_not_there_is_not_found(site: Site, path: str) -> None:
    assert site.browser().get(path).status_code == 404


def test_a_browser_that_asks_for_the_icon_gets_one(site: Site) -> None:
    answer = site.browser().get("/favicon.ico")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
