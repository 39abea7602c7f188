"""The pages of teams: make one, look after it, answer an invitation."""

from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from server.dependencies import (
    CheckedForm,
    PageViewerDep,
    Rooms,
    RoomsDep,
    SignedInPageDep,
    WorkDep,
    signed_in,
)
from server.errors import ServerError
from server.mail.address import normal_email
from server.models import TeamInvitation
from server.teams import invitations, service
from server.teams.team_page import team_page
from server.web import mail_attempts
from server.web.form_page import (
    FormPage,
    HiddenField,
    InputField,
    MessagePage,
    Text,
    filled,
    refused_form,
)
from server.web.links import Link
from server.web.redirects import see_other
from server.web.templating import render, render_refused

router = APIRouter(include_in_schema=False)
TEAMS = "/account/teams"
NEW_TEAM = FormPage(
    title="Make a team",
    lead="Members submit for the team and see its private entries. Its name stands on the boards. "
    "You are its owner, and can invite others.",
    action=TEAMS,
    button="Make the team",
    fields=(InputField(name="name", label="Name of the team"),),
    links=(Link(text="Back to the account", url="/account"),),
)
INVITATION = FormPage(
    title="You are invited to a team",
    lead="",
    action="/invitation/accept",
    button="Join the team",
    other=Link(text="Decline", url="/invitation/decline"),
    hidden=(HiddenField(name="token"),),
    links=(Link(text="Not now", url="/account"),),
)


@router.get(f"{TEAMS}/new")
def new_form(request: Request, _viewer: SignedInPageDep) -> Response:
    return render(request, NEW_TEAM)


@router.post(TEAMS, dependencies=[CheckedForm])
def create(request: Request, built: RoomsDep, viewer: SignedInPageDep, name: Text = "") -> Response:
    try:
        with built.database.unit_of_work() as session:
            team = service.create_team(
                session, user_id=signed_in(viewer), name=name, now=built.clock.now()
            )
    except ServerError as refused:
        return refused_form(request, NEW_TEAM, {"name": name}, refused)
    return see_other(f"{TEAMS}/{team.public_id}")


@router.get(TEAMS + "/{team_id}")
def show(request: Request, built: RoomsDep, viewer: SignedInPageDep, team_id: str) -> Response:
    with built.database.reading() as session:
        now = built.clock.now()
        return render(request, team_page(session, team_id, user_id=signed_in(viewer), now=now))


@router.post(TEAMS + "/{team_id}/rename", dependencies=[CheckedForm])
def rename(
    request: Request, built: RoomsDep, viewer: SignedInPageDep, team_id: str, name: Text = ""
) -> Response:
    try:
        with built.database.unit_of_work() as session:
            service.rename(session, team_id, user_id=signed_in(viewer), name=name)
    except ServerError as refused:
        return _refused(
            request,
            built,
            team_id=team_id,
            user_id=signed_in(viewer),
            typed={"name": name},
            refused=refused,
        )
    return see_other(f"{TEAMS}/{team_id}")


@router.post(TEAMS + "/{team_id}/invite", dependencies=[CheckedForm])
def invite(
    request: Request, built: RoomsDep, viewer: SignedInPageDep, team_id: str, email: Text = ""
) -> Response:
    user_id = signed_in(viewer)
    try:
        address = normal_email(email)
        mail_attempts.admit(request, built, address)
        with built.database.unit_of_work() as session:
            invitations.invite(
                session,
                team_id,
                user_id=user_id,
                email=address,
                site_url=built.settings.site_url,
                now=built.clock.now(),
            )
    except ServerError as refused:
        return _refused(
            request,
            built,
            team_id=team_id,
            user_id=user_id,
            typed={"email": email},
            refused=refused,
        )
    return see_other(f"{TEAMS}/{team_id}")


@router.post(TEAMS + "/{team_id}/take-back", dependencies=[CheckedForm])
def take_back(
    session: WorkDep, viewer: SignedInPageDep, team_id: str, invitation: Text = ""
) -> Response:
    user_id = signed_in(viewer)
    invitations.take_back(session, team_id, user_id=user_id, invitation=invitation)
    return see_other(f"{TEAMS}/{team_id}")


@router.post(TEAMS + "/{team_id}/leave", dependencies=[CheckedForm])
def leave(session: WorkDep, viewer: SignedInPageDep, team_id: str) -> Response:
    service.leave(session, team_id, user_id=signed_in(viewer))
    return see_other("/account?done=left")


@router.post(TEAMS + "/{team_id}/remove", dependencies=[CheckedForm])
def remove(session: WorkDep, viewer: SignedInPageDep, team_id: str, member: Text = "") -> Response:
    service.remove(session, team_id, user_id=signed_in(viewer), email=member)
    return see_other(f"{TEAMS}/{team_id}")


@router.post(TEAMS + "/{team_id}/role", dependencies=[CheckedForm])
def set_role(
    session: WorkDep, viewer: SignedInPageDep, team_id: str, member: Text = "", role: Text = ""
) -> Response:
    service.set_role(
        session, team_id, user_id=signed_in(viewer), email=member, is_owner=role == "owner"
    )
    return see_other(f"{TEAMS}/{team_id}")


@router.get("/invitation")
def invitation_form(
    request: Request, built: RoomsDep, viewer: PageViewerDep, token: str = ""
) -> Response:
    with built.database.reading() as session:
        found = invitations.with_secret(session, token, now=built.clock.now())
    lead = (
        f"{found.invited_by.name} invites you to {found.team.name}. Its members submit together "
        "and see each other's private entries."
    )
    if viewer.user_id is not None:
        return render(request, filled(replace(INVITATION, lead=lead), {"token": token}))
    here = urlencode({"next": f"/invitation?{urlencode({'token': token})}"})
    page = MessagePage(
        title=INVITATION.title,
        text=f"{lead} Sign in to answer. With a new account, open the link of the mail once more.",
        links=(
            Link(text="Sign in", url=f"/sign-in?{here}"),
            Link(text="Make an account", url="/sign-up"),
        ),
    )
    return render(request, page)


@router.post("/invitation/accept", dependencies=[CheckedForm])
def accept(
    session: WorkDep,
    built: RoomsDep,
    viewer: SignedInPageDep,
    token: Text = "",
    invitation: Text = "",
) -> Response:
    user_id = signed_in(viewer)
    found = _answered(session, built, user_id, token=token, public_id=invitation)
    invitations.accept(session, found, user_id=user_id)
    return see_other("/account?done=joined")


@router.post("/invitation/decline", dependencies=[CheckedForm])
def decline(
    session: WorkDep,
    built: RoomsDep,
    viewer: SignedInPageDep,
    token: Text = "",
    invitation: Text = "",
) -> Response:
    found = _answered(session, built, signed_in(viewer), token=token, public_id=invitation)
    invitations.decline(session, found)
    return see_other("/account?done=declined")


def _answered(
    session: Session, built: Rooms, user_id: int, *, token: str, public_id: str
) -> TeamInvitation:
    """Find an invitation by the secret of its mail, or on the account page of its address."""
    now = built.clock.now()
    if token:
        return invitations.with_secret(session, token, now=now)
    return invitations.of_reader(session, public_id, user_id=user_id, now=now)


def _refused(
    request: Request,
    built: Rooms,
    *,
    team_id: str,
    user_id: int,
    typed: dict[str, str],
    refused: ServerError,
) -> Response:
    with built.database.reading() as session:
        now = built.clock.now()
        page = team_page(session, team_id, user_id=user_id, now=now, typed=typed, refused=refused)
    return render_refused(request, page, refused)
