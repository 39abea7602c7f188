"""The server's JSON as types: only what this client reads, the documents may hold more."""

from typing import Literal, NotRequired, TypedDict

State = Literal["received", "checking", "scoring", "scored", "rejected", "failed", "withdrawn"]
FINAL_STATES: frozenset[State] = frozenset({"scored", "rejected", "failed", "withdrawn"})

Scores = dict[str, float | list[float | None] | None]
"""Percentages by name; names that begin with `per_class` hold a list, one value for each class."""


class BoardSummary(TypedDict):
    protocol: str
    subset: str
    split: str


class Fact(TypedDict):
    """Something that every submission declares with yes or no."""

    key: str
    question: str


class Catalogue(TypedDict):
    boards: list[BoardSummary]
    facts: list[Fact]


class BoardRow(TypedDict):
    rank: int | None
    kind: Literal["verified", "reported"]
    method: str
    team: str | None
    backbone: str | None
    scores: dict[str, float | None]
    source: str | None
    unranked_because: str | None


class Board(TypedDict):
    """`declarations` says for each fact whether the protocol allows a yes; times are ISO 8601."""

    protocol: str
    subset: str
    split: str
    phase: Literal["upcoming", "open", "closed", "paused"]
    opens_at: str | None
    closes_at: str | None
    note: str | None
    declarations: dict[str, bool]
    rows: list[BoardRow]


class Finding(TypedDict):
    code: str
    severity: Literal["error", "warning"]
    file: str | None
    expected: str | None
    found: str | None
    message: str
    count: int


class Progress(TypedDict):
    """Images; both are 0 until the archive has been looked at."""

    done: int
    total: int


class Queue(TypedDict):
    """Submissions in front, and in about how long there are scores, if the server can say."""

    position: int
    estimated_seconds: int | None


class WeightsRun(TypedDict):
    """How far the masks are that the server makes of submitted weights, in images."""

    state: Literal["waiting", "running", "finished", "failed", "cancelled"]
    done: int
    total: int


class Weights(TypedDict):
    run: WeightsRun


class Attempt(TypedDict):
    """One try at the whole (shard null) or at a shard; a reason says why it came to nothing."""

    shard: int | None
    number: int
    reason: str | None


class SubmissionPage(TypedDict):
    """Newest first; `next_cursor` asks for the page after this one."""

    submissions: "list[Submission]"
    next_cursor: str | None


class Submission(TypedDict):
    id: str
    state: State
    protocol: str
    subset: str
    split: str
    method: str | None
    team: str
    card: dict[str, str | None]
    progress: Progress
    queue: Queue | None
    weights: NotRequired[Weights | None]
    attempts: int
    attempt_log: list[Attempt]
    findings: list[Finding]
    failure: str | None
    scores: Scores | None
    intervals: dict[str, list[float]] | None
    url: str
