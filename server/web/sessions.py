"""The cookie of a sign-in: it holds the session's secret, the database its digest."""

from starlette.responses import Response

from server.settings import Settings

COOKIE = "luss_session"


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
