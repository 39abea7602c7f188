"""The pages of boards, and the home page, which is an overview of them."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from server.boards.board_page import board_page
from server.boards.compare_page import compare_page
from server.boards.home_page import home_page
from server.boards.lookup import state_of
from server.boards.view import BoardPageView
from server.dependencies import PageViewerDep, ReadingDep, RoomsDep, page_viewer, rooms
from server.web.redirects import see_other
from server.web.templating import path_and_query, render, render_again

router = APIRouter(include_in_schema=False)


@router.get("/")
def home(request: Request, session: ReadingDep, built: RoomsDep) -> Response:
    return render(request, home_page(session, built.cache, now=built.clock.now()))


@router.get("/boards")
def boards() -> Response:
    return see_other("/#boards")


@router.get("/boards/{protocol}/{subset}/{split}")
def board(
    request: Request,
    protocol: str,
    subset: str,
    split: str,
    view: Annotated[BoardPageView, Query()],
) -> Response:
    """Show a board; what strangers see of it is kept with its frame, for its revision and phase."""
    built, viewer = rooms(request), page_viewer(request, rooms(request))
    with built.database.reading() as session:
        state = state_of(session, protocol, subset, split, now=built.clock.now())
        key = "page", state, path_and_query(request)
        kept: bytes | None = None if viewer.user_id else built.cache.get(key)
        if kept is not None:
            return render_again(request, kept)
        page = board_page(session, built.cache, state, view, viewer.reader)
    response = render(request, page)
    if not viewer.user_id:
        html = bytes(response.body)
        built.cache.put(key, html, size_bytes=len(html))
    return response


@router.get("/compare")
def compare(
    request: Request,
    viewer: PageViewerDep,
    session: ReadingDep,
    ids: Annotated[list[str] | None, Query()] = None,
) -> Response:
    return render(request, compare_page(session, ids or [], viewer.reader))
