"""What the pages of submissions show."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from server.models import ModelRunState, SubmissionState
from server.score_names import ScoreGroup
from server.web.form_page import InputField
from server.web.links import Choice, Link
from server.web.method_card import CardLine
from server.web.opening import Opening
from server.web.refusal import Refusal
from server.web.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolChoice:
    value: str
    title: str
    summary: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FactQuestion:
    """A fact to declare, with the answer given so far; ``is_wrong`` where it has to change."""

    key: str
    question: str
    allowed_by: str
    is_yes: bool
    is_no: bool
    is_wrong: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TextField:
    name: str
    label: str
    hint: str
    value: str
    is_long: bool
    is_wrong: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitLine:
    """How many entries are left of a limit; ``resets_at`` where none is left until then."""

    what: str
    left: int
    limit: int
    resets_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardLimits:
    """What the board that is chosen takes now, and what is left of it to a team."""

    board: Link
    team: str
    opening: Opening
    lines: tuple[LimitLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitPage:
    """The form of a submission, with what was typed into it so far.

    Without splits that weights can be run on there is no choice of kinds.
    """

    template: ClassVar[str] = "submissions/submit.html"

    refusal: Refusal | None
    open_splits: tuple[str, ...]
    protocols: tuple[ProtocolChoice, ...]
    subsets: tuple[Choice, ...]
    splits: tuple[Choice, ...]
    limits: BoardLimits | None
    facts: tuple[FactQuestion, ...]
    teams: tuple[Choice, ...]
    visibility: tuple[Choice, ...]
    anonymous_until: InputField
    card: tuple[TextField, ...]
    kinds: tuple[Choice, ...]
    runnable_splits: tuple[str, ...]
    limit_bytes: int
    weights_limit_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EditPage:
    """What can be changed of a submission; it has no card fields until it is scored."""

    template: ClassVar[str] = "submissions/edit.html"

    title: str
    url: str
    refusal: Refusal | None
    card: tuple[TextField, ...]
    visibility: tuple[Choice, ...]
    anonymous_until: InputField


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionLine:
    """A submission in the list of one's own."""

    url: str
    method: str
    board_title: str
    board_url: str
    created_at: datetime
    state: SubmissionState
    is_public: bool
    anonymous_until: datetime | None
    miou: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSubmissionsPage:
    """One page of the submissions of the reader's teams, newest first."""

    template: ClassVar[str] = "submissions/own.html"

    lines: tuple[SubmissionLine, ...]
    is_first_page: bool
    older_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLine:
    """A worker's try at the submission or a shard of it, and how it ended in words."""

    what: str
    number: int
    worker: str
    started_at: datetime
    ended_at: datetime | None
    is_interrupted: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    """What is wrong in one place of the archive, and what to do about it."""

    file: str | None
    expected: str | None
    found: str | None
    advice: str
    code: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCell:
    name: str
    value: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLine:
    class_id: int
    wnid: str
    name: str
    iou: float | None
    boundary_iou: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSheet:
    """What a submission scored under one scorer and one truth."""

    groups: tuple[ScoreGroup, ...]
    cells: dict[str, ScoreCell]
    miou_no_other: float | None
    bmiou_no_other: float | None
    images: int
    classes: tuple[ClassLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLine:
    """One set of scores that the submission has had."""

    scorer_version: str
    truth_version: str
    is_in_force: bool
    miou: float | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsLine:
    """Weights in place of masks; while ``is_waiting`` a run makes those, so far as it says."""

    sha256: str | None
    size_bytes: int
    is_waiting: bool
    run_state: ModelRunState
    attempts: int
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    question: str
    is_yes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionPage:
    """One submission: where it stands, what is wrong with it, what it scored.

    ``is_known`` says whether the reader may know whose it is.
    """

    template: ClassVar[str] = "submissions/submission.html"

    done: str
    title: str
    method_url: str | None
    team: str
    board: Link
    is_own: bool
    may_edit: bool
    may_withdraw: bool
    is_public: bool
    is_late: bool
    anonymous_until: datetime | None
    is_known: bool
    is_run_here: bool
    public_id: str
    state: SubmissionState
    is_final: bool
    explanation: str
    postponed_because: str | None
    is_unserved: bool
    queue_position: int
    estimated_seconds: int | None
    stages: tuple[Stage, ...]
    progress_done: int
    progress_total: int
    attempts: tuple[AttemptLine, ...]
    created_at: datetime
    finished_at: datetime | None
    failure: str | None
    errors: tuple[FindingLine, ...]
    warnings: tuple[FindingLine, ...]
    scores: ScoreSheet | None
    versions: tuple[VersionLine, ...]
    card: tuple[CardLine, ...]
    declarations: tuple[Declaration, ...]
    archive_sha256: str | None
    archive_bytes: int
    archive_expired_at: datetime | None
    weights: WeightsLine | None
    url: str
    again_url: str
    json_url: str
