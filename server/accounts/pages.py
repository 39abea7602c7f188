"""Signing in and out, signing up, and the way back to a forgotten password."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from server.accounts import credentials, forms, links, passwords, registration, service
from server.accounts.browser import AccountDesk
from server.dependencies import (
    CheckedForm,
    PageViewerDep,
    Rooms,
    RoomsDep,
    SettingsDep,
    WorkDep,
)
from server.errors import LinkExpired, ServerError
from server.models import LinkPurpose
from server.web import sessions
from server.web.form_page import FormPage, MessagePage, Text, filled, refused_form
from server.web.links import Link
from server.web.redirects import local_path, see_other
from server.web.templating import render

router = APIRouter(include_in_schema=False)
AFTER_SIGN_IN = "/submissions"
DONE = {
    "confirmed": "Your address is confirmed. Sign in with it.",
    "password": "The password is changed. Sign in with the new one.",
    "everywhere": "You are signed out in all browsers.",
}
MAIL_SENT = MessagePage(
    title="Look into your mail",
    text="There is a mail on its way to this address. If it does not come within some minutes, "
    "look among what was taken for spam, and see whether the address is right.",
    links=(Link(text="To the boards", url="/"),),
)
DELETED = MessagePage(
    title="The account is deleted",
    text="Nothing of you is left here but what you submitted, without your name.",
    links=(Link(text="To the boards", url="/"),),
)
NO_MAIL = MessagePage(
    title="Accounts are made by the operator",
    text="This server sends no mail, so it cannot confirm addresses or reset passwords. Its "
    "operator makes accounts, with luss admin user.",
    links=(Link(text="Sign in", url="/sign-in"),),
)
Next = Annotated[str, Form(alias="next")]


@router.get("/sign-in")
def sign_in_form(
    request: Request,
    viewer: PageViewerDep,
    next: str = "",  # noqa: A002
    done: str = "",
) -> Response:
    path = local_path(next, otherwise=AFTER_SIGN_IN)
    if viewer.user_id is not None:
        return see_other(path)
    page = replace(forms.SIGN_IN, lead=DONE.get(done, forms.SIGN_IN.lead))
    return render(request, filled(page, {"next": path}))


@router.post("/sign-in", dependencies=[CheckedForm])
def sign_in(
    request: Request,
    built: RoomsDep,
    email: Text = "",
    password: Text = "",
    next_path: Next = "",
) -> Response:
    path = local_path(next_path, otherwise=AFTER_SIGN_IN)
    try:
        secret = AccountDesk(request, built).sign_in(email=email, password=password)
    except ServerError as refused:
        return refused_form(request, forms.SIGN_IN, {"email": email, "next": path}, refused)
    response = see_other(path)
    sessions.begin(response, secret, settings=built.settings)
    return response


@router.post("/sign-out", dependencies=[CheckedForm])
def sign_out(request: Request, session: WorkDep, settings: SettingsDep) -> Response:
    service.close_session(session, secret=request.cookies.get(sessions.COOKIE, ""))
    response = see_other("/")
    sessions.end(response, settings=settings)
    return response


@router.get("/sign-up")
def sign_up_form(request: Request, viewer: PageViewerDep, settings: SettingsDep) -> Response:
    if viewer.user_id is not None:
        return see_other("/account")
    return render(request, forms.SIGN_UP if settings.sends_mail else NO_MAIL)


@router.post("/sign-up", dependencies=[CheckedForm])
def sign_up(
    request: Request, built: RoomsDep, email: Text = "", name: Text = "", password: Text = ""
) -> Response:
    try:
        AccountDesk(request, built).apply(email=email, name=name, password=password)
    except ServerError as refused:
        return refused_form(request, forms.SIGN_UP, {"email": email, "name": name}, refused)
    return see_other("/mail-sent")


@router.get("/mail-sent")
def mail_sent(request: Request) -> Response:
    return render(request, MAIL_SENT)


@router.get("/sign-up/confirm")
def confirm_sign_up_form(request: Request, built: RoomsDep, token: str = "") -> Response:
    return _link_form(request, built, forms.CONFIRM_SIGN_UP, LinkPurpose.SIGN_UP, token)


@router.post("/sign-up/confirm", dependencies=[CheckedForm])
def confirm_sign_up(session: WorkDep, built: RoomsDep, token: Text = "") -> Response:
    registration.confirm(session, secret=token, now=built.clock.now())
    return see_other("/sign-in?done=confirmed")


@router.get("/password-reset")
def reset_form(request: Request, settings: SettingsDep) -> Response:
    return render(request, forms.RESET if settings.sends_mail else NO_MAIL)


@router.post("/password-reset", dependencies=[CheckedForm])
def ask_for_reset(request: Request, built: RoomsDep, email: Text = "") -> Response:
    try:
        AccountDesk(request, built).ask_for_reset(email=email)
    except ServerError as refused:
        return refused_form(request, forms.RESET, {"email": email}, refused)
    return see_other("/mail-sent")


@router.get("/password-reset/choose")
def choose_password_form(request: Request, built: RoomsDep, token: str = "") -> Response:
    return _link_form(request, built, forms.CHOOSE_PASSWORD, LinkPurpose.PASSWORD_RESET, token)


@router.post("/password-reset/choose", dependencies=[CheckedForm])
def choose_password(
    request: Request, built: RoomsDep, token: Text = "", password: Text = ""
) -> Response:
    now = built.clock.now()
    try:
        with built.database.reading() as session:  # no stranger has passwords hashed
            links.look_at(session, LinkPurpose.PASSWORD_RESET, secret=token, now=now)
        password_hash = passwords.hash_of(password)
        with built.database.unit_of_work() as session:
            credentials.reset_password(
                session,
                secret=token,
                password_hash=password_hash,
                site_url=built.settings.site_url,
                now=now,
            )
    except LinkExpired:
        raise
    except ServerError as refused:
        return refused_form(request, forms.CHOOSE_PASSWORD, {"token": token}, refused)
    response = see_other("/sign-in?done=password")
    sessions.end(response, settings=built.settings)
    return response


@router.get("/email/confirm")
def confirm_email_form(request: Request, built: RoomsDep, token: str = "") -> Response:
    return _link_form(request, built, forms.CONFIRM_EMAIL, LinkPurpose.EMAIL_CHANGE, token)


@router.post("/email/confirm", dependencies=[CheckedForm])
def confirm_email(session: WorkDep, built: RoomsDep, token: Text = "") -> Response:
    credentials.change_email(
        session, secret=token, site_url=built.settings.site_url, now=built.clock.now()
    )
    return see_other("/account?done=email")


@router.get("/account-deleted")
def account_deleted(request: Request) -> Response:
    return render(request, DELETED)


def _link_form(
    request: Request, built: Rooms, page: FormPage, purpose: LinkPurpose, secret: str
) -> Response:
    """Answer a link of a mail: with a button, for programs also follow links."""
    with built.database.reading() as session:
        link = links.look_at(session, purpose, secret=secret, now=built.clock.now())
    lead = page.lead or f"{link.email} is yours, and it is to be the address of your account."
    return render(request, filled(replace(page, lead=lead), {"token": secret}))
