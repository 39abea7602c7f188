"""The page of a method."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from server.dependencies import CheckedForm, PageViewerDep, ReadingDep, SignedInPageDep, WorkDep
from server.methods import pins
from server.methods.lookup import method_named
from server.methods.method_page import method_page
from server.web.redirects import see_other
from server.web.templating import render

router = APIRouter(include_in_schema=False)


@router.get("/methods/{slug}")
def show(request: Request, slug: str, viewer: PageViewerDep, session: ReadingDep) -> Response:
    method = method_named(session, slug, viewer.reader)
    return render(request, method_page(session, method, viewer.reader))


@router.post("/methods/{slug}/pin", dependencies=[CheckedForm])
def pin(
    slug: str, submission: Annotated[str, Form()], viewer: SignedInPageDep, session: WorkDep
) -> Response:
    pins.pin(session, slug, submission, team_ids=viewer.team_ids)
    return see_other(f"/methods/{slug}")


@router.post("/methods/{slug}/unpin", dependencies=[CheckedForm])
def unpin(
    slug: str, submission: Annotated[str, Form()], viewer: SignedInPageDep, session: WorkDep
) -> Response:
    pins.unpin(session, slug, submission, team_ids=viewer.team_ids)
    return see_other(f"/methods/{slug}")
