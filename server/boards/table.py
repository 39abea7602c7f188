"""A board's rows: verified entries, one a method, and reported results, ranked apart.

One table serves the page, the JSON and the exports, so that they cannot disagree. It is kept in
memory for its revision of the board.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Literal

from sqlalchemy.orm import Session

from server.boards import queries
from server.boards.groups import Contender, groups
from server.boards.ranking import ranks
from server.cache import Cache
from server.models import Board, ReportedResult, Score, Submission
from server.resampled import unpacked
from server.visibility import STRANGER, method_called, method_slug, team_called

PRIMARY = "miou"
OLD_TRUTH = "old truth: scored against masks that have been replaced"
LATE = "late: submitted after the board had closed"
DOES_NOT_COUNT = "another entry of this method counts"
ROW_BYTES = 4000
"""About what a row takes in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a board; scores are percentages, None is unknown.

    ``group`` numbers the statistical ties of verified entries. ``counts`` is True of a method's
    entry that counts and of reported results; ``score_id`` and ``team_id``, which tells readers
    their own rows and nobody anything, are set for what was scored here.
    ``contest`` names what one row stands for: a method, by its entries with or without names.
    """

    kind: Literal["verified", "reported"]
    rank: int | None = None
    group: int | None = None
    counts: bool = True
    pinned: bool = False
    run_here: bool = False
    method: str
    method_slug: str | None = None
    team: str | None = None
    backbone: str | None
    training_scheme: str | None = None
    submission: str | None = None
    scores: Mapping[str, float | None]
    intervals: Mapping[str, Sequence[float]]
    source: str | None = None
    date: str | None = None
    unranked_because: str | None = None
    anonymous_until: str | None = None
    score_id: int | None = None
    team_id: int | None = None
    contest: tuple[int, bool] | None = None


Table = tuple[Row, ...]


def table_of(session: Session, cache: Cache, board: Board) -> Table:
    """Return the board's rows, best first, verified before reported, unranked last."""
    return tables_of(session, cache, [board])[board.id]


def tables_of(session: Session, cache: Cache, boards: Sequence[Board]) -> dict[int, Table]:
    """Return the rows of each board by its id; of those not kept in memory in three queries."""
    tables: dict[int, Table | None] = {board.id: cache.get(_key(board)) for board in boards}
    missing = [board for board in boards if tables[board.id] is None]
    made = _made(session, missing) if missing else {}
    for board in missing:
        table = made[board.id]
        cache.put(_key(board), table, size_bytes=ROW_BYTES * len(table))
    return {board_id: table or made.get(board_id, ()) for board_id, table in tables.items()}


def with_others(session: Session, board: Board, table: Table) -> Table:
    """Return the table with the other entries of each method below the one that counts."""
    others: dict[tuple[int, bool] | None, list[Row]] = {}
    for submission, score in queries.others(session, board):
        row = _verified(submission, score, board.split.truth_version)
        because = row.unranked_because or DOES_NOT_COUNT
        other = replace(row, counts=False, unranked_because=because)
        others.setdefault(row.contest, []).append(other)
    rows: list[Row] = []
    for row in table:
        rows.append(row)
        if row.kind == "verified":
            rows += sorted(others.get(row.contest, ()), key=_order)
    return tuple(rows)


def _key(board: Board) -> tuple[str, int, int]:
    return "table", board.id, board.revision


def _made(session: Session, boards: Sequence[Board]) -> dict[int, Table]:
    truths = {board.id: board.split.truth_version for board in boards}
    verified: dict[int, list[Row]] = {board_id: [] for board_id in truths}
    reported: dict[int, list[Row]] = {board_id: [] for board_id in truths}
    for submission, score in queries.counting(session, list(truths)):
        row = _verified(submission, score, truths[submission.board_id])
        verified[submission.board_id].append(row)
    for result in queries.reported(session, list(truths)):
        reported[result.board_id].append(_reported(result))
    packed = queries.resampled(session, list(truths), PRIMARY)
    return {
        board_id: (*_grouped(_ranked(verified[board_id]), packed), *_ranked(reported[board_id]))
        for board_id in truths
    }


def _verified(submission: Submission, score: Score, truth_version: str | None) -> Row:
    """Write an entry as everybody may see it: a board is the same for all its readers."""
    until = submission.anonymous_until
    return Row(
        kind="verified",
        pinned=submission.is_pinned,
        run_here=submission.is_run_here,
        method=method_called(submission, STRANGER) or submission.public_id,
        method_slug=method_slug(submission, STRANGER),
        team=team_called(submission, STRANGER),
        backbone=None if until else submission.networks,
        training_scheme=None if until else submission.training_scheme,
        submission=submission.public_id,
        scores=score.headline(),
        intervals=score.intervals,
        date=submission.created_at.date().isoformat(),
        unranked_because=_reason(submission, score, truth_version),
        anonymous_until=None if until is None else until.date().isoformat(),
        score_id=score.id,
        team_id=submission.team_id,
        contest=(submission.method_id or 0, until is not None),
    )


def _reason(submission: Submission, score: Score, truth_version: str | None) -> str | None:
    if score.truth_version != truth_version:
        return OLD_TRUTH
    return LATE if submission.is_late else None


def _reported(result: ReportedResult) -> Row:
    return Row(
        kind="reported",
        method=result.method,
        backbone=result.backbone,
        scores=result.headline(),
        intervals={},
        source=result.source,
        unranked_because=result.unranked_because,
    )


def _ranked(rows: Iterable[Row]) -> list[Row]:
    """Rank by the primary score; rows with a reason against it have none and come last."""
    listed = list(rows)
    places = ranks([None if row.unranked_because else row.scores[PRIMARY] for row in listed])
    placed = (replace(row, rank=place) for row, place in zip(listed, places, strict=True))
    return sorted(placed, key=_order)


def _order(row: Row) -> tuple[bool, int, float, str, str, str, str]:
    """Order rows totally, so that equal scores stand the same way on every page."""
    score = row.scores[PRIMARY]
    return (
        row.rank is None,
        row.rank or 0,
        0.0 if score is None or isnan(score) else -score,
        row.method,
        row.backbone or "",
        row.source or "",
        row.submission or "",
    )


def _grouped(rows: Sequence[Row], packed: Mapping[int, bytes]) -> list[Row]:
    """Number the statistical ties of the entries that rank."""
    ranked = [row for row in rows if row.rank is not None]
    found = groups([_contender(row, packed) for row in ranked])
    numbered = [replace(row, group=group) for row, group in zip(ranked, found, strict=True)]
    return [*numbered, *rows[len(ranked) :]]


def _contender(row: Row, packed: Mapping[int, bytes]) -> Contender:
    values = packed.get(row.score_id or 0)
    return Contender(
        score=row.scores[PRIMARY] or 0.0,
        resampled=None if values is None else unpacked(values),
    )
