"""Links on pages, and which texts of strangers may become one."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A text, and where it leads; ``is_current`` marks the page that is being read."""

    text: str
    url: str
    is_current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One answer that a form offers."""

    value: str
    text: str
    is_chosen: bool


def web_address(text: str | None) -> str | None:
    """Return a participant's text if it is an http or https address, else None.

    Anything else (`javascript:`, `data:`, prose) is shown as the text it is.
    """
    if text is None or not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text if parts.scheme in {"http", "https"} and parts.hostname else None
