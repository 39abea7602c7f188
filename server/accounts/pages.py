"""The pages of accounts: signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from server.accounts import service
from server.accounts.browser import signed_in_secret
from server.accounts.contexts import SignInPage
from server.dependencies import CheckedForm, PageViewerDep, RoomsDep, SettingsDep, WorkDep
from server.errors import SignInRefused
from server.web import sessions
from server.web.redirects import local_path, see_other
from server.web.templating import render

router = APIRouter(include_in_schema=False)
AFTER_SIGN_IN = "/submissions"
Next = Annotated[str, Form(alias="next")]


@router.get("/sign-in")
def sign_in_form(request: Request, viewer: PageViewerDep, next: str = "") -> Response:  # noqa: A002
    path = local_path(next, otherwise=AFTER_SIGN_IN)
    if viewer.user_id is not None:
        return see_other(path)
    return render(request, SignInPage(email="", next_path=path, refusal=None))


@router.post("/sign-in", dependencies=[CheckedForm])
def sign_in(
    request: Request,
    built: RoomsDep,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next_path: Next = "",
) -> Response:
    path = local_path(next_path, otherwise=AFTER_SIGN_IN)
    earlier = request.cookies.get(sessions.COOKIE)
    try:
        secret = signed_in_secret(built, email=email, password=password, earlier=earlier)
    except SignInRefused as refusal:
        page = SignInPage(email=email, next_path=path, refusal=refusal.message)
        return render(request, page, status=refusal.status)
    response = see_other(path)
    sessions.begin(response, secret, settings=built.settings)
    return response


@router.post("/sign-out", dependencies=[CheckedForm])
def sign_out(request: Request, session: WorkDep, settings: SettingsDep) -> Response:
    service.close_session(session, secret=request.cookies.get(sessions.COOKIE, ""))
    response = see_other("/")
    sessions.end(response, settings=settings)
    return response
