"""Boards as JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel

from server.boards.comparison import Entry, Pair
from server.boards.table import PRIMARY, Row
from server.disclosure import PerClass
from server.models import Board, BoardPhase, Protocol, Score, SplitName, Submission
from server.payload import Payload, example
from server.protocols import FACTS, allowed_facts
from server.visibility import Reader, method_called, team_called
from server.web.board_links import board_path


class BoardRow(Payload):
    """A row; what is per class is there where it was asked for, index = class id.

    With ``anonymous_until`` team, method and card are withheld up to that day.
    """

    rank: int | None
    group: int | None
    kind: Literal["verified", "reported"]
    counts: bool
    pinned: bool
    run_here: bool
    method: str
    method_slug: str | None
    team: str | None
    backbone: str | None
    training_scheme: str | None
    submission: str | None
    scores: dict[str, float | None]
    intervals: dict[str, list[float]]
    per_class_iou: list[float] | None
    per_class_biou: list[float] | None
    source: str | None
    date: str | None
    unranked_because: str | None
    anonymous_until: str | None


_ROW = {
    "rank": 1,
    "group": 1,
    "kind": "verified",
    "counts": True,
    "pinned": False,
    "run_here": False,
    "method": "PASS",
    "method_slug": "pass",
    "team": "Ada Example",
    "backbone": "ResNet-18",
    "training_scheme": "SSL",
    "submission": "k3v9mzt2qyxw7adh",
    "scores": {"miou": 29.3, "bmiou": 7.6},
    "intervals": {"miou": [28.1, 30.4], "bmiou": [7.1, 8.2]},
    "per_class_iou": None,
    "per_class_biou": None,
    "source": None,
    "date": "2026-11-20",
    "unranked_because": None,
    "anonymous_until": None,
}
_BOARD = {"protocol": "fully-unsupervised", "subset": "50", "split": "test"}


class BoardLimits(Payload):
    """Limits for each team, null is none: in a UTC day, in all, at a time, refused an hour."""

    daily: int | None
    total: int | None
    in_flight: int | None
    hourly: int | None


class BoardPayload(Payload):
    """A board; the phase closed takes entries that are scored and do not rank."""

    model_config = example(
        **_BOARD,
        primary="miou",
        revision=17,
        phase="open",
        opens_at=None,
        closes_at="2027-03-01T00:00:00Z",
        note=None,
        limits={"daily": 5, "total": None, "in_flight": 2, "hourly": 20},
        declarations={fact.key: False for fact in FACTS},
        rows=[_ROW],
    )

    protocol: Protocol
    subset: str
    split: SplitName
    primary: str
    revision: int
    phase: BoardPhase
    opens_at: datetime | None
    closes_at: datetime | None
    note: str | None
    limits: BoardLimits
    declarations: dict[str, bool]
    rows: list[BoardRow]


class BoardSummary(Payload):
    protocol: Protocol
    subset: str
    split: SplitName
    open: bool
    phase: BoardPhase
    revision: int
    url: str


class FactPayload(Payload):
    key: str
    question: str


class BoardList(Payload):
    model_config = example(
        boards=[
            {
                **_BOARD,
                "open": True,
                "phase": "open",
                "revision": 17,
                "url": "https://luss.example.org/boards/fully-unsupervised/50/test",
            }
        ],
        facts=[{"key": fact.key, "question": fact.question} for fact in FACTS],
    )

    boards: list[BoardSummary]
    facts: list[FactPayload]


class ComparedEntry(Payload):
    submission: str
    method: str | None
    team: str
    protocol: Protocol
    subset: str
    split: SplitName
    scores: dict[str, float | None]
    intervals: dict[str, list[float]]


class DifferencePayload(Payload):
    """a - b in percent points, its 95 % interval, and the share of resamples in which b wins."""

    a: float
    b: float
    difference: float
    low: float
    high: float
    b_wins: float


class PairPayload(Payload):
    a: str
    b: str
    scores: dict[str, DifferencePayload]
    resamples: int


_GAP = {"a": 29.3, "b": 27.1, "difference": 2.2, "low": 1.1, "high": 3.3, "b_wins": 0.0}
_COMPARED = {
    **_BOARD,
    "submission": "k3v9mzt2qyxw7adh",
    "method": "PASS",
    "team": "Ada Example",
    "scores": {"miou": 29.3},
    "intervals": {"miou": [28.1, 30.4]},
}


class ComparePayload(Payload):
    model_config = example(
        entries=[_COMPARED, {**_COMPARED, "submission": "d5q8gkx3v7zt2ymb", "method": "PiCIE"}],
        pairs=[
            {
                "a": "k3v9mzt2qyxw7adh",
                "b": "d5q8gkx3v7zt2ymb",
                "scores": {"miou": _GAP},
                "resamples": 1000,
            }
        ],
    )

    entries: list[ComparedEntry]
    pairs: list[PairPayload]


Size = Annotated[list[int], Field(min_length=2, max_length=2)]


class Manifest(RootModel[dict[str, Size]]):
    """Each name that is wanted in a zip, with the height and the width of its image."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"n01443537/ILSVRC2012_val_00047396.png": [375, 500]}]}
    )


def board_payload(
    board: Board, phase: BoardPhase, rows: Iterable[Row], classes: Mapping[int, PerClass]
) -> BoardPayload:
    """Write rows as JSON, with what is known of their classes by the id of their score."""
    return BoardPayload(
        protocol=board.protocol,
        subset=board.split.subset.slug,
        split=board.split.name,
        primary=PRIMARY,
        revision=board.revision,
        phase=phase,
        opens_at=board.opens_at,
        closes_at=board.closes_at,
        note=board.note,
        limits=BoardLimits(
            daily=board.daily_limit,
            total=board.total_limit,
            in_flight=board.in_flight_limit,
            hourly=board.hourly_limit,
        ),
        declarations=allowed_facts(board.protocol),
        rows=[_row(row, classes.get(row.score_id or 0)) for row in rows],
    )


def _row(row: Row, classes: PerClass | None) -> BoardRow:
    shared = {name: getattr(row, name) for name in BoardRow.model_fields if hasattr(row, name)}
    return BoardRow(
        per_class_iou=None if classes is None else list(classes.iou),
        per_class_biou=None if classes is None else list(classes.boundary_iou),
        **shared,
    )


def board_list(boards: list[Board], *, now: datetime, site_url: str) -> BoardList:
    return BoardList(
        boards=[
            BoardSummary(
                protocol=board.protocol,
                subset=board.split.subset.slug,
                split=board.split.name,
                open=board.split.truth_version is not None,
                phase=board.phase_at(now),
                revision=board.revision,
                url=f"{site_url}{board_path(board)}",
            )
            for board in boards
        ],
        facts=[
            FactPayload(key=fact.key, question=fact.question.format(subset="this subset"))
            for fact in FACTS
        ],
    )


def compare_payload(
    entries: Iterable[Entry], pairs: Iterable[Pair], reader: Reader
) -> ComparePayload:
    return ComparePayload(
        entries=[_compared(entry.submission, entry.score, reader) for entry in entries],
        pairs=[
            PairPayload(
                a=pair.a.submission.public_id,
                b=pair.b.submission.public_id,
                scores={
                    name: DifferencePayload(**asdict(gap)) for name, gap in pair.scores.items()
                },
                resamples=pair.resamples,
            )
            for pair in pairs
        ],
    )


def _compared(submission: Submission, score: Score, reader: Reader) -> ComparedEntry:
    board, split = submission.board, submission.board.split
    return ComparedEntry(
        submission=submission.public_id,
        method=method_called(submission, reader),
        team=team_called(submission, reader),
        protocol=board.protocol,
        subset=split.subset.slug,
        split=split.name,
        scores=score.headline(),
        intervals=score.intervals,
    )
