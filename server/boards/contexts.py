"""What the pages of boards show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from markupsafe import Markup

from server.protocols import Rule
from server.score_names import ScoreGroup, ScoreName
from server.web.links import Choice, Link
from server.web.opening import Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A score in a row; ``is_best`` where no ranked row of the same kind has a higher one."""

    name: str
    value: float | None
    is_best: bool
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisker:
    """A primary score and its interval as places on the board's axis, in percent of its length."""

    place: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of a board; ``origin`` says when and where its scores were made.

    ``compare_id`` is set where there is something to compare with other entries.
    """

    rank: int | None
    group: int | None
    counts: bool
    is_pinned: bool
    is_run_here: bool
    compare_id: str | None
    method: str
    method_url: str | None
    team: str | None
    backbone: str | None
    is_own: bool
    anonymous_until: str | None
    unranked_because: str | None
    cells: tuple[Cell, ...]
    whisker: Whisker | None
    origin: str
    origin_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Boards that differ from this one in one part of their address."""

    label: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SortLink:
    """Where a click on a column's head leads, and how the rows stand by it now, if they do."""

    text: str
    url: str
    direction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The form above a board, as it is filled in."""

    team: str
    network: str
    schemes: tuple[Choice, ...]
    kinds: tuple[Choice, ...]
    entries: tuple[Choice, ...]
    kept: tuple[tuple[str, str], ...]
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """Which of a board's rows are on this page, and where the others are."""

    first: int
    last: int
    total: int
    before_url: str | None
    after_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardContent:
    """One board, protocol x subset x split, without the frame around its page."""

    template: ClassVar[str] = "boards/board_content.html"

    protocol_title: str
    protocol_summary: str
    subset_title: str
    split_title: str
    is_validation: bool
    has_truth: bool
    opening: Opening
    classes: int
    images: int | None
    revision: int
    path: str
    switches: tuple[Switch, ...]
    filters: Filters
    sorts: Mapping[str, SortLink]
    leaf: Leaf | None
    has_groups: bool
    score_groups: tuple[ScoreGroup, ...]
    meanings: tuple[ScoreName, ...]
    axis_end: int
    verified: tuple[Line, ...]
    reported: tuple[Line, ...]
    unranked: tuple[Line, ...]
    is_empty: bool
    rules: tuple[Rule, ...]
    exports: tuple[Link, ...]
    submit_url: str
    settings_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPage:
    """The page of a board; its content is written already."""

    template: ClassVar[str] = "boards/board.html"

    protocol_title: str
    subset_title: str
    split_title: str
    content: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedEntry:
    """An entry by its letter; ``first_url`` compares all others with this one."""

    letter: str
    method: str
    team: str
    board: Link
    url: str
    date: datetime
    first_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceLine:
    """One score of A and of another entry, and what is sure of A - other, in percent points."""

    name: str
    label: str
    a: float
    b: float
    difference: float
    interval: tuple[float, float]
    b_wins: float
    verdict: str
    whisker: Whisker


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTable:
    """A against the entry of a letter."""

    letter: str
    lines: tuple[DifferenceLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparePage:
    """Entries on the same images, the first against each of the others; none were asked for yet."""

    template: ClassVar[str] = "boards/compare.html"

    entries: tuple[ComparedEntry, ...]
    pairs: tuple[PairTable, ...]
    axis_end: int
    resamples: int
    json_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """The best ranked row of a board."""

    method: str
    method_url: str | None
    backbone: str | None
    miou: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The way to a board, and whether it is open; without masks nothing can be scored there."""

    url: str
    has_truth: bool
    opening: Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardOverview:
    """A protocol of a subset on the home page: who leads, and where to read on."""

    protocol_title: str
    test: Door
    validation: Door
    verified: Leader | None
    reported: Leader | None
    verified_count: int
    reported_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsetOverview:
    """A data set; ``is_open`` where a board of it takes entries that can rank."""

    title: str
    classes: int
    has_truth: bool
    is_open: bool
    boards: tuple[BoardOverview, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePage:
    """What this is, who leads, how to take part."""

    template: ClassVar[str] = "boards/home.html"

    subsets: tuple[SubsetOverview, ...]
