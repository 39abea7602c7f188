"""The pages of boards, and the home page, which is an overview of them."""

from fastapi import APIRouter, Request, Response

from server.boards.board_page import board_page
from server.boards.home_page import home_page
from server.boards.lookup import NamedBoardDep
from server.dependencies import PageViewerDep, ReadingDep
from server.web.redirects import see_other
from server.web.templating import render

router = APIRouter(include_in_schema=False)


@router.get("/")
def home(request: Request, session: ReadingDep) -> Response:
    return render(request, home_page(session))


@router.get("/boards")
def boards() -> Response:
    return see_other("/#boards")


@router.get("/boards/{protocol}/{subset}/{split}")  # noqa: FAST003  # NamedBoardDep takes them
def board(
    request: Request, named: NamedBoardDep, viewer: PageViewerDep, session: ReadingDep
) -> Response:
    return render(request, board_page(session, named, team_ids=viewer.team_ids))
