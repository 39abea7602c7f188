"""The form of a board's settings: what it says of a board, and what somebody changed in it.

The form carries what it showed, so that only what was changed is set: whatever another organizer
set meanwhile stays, and one change can be made on many boards that differ in everything else.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import cast
from urllib.parse import parse_qsl, urlencode

from sqlalchemy.orm import Session

from server.clock import in_utc
from server.errors import FieldInvalid
from server.models import Board, BoardDetail
from server.organizers.boards import LIMITS, BoardChanges, boards_like

TIMES = ("opens_at", "closes_at")
ANSWERS = {"no": False, "yes": True}


class Reach(StrEnum):
    """On which boards a change is made: this one, or all that share so much with it."""

    BOARD = "board"
    SPLIT = "split"
    SUBSET = "subset"
    ALL = "all"


def reach_named(word: str) -> Reach:
    try:
        return Reach(word)
    except ValueError as reason:
        raise FieldInvalid(
            f"reach is {word!r}; it is one of: {', '.join(Reach)}.", field="reach"
        ) from reason


def boards_reached(session: Session, board: Board, reach: Reach) -> Sequence[Board]:
    return boards_like(
        session,
        protocol=board.protocol if reach is Reach.BOARD else None,
        subset=None if reach is Reach.ALL else board.split.subset.slug,
        split=board.split.name if reach in {Reach.BOARD, Reach.SPLIT} else None,
    )


def texts_of(board: Board) -> dict[str, str]:
    """Return a board's settings as they are typed, by the columns' names."""
    return {
        **{name: _number(getattr(board, name)) for name in LIMITS},
        **{name: _moment(getattr(board, name)) for name in TIMES},
        "is_paused": "yes" if board.is_paused else "no",
        "detail": board.detail,
        "note": board.note or "",
    }


def as_shown(texts: Mapping[str, str]) -> str:
    """Write down what a form shows, for the form itself to carry."""
    return urlencode(texts)


def changes_of(typed: Mapping[str, str], shown: str) -> BoardChanges:
    """Return the settings in which a form says something else than it showed.

    Raises:
        FieldInvalid: a limit is no number, a time no time, or a choice is none that was offered.
    """
    before = dict(parse_qsl(shown, keep_blank_values=True))
    changes = {
        name: _read(name, text.strip())
        for name, text in typed.items()
        if text.strip() != before.get(name, "")
    }
    return cast("BoardChanges", changes)


def _number(limit: int | None) -> str:
    return "" if limit is None else str(limit)


def _moment(moment: datetime | None) -> str:
    if moment is None:
        return ""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment.second else f"{moment:%Y-%m-%d %H:%M} UTC"


def _read(name: str, text: str) -> object:
    if name in LIMITS:
        return _limit_read(name, text)
    if name in TIMES:
        return _moment_read(name, text)
    if name == "is_paused":
        return _choice_read(name, text, ANSWERS)
    if name == "detail":
        return _choice_read(name, text, {each.value: each for each in BoardDetail})
    return text


def _limit_read(name: str, text: str) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError as reason:
        raise FieldInvalid(
            f"{name} is {text!r}; it is a whole number, or empty for any number.", field=name
        ) from reason


def _moment_read(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        return in_utc(text)
    except ValueError as reason:
        raise FieldInvalid(
            f"{name} is {text!r}; it is a time like 2027-01-31 12:00 UTC or "
            "2027-01-31T12:00+01:00, or empty.",
            field=name,
        ) from reason


def _choice_read(name: str, text: str, known: Mapping[str, object]) -> object:
    if text not in known:
        raise FieldInvalid(f"{name} is {text!r}; it is one of: {', '.join(known)}.", field=name)
    return known[text]
