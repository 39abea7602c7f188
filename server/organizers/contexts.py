"""What the pages of organizers show."""

from dataclasses import dataclass
from typing import ClassVar

from server.web.form_page import InputField
from server.web.links import Choice, Link
from server.web.opening import Opening
from server.web.refusal import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardLine:
    """A board in the list: where it stands, and its limits for each team; None is any number."""

    settings: Link
    opening: Opening
    has_truth: bool
    daily_limit: int | None
    total_limit: int | None
    in_flight_limit: int | None
    hourly_limit: int | None
    shows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardGroup:
    """The boards of a data set."""

    title: str
    lines: tuple[BoardLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardsPage:
    """Every board as it is set, and the way to its settings."""

    template: ClassVar[str] = "organizers/boards.html"

    groups: tuple[BoardGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSettingsPage:
    """The settings of a board as a form; ``shown`` is what it says, for the form to carry.

    ``opening`` is where the board stands, whatever was typed.
    """

    template: ClassVar[str] = "organizers/board_settings.html"

    title: str
    board: Link
    path: str
    done: str
    refusal: Refusal | None
    opening: Opening
    is_public: bool
    limits: tuple[InputField, ...]
    times: tuple[InputField, ...]
    pauses: tuple[Choice, ...]
    details: tuple[Choice, ...]
    note: InputField
    reaches: tuple[Choice, ...]
    shown: str
