"""The account page, and what can be changed from there."""

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from server.accounts import credentials, deletion, forms, passwords, queries, service
from server.accounts.browser import AccountDesk
from server.accounts.contexts import AccountPage, InvitationLine, SessionLine, TeamLine
from server.dependencies import CheckedForm, Rooms, RoomsDep, SignedInPageDep, Viewer, signed_in
from server.digests import digest_of
from server.errors import ServerError
from server.web import sessions
from server.web.form_page import Text, filled_fields, refused_form
from server.web.redirects import see_other
from server.web.refusal import refusal_of
from server.web.templating import render, render_refused

router = APIRouter(include_in_schema=False, prefix="/account")
DONE = {
    "profile": "Your profile is saved.",
    "password": "The password is changed, and all other browsers are signed out.",
    "email": "The address is changed. Sign in with the new one from now on.",
    "joined": "You are a member of the team now.",
    "declined": "The invitation is declined.",
    "left": "You have left the team.",
}


@router.get("")
def show(request: Request, built: RoomsDep, viewer: SignedInPageDep, done: str = "") -> Response:
    with built.database.reading() as session:
        page = _account_page(request, built, session, viewer, done=DONE.get(done, ""))
    return render(request, page)


@router.post("/profile", dependencies=[CheckedForm])
def save_profile(
    request: Request,
    built: RoomsDep,
    viewer: SignedInPageDep,
    *,
    name: Text = "",
    affiliation: Text = "",
    link: Text = "",
) -> Response:
    typed = {"name": name, "affiliation": affiliation, "link": link}
    try:
        with built.database.unit_of_work() as session:
            user = queries.user_by_id(session, signed_in(viewer))
            service.update_profile(session, user, **typed)
    except ServerError as refused:
        with built.database.reading() as session:
            page = _account_page(request, built, session, viewer, typed=typed, refused=refused)
        return render_refused(request, page, refused)
    return see_other("/account?done=profile")


@router.post("/sessions/end", dependencies=[CheckedForm])
def sign_out_everywhere(built: RoomsDep, viewer: SignedInPageDep) -> Response:
    with built.database.unit_of_work() as session:
        service.close_all_sessions(session, user_id=signed_in(viewer))
    response = see_other("/sign-in?done=everywhere")
    sessions.end(response, settings=built.settings)
    return response


@router.get("/password")
def password_form(request: Request, _viewer: SignedInPageDep) -> Response:
    return render(request, forms.CHANGE_PASSWORD)


@router.post("/password", dependencies=[CheckedForm])
def change_password(
    request: Request,
    built: RoomsDep,
    viewer: SignedInPageDep,
    current_password: Text = "",
    password: Text = "",
) -> Response:
    desk = AccountDesk(request, built)
    try:
        desk.confirmed(signed_in(viewer), current_password, field="current_password")
        password_hash = passwords.hash_of(password)
    except ServerError as refused:
        return refused_form(request, forms.CHANGE_PASSWORD, {}, refused)
    with built.database.unit_of_work() as session:
        user = queries.user_by_id(session, signed_in(viewer))
        credentials.change_password(
            session,
            user,
            password_hash=password_hash,
            site_url=built.settings.site_url,
            now=built.clock.now(),
        )
    response = see_other("/account?done=password")
    sessions.begin(response, desk.open_session(user), settings=built.settings)
    return response


@router.get("/email")
def email_form(request: Request, _viewer: SignedInPageDep) -> Response:
    return render(request, forms.CHANGE_EMAIL)


@router.post("/email", dependencies=[CheckedForm])
def ask_for_email_change(
    request: Request,
    built: RoomsDep,
    viewer: SignedInPageDep,
    email: Text = "",
    password: Text = "",
) -> Response:
    desk = AccountDesk(request, built)
    try:
        user = desk.confirmed(signed_in(viewer), password)
        desk.ask_for_email_change(user, email=email)
    except ServerError as refused:
        return refused_form(request, forms.CHANGE_EMAIL, {"email": email}, refused)
    return see_other("/mail-sent")


@router.get("/delete")
def delete_form(request: Request, _viewer: SignedInPageDep) -> Response:
    return render(request, forms.DELETE)


@router.post("/delete", dependencies=[CheckedForm])
def delete(
    request: Request, built: RoomsDep, viewer: SignedInPageDep, password: Text = ""
) -> Response:
    try:
        AccountDesk(request, built).confirmed(signed_in(viewer), password)
        with built.database.unit_of_work() as session:
            deletion.delete_account(
                session,
                queries.user_by_id(session, signed_in(viewer)),
                site_url=built.settings.site_url,
                now=built.clock.now(),
            )
    except ServerError as refused:
        return refused_form(request, forms.DELETE, {}, refused)
    response = see_other("/account-deleted")
    sessions.end(response, settings=built.settings)
    return response


def _account_page(
    request: Request,
    built: Rooms,
    session: Session,
    viewer: Viewer,
    *,
    done: str = "",
    typed: dict[str, str] | None = None,
    refused: ServerError | None = None,
) -> AccountPage:
    now, user = built.clock.now(), queries.user_by_id(session, signed_in(viewer))
    refusal = refusal_of(refused)
    here = digest_of(request.cookies.get(sessions.COOKIE, ""))
    return AccountPage(
        done=done,
        refusal=refusal,
        email=user.email,
        is_organizer=user.is_organizer,
        profile=filled_fields(forms.profile_fields(user), typed or {}, refusal),
        teams=tuple(
            TeamLine(
                name=team.name,
                url=None if team.is_personal else f"/account/teams/{team.public_id}",
            )
            for team in queries.teams_of(session, user.id)
        ),
        invitations=tuple(
            InvitationLine(
                public_id=each.public_id,
                team=each.team.name,
                invited_by=each.invited_by.name,
                expires_at=each.expires_at,
            )
            for each in queries.invitations_to(session, user.email, now=now)
        ),
        token_count=len(queries.tokens_of(session, user_id=user.id, now=now)),
        sessions=tuple(
            SessionLine(
                browser=each.browser or "A browser",
                created_at=each.created_at,
                expires_at=each.expires_at,
                is_this=each.digest == here,
            )
            for each in queries.sessions_of(session, user_id=user.id, now=now)
        ),
    )
