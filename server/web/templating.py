"""From a page's context to HTML: Jinja with no undefined names and everything escaped.

A template reads two names: `page`, the context of its kind of page, and `frame`, what the frame
around every page shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar, Protocol

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from server.dependencies import Viewer, identify, rooms
from server.errors import NotSignedIn, ServerError
from server.web import csrf, filters
from server.web.sessions import set_cookie
from server.web.static_files import static_url

TEMPLATES = Path(__file__).parents[2] / "frontend" / "templates"


class Page(Protocol):
    """A context: everything that its template may read."""

    template: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the frame around every page shows.

    ``section`` is the first word of the path, which the navigation marks; ``here`` leads back to
    this page after a sign-in.
    """

    section: str
    here: str
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
    built.globals["static"] = static_url
    return built


ENVIRONMENT = environment()


def render(
    request: Request,
    page: Page,
    *,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Answer with a page; its forms carry a token, and the browser gets the cookie beside it."""
    built = rooms(request)
    cookie = request.cookies.get(csrf.COOKIE) or csrf.new_cookie()
    frame = Frame(
        section=request.url.path.split("/")[1],
        here=path_and_query(request),
        viewer_email=_viewer(request).email,
        form_token=csrf.token_for(cookie, secret_key=built.settings.secret_key.get_secret_value()),
    )
    html = ENVIRONMENT.get_template(page.template).render(page=page, frame=frame)
    response = HTMLResponse(html, status_code=status, headers=headers)
    _finish(request, response, cookie=cookie, is_private=bool(frame.viewer_email))
    return response


def render_refused(request: Request, page: Page, refused: ServerError) -> HTMLResponse:
    """Answer a form that was not taken: with the page that it stands on, which says why."""
    return render(request, page, status=refused.status, headers=refused.headers)


def written(part: Page) -> Markup:
    """Write a part of a page that is the same in every frame, to be put into a page or kept."""
    return Markup(ENVIRONMENT.get_template(part.template).render(page=part))  # noqa: S704  # by us


def render_again(request: Request, html: bytes) -> HTMLResponse:
    """Answer with what `render` wrote for a stranger, to another one who asks for the same.

    Only for pages that hold no form token where nobody is signed in.
    """
    response = HTMLResponse(html)
    cookie = request.cookies.get(csrf.COOKIE) or csrf.new_cookie()
    _finish(request, response, cookie=cookie, is_private=False)
    return response


def _finish(request: Request, response: Response, *, cookie: str, is_private: bool) -> None:
    response.headers["Cache-Control"] = "private, no-store" if is_private else "no-cache"
    response.headers["Vary"] = "Cookie"
    if csrf.COOKIE not in request.cookies:
        set_cookie(response, csrf.COOKIE, cookie, settings=rooms(request).settings)


def path_and_query(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def _viewer(request: Request) -> Viewer:
    """Tell who reads a page; on an error page that may be about the token itself, nobody."""
    known: Viewer | None = getattr(request.state, "viewer", None)
    if known is not None:
        return known
    try:
        return identify(request, rooms(request), browser=True)
    except NotSignedIn:
        return Viewer()
