"""What an organizer sets of boards: limits, times, a pause, what they disclose, a note."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from sqlalchemy import false, update
from sqlalchemy.orm import Session

from server import standings
from server.addresses import unknown
from server.catalogue import queries as catalogue
from server.db import one_at_a_time
from server.errors import FieldInvalid
from server.models import Board, BoardDetail, Protocol, SplitName, Submission
from server.text_line import line_of_text

LIMITS = ("daily_limit", "total_limit", "in_flight_limit", "hourly_limit")
SETTING = "settings of boards"
MAX_LIMIT = 1_000_000
MAX_NOTE = 500


class BoardChanges(TypedDict, total=False):
    """New values of a board's columns, as `Board` explains them."""

    daily_limit: int | None
    total_limit: int | None
    in_flight_limit: int | None
    hourly_limit: int | None
    opens_at: datetime | None
    closes_at: datetime | None
    is_paused: bool
    detail: BoardDetail
    note: str | None


def boards_like(
    session: Session, *, protocol: Protocol | None, subset: str | None, split: SplitName | None
) -> Sequence[Board]:
    """Return the boards that these words describe; None describes all.

    Raises:
        NotFound: there is no such subset.
    """
    slugs = catalogue.subset_slugs(session)
    if subset is not None and subset not in slugs:
        raise unknown(subset, slugs, "subset")
    return [
        board
        for board in catalogue.boards(session)
        if protocol in (None, board.protocol)
        and subset in (None, board.split.subset.slug)
        and split in (None, board.split.name)
    ]


def change_boards(session: Session, boards: Sequence[Board], changes: BoardChanges) -> None:
    """Set these values on each board; entries are late by the closing time that holds then.

    Raises:
        FieldInvalid: a limit is below 1, a board would close before it opens, or the note is long.
    """
    if "note" in changes:
        note = line_of_text(
            changes["note"] or "", field="note", called="The note", longest=MAX_NOTE
        )
        changes = {**changes, "note": note or None}
    for name in LIMITS:
        limit = changes.get(name)
        if isinstance(limit, int) and not 0 < limit <= MAX_LIMIT:
            raise FieldInvalid(
                f"{name} is {limit}; it may be 1 to {MAX_LIMIT}, or none. To take no entries at "
                "all, pause the board.",
                field=name,
            )
    one_at_a_time(session, SETTING)
    for board in sorted(boards, key=lambda each: each.id):
        session.refresh(board, ["opens_at", "closes_at"])  # another organizer may have been quicker
        _check_times(board, changes)
        if "closes_at" in changes:
            _count_as_late(session, board, changes["closes_at"])
        for name, value in changes.items():
            setattr(board, name, value)
        if "closes_at" in changes:
            standings.recount(session, board.id)
        else:
            standings.board_changed(session, board.id)


def _check_times(board: Board, changes: BoardChanges) -> None:
    opens_at = changes.get("opens_at", board.opens_at)
    closes_at = changes.get("closes_at", board.closes_at)
    if opens_at is not None and closes_at is not None and closes_at <= opens_at:
        raise FieldInvalid(
            f"The board {board.protocol} {board.split.subset.slug} {board.split.name} would close "
            f"at {closes_at:%Y-%m-%d %H:%M} UTC, and open only at {opens_at:%Y-%m-%d %H:%M} UTC; "
            "it closes after it opens.",
            field="closes_at",
        )


def _count_as_late(session: Session, board: Board, closes_at: datetime | None) -> None:
    """Submissions before their board: who records an entry locks the two in this order."""
    is_late = false() if closes_at is None else Submission.created_at >= closes_at
    session.execute(
        update(Submission)
        .where(Submission.board_id == board.id, Submission.is_late != is_late)
        .values(is_late=is_late)
        .execution_options(synchronize_session=False)
    )
