"""What endpoints may ask for. The only module that reads what `app.py` built."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Form, Request
from sqlalchemy.orm import Session

from server.accounts import queries as accounts
from server.cache import Cache
from server.clock import Clock
from server.db import Database
from server.errors import FieldInvalid, FormExpired, NotAllowed, NotSignedIn
from server.log_config import tell
from server.models import Scope, User
from server.probes import Probes
from server.settings import Settings
from server.storage.store import BlobStore
from server.visibility import Reader
from server.web import csrf
from server.web.sessions import COOKIE as SESSION_COOKIE

SAFE_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerTeam:
    """A team of the person who asks."""

    id: int
    public_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who asks, and by what right. Nobody in particular has no id and no teams."""

    user_id: int | None = None
    email: str = ""
    is_organizer: bool = False
    teams: tuple[ViewerTeam, ...] = ()
    scope: Scope = Scope.READ
    token_ends_at: datetime | None = None

    @property
    def team_ids(self) -> tuple[int, ...]:
        return tuple(team.id for team in self.teams)

    @property
    def reader(self) -> Reader:
        """Return what decides on what they may see; an organizer's token needs its scope for it."""
        is_organizer = self.is_organizer and self.scope.includes(Scope.ORGANIZE)
        return Reader(team_ids=self.team_ids, is_organizer=is_organizer)

    def team_named(self, word: str) -> ViewerTeam:
        """Return the team to submit for, by its id or its name; nothing means their own.

        Raises:
            FieldInvalid: they have no such team, or several of this name.
        """
        if not word:
            return self.teams[0]
        for meant in (
            [team for team in self.teams if team.public_id == word],
            [team for team in self.teams if team.name == word],
        ):
            if len(meant) == 1:
                return meant[0]
            if meant:
                ids = ", ".join(team.public_id for team in meant)
                raise FieldInvalid(f"Several of your teams are {word!r}: say {ids}.", field="team")
        names = ", ".join(repr(team.name) for team in self.teams)
        raise FieldInvalid(f"You are in no team {word!r}; yours are {names}.", field="team")


@dataclass(frozen=True, slots=True)
class Rooms:
    """Everything that `create_app` built, in one place."""

    settings: Settings
    database: Database
    store: BlobStore
    clock: Clock
    cache: Cache
    probes: Probes


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


def identify(request: Request, built: Rooms, *, browser: bool, by_token: bool = True) -> Viewer:
    """Tell who asks: by bearer token, else by the browser's cookie, where each is allowed.

    Raises:
        NotSignedIn: there is a token, and it is not valid.
    """
    token = bearer_of(request) if by_token else None
    secret = request.cookies.get(SESSION_COOKIE) if browser else None
    if token is None and secret is None:
        return Viewer()
    now = built.clock.now()
    with built.database.reading() as session:
        if token is not None:
            known = accounts.user_of_token(session, token=token, now=now)
            if known is None:
                raise NotSignedIn("This token is not valid: unknown, revoked or expired.")
            user, used = known
            viewer = _viewer(session, user, scope=used.scope, token_ends_at=used.expires_at)
        else:
            by_cookie = accounts.user_of_browser(session, secret=secret or "", now=now)
            if by_cookie is None:
                return Viewer()
            scope = Scope.ORGANIZE if by_cookie.is_organizer else Scope.SUBMIT
            return _viewer(session, by_cookie, scope=scope)
    if not accounts.is_use_noted(used, now):
        with built.database.unit_of_work() as session:
            accounts.note_token_use(session, used.id, now=now)
    return viewer


def _viewer(
    session: Session, user: User, *, scope: Scope, token_ends_at: datetime | None = None
) -> Viewer:
    tell(user=user.id)
    return Viewer(
        user_id=user.id,
        email=user.email,
        is_organizer=user.is_organizer,
        teams=tuple(
            ViewerTeam(id=team.id, public_id=team.public_id, name=team.name)
            for team in accounts.teams_of(session, user.id)
        ),
        scope=scope,
        token_ends_at=token_ends_at,
    )


def api_viewer(request: Request, built: RoomsDep) -> Viewer:
    """Identify a caller of the API.

    A cookie counts for reading only, so that no form of another site changes anything with it.
    """
    return identify(request, built, browser=request.method in SAFE_METHODS)


def page_viewer(request: Request, built: RoomsDep) -> Viewer:
    """Identify the reader of a page, once: the frame around the page reads it from the request.

    A token counts for reading only, so that none does more by a form than its scope says.
    """
    viewer = identify(request, built, browser=True, by_token=request.method in SAFE_METHODS)
    request.state.viewer = viewer
    return viewer


def page_member(viewer: Annotated[Viewer, Depends(page_viewer)]) -> Viewer:
    """Identify the reader of a page that is for signed-in people; others are asked to sign in."""
    signed_in(viewer)
    return viewer


def page_organizer(viewer: Annotated[Viewer, Depends(page_member)]) -> Viewer:
    """Identify an organizer; the page is for nobody else.

    Raises:
        NotAllowed: they are none, or ask by a token that is not for organizing.
    """
    if not viewer.reader.is_organizer:
        raise NotAllowed("This page is for organizers.")
    return viewer


def checked_form(
    request: Request, built: RoomsDep, form_token: Annotated[str, Form(alias=csrf.FIELD)] = ""
) -> None:
    """Refuse a form that did not come from a page of ours.

    Raises:
        FormExpired: its token is missing, or not the one that goes with the browser's cookie.
    """
    if not is_our_form(request, built, form_token):
        raise FormExpired("Load the page again and send the form once more.")


def is_our_form(request: Request, built: Rooms, form_token: str | None) -> bool:
    """Tell whether a token is the one that goes with the browser's cookie."""
    secret_key = built.settings.secret_key.get_secret_value()
    return csrf.is_valid(form_token, request.cookies.get(csrf.COOKIE), secret_key=secret_key)


def script_viewer(request: Request, built: Rooms) -> Viewer:
    """Identify a program, or a script on a page of ours.

    The script has no token of the API: it sends the browser's cookie, and its page's form token in
    a header, which no other site can know.
    """
    is_ours = is_our_form(request, built, request.headers.get(csrf.HEADER))
    return identify(request, built, browser=is_ours)


def script_submitter(request: Request, built: Rooms) -> int:
    """Return the account that may submit, of a program or of a script on a page of ours."""
    return submitter(script_viewer(request, built))


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
OrganizerPageDep = Annotated[Viewer, Depends(page_organizer)]
CheckedForm = Depends(checked_form)
