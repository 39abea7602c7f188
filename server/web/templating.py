"""From a page's context to HTML: Jinja with no undefined names and everything escaped.

A template reads two names: `page`, the context of its kind of page, and `frame`, what the frame
around every page shows.
"""

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar, Protocol

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from server.dependencies import Viewer, identify, rooms
from server.errors import NotSignedIn
from server.web import csrf, filters
from server.web.sessions import set_cookie

FRONTEND = Path(__file__).parents[2] / "frontend"
TEMPLATES = FRONTEND / "templates"
STATIC = FRONTEND / "static"


class Page(Protocol):
    """A context: everything that its template may read."""

    template: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the frame around every page shows."""

    path: str
    viewer_email: str
    form_token: str


def environment() -> Environment:
    built = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    built.filters.update(filters.FILTERS)
    return built


ENVIRONMENT = environment()


def render(request: Request, page: Page, *, status: int = HTTPStatus.OK) -> HTMLResponse:
    """Answer with a page; its forms carry a token, and the browser gets the cookie beside it."""
    built = rooms(request)
    cookie = request.cookies.get(csrf.COOKIE) or csrf.new_cookie()
    frame = Frame(
        path=request.url.path,
        viewer_email=_viewer(request).email,
        form_token=csrf.token_for(cookie, secret_key=built.settings.secret_key.get_secret_value()),
    )
    html = ENVIRONMENT.get_template(page.template).render(page=page, frame=frame)
    response = HTMLResponse(html, status_code=status)
    response.headers["Cache-Control"] = "private, no-store" if frame.viewer_email else "no-cache"
    if csrf.COOKIE not in request.cookies:
        set_cookie(response, csrf.COOKIE, cookie, settings=built.settings)
    return response


def _viewer(request: Request) -> Viewer:
    """Tell who reads a page; on an error page that may be about the token itself, nobody."""
    try:
        return identify(request, rooms(request), browser=True)
    except NotSignedIn:
        return Viewer()
