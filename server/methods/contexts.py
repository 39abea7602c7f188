"""What the page of a method shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from server.score_names import ScoreName
from server.web.method_card import CardLine


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryScore:
    name: str
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLine:
    """A scored submission; it counts if it is the one that its board shows."""

    rank: int | None
    board_title: str
    board_url: str
    submission_url: str
    date: datetime
    is_public: bool
    anonymous_until: datetime | None
    counts: bool
    is_pinned: bool
    public_id: str
    scores: tuple[EntryScore, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodPage:
    """A team's method: its card, and what it scored on every board."""

    template: ClassVar[str] = "methods/method.html"

    name: str
    team: str
    is_own: bool
    path: str
    card: tuple[CardLine, ...]
    score_names: tuple[ScoreName, ...]
    entries: tuple[EntryLine, ...]
    json_url: str
