"""The page of a method."""

from fastapi import APIRouter, Request, Response

from server.dependencies import PageViewerDep, ReadingDep
from server.methods.lookup import method_named
from server.methods.method_page import method_page
from server.web.templating import render

router = APIRouter(include_in_schema=False)


@router.get("/methods/{slug}")
def show(request: Request, slug: str, viewer: PageViewerDep, session: ReadingDep) -> Response:
    method = method_named(session, slug, team_ids=viewer.team_ids)
    return render(request, method_page(session, method, team_ids=viewer.team_ids))
