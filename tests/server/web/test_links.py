import pytest

from server.web.links import web_address


@pytest.mark.parametrize(
    "text", ["https://arxiv.org/abs/2106.03149", "http://example.org", "HTTPS://example.org/a?b=c"]
)
def test_web_addresses_become_links(text: str) -> None:
    assert web_address(text) == text


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "null",
        "our project page",
        "example.org/paper",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "ftp://example.org/",
        "https:",
        "https://",
        "https://a b/",
        "https://example.org/\n",
        "http://[::1",
        "//example.org/",
    ],
)
def test_everything_else_stays_text(text: str | None) -> None:
    assert web_address(text) is None
