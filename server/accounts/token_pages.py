"""The page of one's tokens."""

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from server.accounts import queries, tokens
from server.accounts.contexts import TokenLine, TokensPage
from server.dependencies import CheckedForm, Rooms, RoomsDep, SignedInPageDep, Viewer, signed_in
from server.errors import FieldInvalid, ServerError
from server.models import Scope
from server.web.form_page import InputField, Text, filled_fields
from server.web.links import Choice
from server.web.redirects import see_other
from server.web.refusal import refusal_of
from server.web.templating import render, render_refused

router = APIRouter(include_in_schema=False, prefix="/account/tokens")
SCOPES = {
    Scope.READ: "Read: what you may see",
    Scope.SUBMIT: "Submit: read, enter submissions and change them",
    Scope.ORGANIZE: "Organize: submit, and look after boards",
}
LIFETIMES = {"30": "30 days", "90": "90 days", "365": "A year", "": "Until it is revoked"}
USUAL = {"scope": Scope.SUBMIT, "days": "90"}
NAME = InputField(
    name="name",
    label="Name",
    hint="For you, for instance the machine that it is for.",
    is_required=False,
)


@router.get("")
def show(request: Request, built: RoomsDep, viewer: SignedInPageDep) -> Response:
    with built.database.reading() as session:
        return render(request, _page(built, session, viewer, USUAL))


@router.post("", dependencies=[CheckedForm])
def create(
    request: Request,
    built: RoomsDep,
    viewer: SignedInPageDep,
    *,
    name: Text = "",
    scope: Text = "",
    days: Text = "",
) -> Response:
    typed = {"name": name, "scope": scope, "days": days}
    try:
        token = _made(built, viewer, typed)
    except ServerError as refused:
        with built.database.reading() as session:
            page = _page(built, session, viewer, typed, refused=refused)
        return render_refused(request, page, refused)
    with built.database.reading() as session:
        return render(request, _page(built, session, viewer, USUAL, new_token=token))


@router.post("/revoke", dependencies=[CheckedForm])
def revoke(built: RoomsDep, viewer: SignedInPageDep, token: Text = "") -> Response:
    with built.database.unit_of_work() as session:
        user_id, now = signed_in(viewer), built.clock.now()
        tokens.revoke(session, user_id=user_id, public_id=token, now=now)
    return see_other("/account/tokens")


def _made(built: Rooms, viewer: Viewer, typed: dict[str, str]) -> str:
    scope, days = typed["scope"], typed["days"]
    if scope not in list(Scope):
        raise FieldInvalid(f"There is no scope {scope[:40]!r}.", field="scope")
    if days not in LIFETIMES:
        raise FieldInvalid(f"Choose how long the token is valid, not {days[:40]!r}.", field="days")
    with built.database.unit_of_work() as session:
        _, token = tokens.create(
            session,
            queries.user_by_id(session, signed_in(viewer)),
            scope=Scope(scope),
            days=int(days) if days else None,
            name=typed["name"],
            now=built.clock.now(),
        )
    return token


def _page(
    built: Rooms,
    session: Session,
    viewer: Viewer,
    typed: dict[str, str],
    *,
    refused: ServerError | None = None,
    new_token: str | None = None,
) -> TokensPage:
    user_id, refusal = signed_in(viewer), refusal_of(refused)
    offered = {
        scope: text
        for scope, text in SCOPES.items()
        if scope is not Scope.ORGANIZE or viewer.is_organizer
    }
    return TokensPage(
        refusal=refusal,
        new_token=new_token,
        name=filled_fields((NAME,), typed, refusal)[0],
        scopes=_choices(offered, typed["scope"]),
        lifetimes=_choices(LIFETIMES, typed["days"]),
        tokens=tuple(
            TokenLine(
                public_id=each.public_id,
                name=each.name or "Unnamed",
                hint=each.hint,
                scope=each.scope,
                created_at=each.created_at,
                expires_at=each.expires_at,
                last_used_at=each.last_used_at,
            )
            for each in queries.tokens_of(session, user_id=user_id, now=built.clock.now())
        ),
    )


def _choices(texts: dict[str, str] | dict[Scope, str], chosen: str) -> tuple[Choice, ...]:
    return tuple(
        Choice(value=value, text=text, is_chosen=value == chosen) for value, text in texts.items()
    )
