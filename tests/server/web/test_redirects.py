import pytest

from server.web.redirects import local_path, see_other


@pytest.mark.parametrize("path", ["/", "/submit", "/submit?protocol=free&subset=50", "/a#b", "/ü"])
def test_a_path_of_this_site_is_kept(path: str) -> None:
    assert local_path(path, otherwise="/home") == path


@pytest.mark.parametrize(
    "address",
    [
        "",
        "submit",
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "/a\\b",
        "/\t/evil.example/",
        "/\n/evil.example/",
        "\t//evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "http:/evil.example",
    ],
)
def test_anything_else_leads_to_where_it_is_safe(address: str) -> None:
    assert local_path(address, otherwise="/home") == "/home"


def test_a_form_is_answered_by_a_page_to_get() -> None:
    answer = see_other("/submissions")

    assert (answer.status_code, answer.headers["location"]) == (303, "/submissions")
