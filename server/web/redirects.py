"""Where a form leads when it is done: only ever to a page of this site."""

from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi.responses import RedirectResponse


def local_path(address: str, *, otherwise: str) -> str:
    r"""Return an address if it is a path of this site, else ``otherwise``.

    Browsers read `//host` and `/\host` as another site, and drop tabs and line ends before they
    read anything.
    """
    is_path = address.startswith("/") and not address.startswith(("//", "/\\"))
    is_plain = address.isprintable() and "\\" not in address
    if not (is_path and is_plain):
        return otherwise
    parts = urlsplit(address)
    return otherwise if parts.scheme or parts.netloc else address


def see_other(path: str) -> RedirectResponse:
    """Answer a form: the page at ``path`` is to be read, by GET, so that reloading is harmless."""
    return RedirectResponse(path, status_code=HTTPStatus.SEE_OTHER)
