"""What the pages of reference runs show."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from server.models import ModelRunState
from server.web.form_page import InputField
from server.web.links import Choice, Link
from server.web.refusal import Refusal
from server.web.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run in the list; ``entry`` is what it has become."""

    url: str
    recipe: str
    board: Link
    state: ModelRunState
    created_at: datetime
    entry: Link | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsPage:
    """The runs of this server, the newest first, and a form that starts one."""

    template: ClassVar[str] = "model_runs/runs.html"

    refusal: Refusal | None
    has_worker: bool
    recipes: tuple[Choice, ...]
    boards: tuple[Choice, ...]
    teams: tuple[Choice, ...]
    seed: InputField
    lines: tuple[RunLine, ...]
    is_first_page: bool
    older_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The losses of a stage as a line through a box of `curves.WIDTH` by `curves.HEIGHT`."""

    stage: str
    points: str
    first_step: int
    last_step: int
    lowest: float
    highest: float
    latest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """One run: where it stands, its losses, and what became of it."""

    template: ClassVar[str] = "model_runs/run.html"

    public_id: str
    recipe: str
    recipe_title: str
    seed: int | None
    board: Link
    team: str
    started_by: str
    state: ModelRunState
    is_final: bool
    has_worker: bool
    stages: tuple[Stage, ...]
    step: int
    steps: int
    seconds_left: float | None
    curves: tuple[Curve, ...]
    attempts: int
    interrupted_because: str | None
    failure: str | None
    entry: Link | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
