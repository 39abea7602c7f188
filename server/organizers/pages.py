"""The pages of organizers: how each board is set, and a form that sets it.

They do what `luss admin board` does, by the same function.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from server.addresses import board_named
from server.catalogue import queries as catalogue
from server.dependencies import CheckedForm, OrganizerPageDep, ReadingDep, RoomsDep
from server.errors import FieldInvalid
from server.organizers.board_form import boards_reached, changes_of, reach_named
from server.organizers.board_pages import boards_page, settings_page
from server.organizers.boards import change_boards
from server.web.board_links import SETTINGS, settings_path
from server.web.form_page import Text
from server.web.redirects import see_other
from server.web.templating import render, render_refused

router = APIRouter(include_in_schema=False, prefix=f"{SETTINGS}/boards")
Count = Annotated[int | None, Query(ge=0, le=10**6)]


def settings_typed(
    *,
    daily_limit: Text = "",
    total_limit: Text = "",
    in_flight_limit: Text = "",
    hourly_limit: Text = "",
    opens_at: Text = "",
    closes_at: Text = "",
    is_paused: Text = "",
    detail: Text = "",
    note: Text = "",
) -> dict[str, str]:
    return {
        "daily_limit": daily_limit,
        "total_limit": total_limit,
        "in_flight_limit": in_flight_limit,
        "hourly_limit": hourly_limit,
        "opens_at": opens_at,
        "closes_at": closes_at,
        "is_paused": is_paused,
        "detail": detail,
        "note": note,
    }


SettingsTyped = Annotated[dict[str, str], Depends(settings_typed)]


@router.get("")
def index(
    request: Request, built: RoomsDep, session: ReadingDep, _viewer: OrganizerPageDep
) -> Response:
    return render(request, boards_page(catalogue.boards(session), now=built.clock.now()))


@router.get("/{protocol}/{subset}/{split}")
def form(
    request: Request,
    built: RoomsDep,
    session: ReadingDep,
    _viewer: OrganizerPageDep,
    *,
    protocol: str,
    subset: str,
    split: str,
    saved: Count = None,
) -> Response:
    board = board_named(session, protocol=protocol, subset=subset, split=split)
    return render(request, settings_page(board, now=built.clock.now(), done=_done(saved)))


@router.post("/{protocol}/{subset}/{split}", dependencies=[CheckedForm])
def save(
    request: Request,
    built: RoomsDep,
    _viewer: OrganizerPageDep,
    typed: SettingsTyped,
    *,
    protocol: str,
    subset: str,
    split: str,
    shown: Text = "",
    reach: Text = "board",
) -> Response:
    words = {"protocol": protocol, "subset": subset, "split": split}
    try:
        with built.database.unit_of_work() as session:
            board = board_named(session, **words)
            boards = boards_reached(session, board, reach_named(reach))
            changes = changes_of(typed, shown)
            if changes:
                change_boards(session, boards, changes)
    except FieldInvalid as refused:
        with built.database.reading() as session:
            page = settings_page(
                board_named(session, **words),
                now=built.clock.now(),
                typed={**typed, "reach": reach},
                shown=shown,
                refused=refused,
            )
        return render_refused(request, page, refused)
    return see_other(f"{settings_path(board)}?saved={len(boards) if changes else 0}")


def _done(saved: int | None) -> str:
    match saved:
        case None:
            return ""
        case 0:
            return "Nothing was changed, so nothing was set."
        case 1:
            return "The settings are saved."
        case _:
            return f"What was changed is set on {saved} boards."
