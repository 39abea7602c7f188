"""What endpoints may ask for. The only module that reads what `app.py` built."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form, Request
from sqlalchemy.orm import Session

from server.accounts import queries as accounts
from server.cache import Cache
from server.clock import Clock
from server.db import Database
from server.errors import FormExpired, NotAllowed, NotSignedIn
from server.models import Scope
from server.settings import Settings
from server.storage.store import BlobStore
from server.web import csrf
from server.web.sessions import COOKIE as SESSION_COOKIE

SAFE_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who asks, and by what right. Nobody in particular has no id and no teams."""

    user_id: int | None = None
    email: str = ""
    is_organizer: bool = False
    team_ids: tuple[int, ...] = ()
    scope: Scope = Scope.READ

    @property
    def team_id(self) -> int:
        """The team that this person submits for: the first one, their own."""
        return self.team_ids[0]


@dataclass(frozen=True, slots=True)
class Rooms:
    """Everything that `create_app` built, in one place."""

    settings: Settings
    database: Database
    store: BlobStore
    clock: Clock
    cache: Cache


def rooms(request: Request) -> Rooms:
    built: Rooms = request.app.state.rooms
    return built


RoomsDep = Annotated[Rooms, Depends(rooms)]


def settings(built: RoomsDep) -> Settings:
    return built.settings


def _reading(built: RoomsDep) -> Iterator[Session]:
    with built.database.reading() as session:
        yield session


def _unit_of_work(built: RoomsDep) -> Iterator[Session]:
    with built.database.unit_of_work() as session:
        yield session


# scope="function": the transaction ends before the answer leaves. With the default scope a
# participant would be told 201 first, and a commit that fails would never be reported.
ReadingDep = Annotated[Session, Depends(_reading, scope="function")]
WorkDep = Annotated[Session, Depends(_unit_of_work, scope="function")]
SettingsDep = Annotated[Settings, Depends(settings)]


def bearer_of(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def identify(request: Request, built: Rooms, *, browser: bool) -> Viewer:
    """Tell who asks: by bearer token, else by the browser's cookie where ``browser`` allows it.

    Raises:
        NotSignedIn: there is a token, and it is not valid.
    """
    token = bearer_of(request)
    secret = request.cookies.get(SESSION_COOKIE) if browser else None
    if token is None and secret is None:
        return Viewer()
    now = built.clock.now()
    with built.database.reading() as session:
        if token is not None:
            known = accounts.user_of_token(session, token=token, now=now)
            if known is None:
                raise NotSignedIn("This token is not valid: unknown, revoked or expired.")
            user, scope = known
        else:
            by_cookie = accounts.user_of_browser(session, secret=secret or "", now=now)
            if by_cookie is None:
                return Viewer()
            user, scope = by_cookie, Scope.ORGANIZE if by_cookie.is_organizer else Scope.SUBMIT
        return Viewer(
            user_id=user.id,
            email=user.email,
            is_organizer=user.is_organizer,
            team_ids=accounts.team_ids_of(session, user.id),
            scope=scope,
        )


def api_viewer(request: Request, built: RoomsDep) -> Viewer:
    """Identify a caller of the API.

    A cookie counts for reading only, so that no form of another site changes anything with it.
    """
    return identify(request, built, browser=request.method in SAFE_METHODS)


def page_viewer(request: Request, built: RoomsDep) -> Viewer:
    """Identify the reader of a page, once: the frame around the page reads it from the request."""
    viewer = identify(request, built, browser=True)
    request.state.viewer = viewer
    return viewer


def page_member(viewer: Annotated[Viewer, Depends(page_viewer)]) -> Viewer:
    """Identify the reader of a page that is for signed-in people; others are asked to sign in."""
    signed_in(viewer)
    return viewer


def checked_form(
    request: Request, built: RoomsDep, form_token: Annotated[str, Form(alias=csrf.FIELD)] = ""
) -> None:
    """Refuse a form that did not come from a page of ours.

    Raises:
        FormExpired: its token is missing, or not the one that goes with the browser's cookie.
    """
    secret_key = built.settings.secret_key.get_secret_value()
    if not csrf.is_valid(form_token, request.cookies.get(csrf.COOKIE), secret_key=secret_key):
        raise FormExpired("Load the page again and send the form once more.")


def submitter(viewer: Viewer) -> int:
    """Return the account that may submit.

    Raises:
        NotSignedIn: nobody is signed in.
        NotAllowed: the token is for reading only.
    """
    user_id = signed_in(viewer)
    if not viewer.scope.includes(Scope.SUBMIT):
        raise NotAllowed("This token may read only; submitting needs the scope submit.")
    return user_id


def signed_in(viewer: Viewer) -> int:
    if viewer.user_id is None:
        raise NotSignedIn(
            "Sign in, or send a token: Authorization: Bearer ... (LUSS_TOKEN for the command)."
        )
    return viewer.user_id


ApiViewerDep = Annotated[Viewer, Depends(api_viewer)]
PageViewerDep = Annotated[Viewer, Depends(page_viewer)]
SignedInPageDep = Annotated[Viewer, Depends(page_member)]
CheckedForm = Depends(checked_form)
