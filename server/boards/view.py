"""Which rows of a board are seen, and in which order: what an address asks for.

Filters and orders change no rank: a rank is that of the whole board.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from server.boards.table import Row, Table
from server.models import HEADLINE_SCORES, MAX_METHOD_NAME

RANK = "rank"
TEXTS: dict[str, Callable[[Row], str | None]] = {
    "method": lambda row: row.method,
    "team": lambda row: row.team,
    "network": lambda row: row.backbone,
    "scheme": lambda row: row.training_scheme,
    "date": lambda row: row.date,
}
COLUMNS = (RANK, *TEXTS, *HEADLINE_SCORES)
FALLING = frozenset({"date", *HEADLINE_SCORES})
"""Columns that begin with their highest value, unless the address says otherwise."""


def _known_column(name: str) -> str:
    if name not in COLUMNS:
        raise ValueError(f"there is no column {name!r}; there are: {', '.join(COLUMNS)}")
    return name


Text = Annotated[str, Field(max_length=MAX_METHOD_NAME)]
Column = Annotated[
    str, AfterValidator(_known_column), Field(json_schema_extra={"enum": list(COLUMNS)})
]


class BoardView(BaseModel):
    """Rows whose team and network contain these texts, of this training scheme and kind."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    team: Text = Field("", description="Part of the team's name.", examples=["Ada"])
    network: Text = Field("", description="Part of the network's name.", examples=["ResNet"])
    scheme: Text = Field("", description="The training scheme.", examples=["SSL"])
    kind: Literal["all", "verified", "reported"] = Field("all", description="Scored here, or not.")
    entries: Literal["counting", "all"] = Field(
        "counting", description="One entry a method, or all of them."
    )
    sort: Column = Field(RANK, description="The column that orders the rows.")
    order: Literal["natural", "asc", "desc"] = Field(
        "natural", description="Natural is falling for scores and dates, rising for the rest."
    )

    @property
    def is_falling(self) -> bool:
        return self.order == "desc" or (self.order == "natural" and self.sort in FALLING)

    @property
    def is_filtered(self) -> bool:
        return bool(self.team or self.network or self.scheme or self.kind != "all")

    def query(self, **changes: str) -> str:
        """Return the part of an address, with its question mark, that asks for this view."""
        asked = self.model_dump(exclude_defaults=True) | changes
        return f"?{urlencode(asked)}" if asked else ""


class BoardExport(BoardView):
    """A view, and the form in which to write it."""

    format: Literal["json", "csv", "latex"] = Field("json", description="How it is written.")
    detail: Literal["summary", "per-class"] = Field(
        "summary", description="With scores per class, where the board shows them."
    )


class BoardPageView(BoardView):
    """A view, and which of its pages to show."""

    page: Annotated[int, Field(ge=1, le=10**6)] = 1


def seen(table: Table, view: BoardView) -> Table:
    """Return the rows that a view asks for, verified before reported, in its order."""
    rows = [row for row in table if _matches(row, view)]
    if view.sort == RANK and not view.is_falling:
        return tuple(rows)
    return tuple(
        row
        for kind in ("verified", "reported")
        for row in _ordered((each for each in rows if each.kind == kind), view)
    )


def _matches(row: Row, view: BoardView) -> bool:
    return (
        view.kind in {"all", row.kind}
        and _holds(row.team, view.team)
        and _holds(row.backbone, view.network)
        and (not view.scheme or _plain(row.training_scheme) == _plain(view.scheme))
    )


def _holds(text: str | None, part: str) -> bool:
    return not part or part.casefold() in (text or "").casefold()


def _plain(scheme: str | None) -> str:
    """Return the letters of a scheme: SSL+Sup, ssl + sup, and what a URL makes of the plus."""
    return "".join(letter for letter in (scheme or "").casefold() if letter.isalnum())


def _ordered(rows: Iterable[Row], view: BoardView) -> list[Row]:
    """Sort by one column; equal values stay as they were, unknown ones come last either way."""
    keys = [(_key(row, view.sort), row) for row in rows]
    known = [(key, row) for key, row in keys if key is not None]
    known.sort(key=lambda pair: pair[0], reverse=view.is_falling)
    return [*(row for _, row in known), *(row for key, row in keys if key is None)]


def _key(row: Row, column: str) -> tuple[float, str] | None:
    if column in TEXTS:
        text = TEXTS[column](row)
        return (0.0, text.casefold()) if text else None
    number = row.rank if column == RANK else row.scores[column]
    return None if number is None or number != number else (number, "")  # noqa: PLR0124  # NaN
