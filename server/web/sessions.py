"""The cookies of a sign-in: one holds the session's secret, of which the database has the digest.

At a sign-in the cookie behind the form tokens is replaced too: whoever planted one in the browser
before gains nothing.
"""

from starlette.responses import Response

from server.settings import Settings
from server.web import csrf

COOKIE = "luss_session"


def begin(response: Response, secret: str, *, settings: Settings) -> None:
    seconds = round(settings.session_lasts.total_seconds())
    set_cookie(response, COOKIE, secret, settings=settings, seconds=seconds)
    set_cookie(response, csrf.COOKIE, csrf.new_cookie(), settings=settings)


def end(response: Response, *, settings: Settings) -> None:
    set_cookie(response, COOKIE, "", settings=settings, seconds=0)
    set_cookie(response, csrf.COOKIE, csrf.new_cookie(), settings=settings)


def set_cookie(
    response: Response, name: str, value: str, *, settings: Settings, seconds: int | None = None
) -> None:
    """Set a cookie that scripts cannot read and other sites' requests do not carry."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="lax",
        secure=settings.site_url.startswith("https://"),
    )
