"""From boards to the pages on which they are set."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from server.errors import ServerError
from server.models import Board, BoardDetail
from server.organizers.board_form import Reach, as_shown, texts_of
from server.organizers.contexts import BoardGroup, BoardLine, BoardSettingsPage, BoardsPage
from server.protocols import TITLES
from server.web.board_links import board_link, board_title, settings_path
from server.web.form_page import InputField, filled_fields
from server.web.links import Choice, Link
from server.web.opening import opening_of
from server.web.refusal import refusal_of

TIME = "Like 2027-01-31 12:00 UTC, or with another zone, 2027-01-31T12:00+01:00; UTC if none."
LIMITS = (
    InputField(name="daily_limit", label="In a UTC day", is_required=False),
    InputField(name="total_limit", label="In all", is_required=False),
    InputField(name="in_flight_limit", label="At a time", is_required=False),
    InputField(name="hourly_limit", label="Rejected or failed in an hour", is_required=False),
)
TIMES = (
    InputField(
        name="opens_at",
        label="Opens",
        hint=f"{TIME} Empty: it has always been open.",
        is_required=False,
    ),
    InputField(
        name="closes_at",
        label="Closes",
        hint=f"{TIME} From then on entries are late: scored and listed, without a rank; those that "
        "there are already are counted anew. Empty: never.",
        is_required=False,
    ),
)
NOTE = InputField(
    name="note",
    label="Note",
    hint="A sentence for the board's page, and for whoever is refused while it is paused.",
    is_required=False,
)
PAUSES = {
    "no": "It takes entries between these times",
    "yes": "Paused: it takes none; what has been entered is still scored",
}
DETAILS = {
    BoardDetail.SUMMARY.value: "Summary scores alone",
    BoardDetail.PER_CLASS.value: "Scores per class too, rounded to two decimals",
    BoardDetail.EXACT.value: "Scores per class too, exact",
}


def boards_page(boards: Sequence[Board], *, now: datetime) -> BoardsPage:
    groups: dict[str, list[BoardLine]] = {}
    for board in boards:
        groups.setdefault(board.split.subset.title, []).append(_line(board, now))
    return BoardsPage(
        groups=tuple(BoardGroup(title=title, lines=tuple(each)) for title, each in groups.items())
    )


def settings_page(
    board: Board,
    *,
    now: datetime,
    done: str = "",
    typed: Mapping[str, str] | None = None,
    shown: str = "",
    refused: ServerError | None = None,
) -> BoardSettingsPage:
    """Fill the form with how a board is set, or with what was typed instead and refused.

    ``shown`` is then what the form showed at first.
    """
    before = texts_of(board)
    texts, refusal = {**before, **(typed or {})}, refusal_of(refused)
    (note,) = filled_fields((NOTE,), texts, refusal)
    return BoardSettingsPage(
        title=board_title(board),
        board=board_link(board),
        path=settings_path(board),
        done=done,
        refusal=refusal,
        opening=opening_of(board, board.phase_at(now)),
        is_public=board.split.is_public,
        limits=filled_fields(LIMITS, texts, refusal),
        times=filled_fields(TIMES, texts, refusal),
        pauses=_choices(PAUSES, texts["is_paused"]),
        details=_choices(DETAILS, texts["detail"]),
        note=note,
        reaches=_choices(_reaches(board), texts.get("reach", Reach.BOARD)),
        shown=shown or as_shown(before),
    )


def _line(board: Board, now: datetime) -> BoardLine:
    return BoardLine(
        settings=Link(
            text=f"{TITLES[board.protocol]}, {board.split.name}", url=settings_path(board)
        ),
        opening=opening_of(board, board.phase_at(now)),
        has_truth=board.split.truth_version is not None,
        daily_limit=board.daily_limit,
        total_limit=board.total_limit,
        in_flight_limit=board.in_flight_limit,
        hourly_limit=board.hourly_limit,
        shows="Everything" if board.split.is_public else DETAILS[board.detail],
    )


def _reaches(board: Board) -> dict[str, str]:
    subset, split = board.split.subset.title, board.split.name
    return {
        Reach.BOARD.value: "This board alone",
        Reach.SPLIT.value: f"The boards of {subset}, {split}, of all protocols",
        Reach.SUBSET.value: f"All boards of {subset}",
        Reach.ALL.value: "All boards of this server",
    }


def _choices(texts: Mapping[str, str], chosen: str) -> tuple[Choice, ...]:
    return tuple(
        Choice(value=value, text=text, is_chosen=value == chosen) for value, text in texts.items()
    )
