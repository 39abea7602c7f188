"""A board's rows: verified entries, one a method, and reported results, ranked apart.

One table serves the page, the JSON and the exports, so that they cannot disagree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy.orm import Session

from server.boards import queries
from server.boards.ranking import ranks
from server.models import Board, ReportedResult, Score, Submission

PRIMARY = "miou"
OLD_TRUTH = "old truth: scored against masks that have been replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a board; scores are percentages, None is unknown."""

    kind: Literal["verified", "reported"]
    rank: int | None
    method: str
    method_slug: str | None
    team: str | None
    backbone: str | None
    submission: str | None
    scores: dict[str, float | None]
    intervals: dict[str, list[float]]
    source: str | None
    date: str | None
    unranked_because: str | None


def rows_of(session: Session, board: Board) -> list[Row]:
    """Return the board's rows, best first, verified before reported, unranked last."""
    return rows_by_board(session, [board])[board.id]


def rows_by_board(session: Session, boards: Sequence[Board]) -> dict[int, list[Row]]:
    """Return the rows of each board by its id, in two queries however many boards there are."""
    truths = {board.id: board.split.truth_version for board in boards}
    scored: dict[int, list[tuple[Submission, Score]]] = {board_id: [] for board_id in truths}
    reported: dict[int, list[Row]] = {board_id: [] for board_id in truths}
    for submission, score in queries.scored(session, list(truths)):
        scored[submission.board_id].append((submission, score))
    for result in queries.reported(session, list(truths)):
        reported[result.board_id].append(_reported(result))
    return {
        board_id: [
            *_ranked(
                _verified(submission, score, truth)
                for submission, score in _best_of_each_method(scored[board_id], truth)
            ),
            *_ranked(reported[board_id]),
        ]
        for board_id, truth in truths.items()
    }


def _best_of_each_method(
    scored: Iterable[tuple[Submission, Score]], truth_version: str | None
) -> Sequence[tuple[Submission, Score]]:
    """Keep per method the best entry; one under the truth in force beats any older one."""

    def strength(entry: tuple[Submission, Score]) -> tuple[bool, float, int]:
        submission, score = entry
        miou = -1.0 if score.miou is None else score.miou
        return score.truth_version == truth_version, miou, -submission.id

    best: dict[int | None, tuple[Submission, Score]] = {}
    for entry in scored:
        method_id = entry[0].method_id
        if method_id not in best or strength(entry) > strength(best[method_id]):
            best[method_id] = entry
    return list(best.values())


def _verified(submission: Submission, score: Score, truth_version: str | None) -> Row:
    method = submission.method
    return Row(
        kind="verified",
        rank=None,
        method=method.name if method else submission.public_id,
        method_slug=method.slug if method else None,
        team=submission.team.name,
        backbone=submission.networks,
        submission=submission.public_id,
        scores=score.headline(),
        intervals=score.intervals,
        source=None,
        date=submission.created_at.date().isoformat(),
        unranked_because=None if score.truth_version == truth_version else OLD_TRUTH,
    )


def _reported(result: ReportedResult) -> Row:
    return Row(
        kind="reported",
        rank=None,
        method=result.method,
        method_slug=None,
        team=None,
        backbone=result.backbone,
        submission=None,
        scores=result.headline(),
        intervals={},
        source=result.source,
        date=None,
        unranked_because=result.unranked_because,
    )


def _ranked(rows: Iterable[Row]) -> list[Row]:
    """Rank by the primary score; rows with a reason against it have none and come last."""
    listed = list(rows)
    places = ranks([None if row.unranked_because else row.scores[PRIMARY] for row in listed])
    return sorted(
        (replace(row, rank=place) for row, place in zip(listed, places, strict=True)),
        key=lambda row: (
            row.rank is None,
            row.rank or 0,
            -(row.scores[PRIMARY] or 0.0),
            row.method,
            row.backbone or "",
            row.source or "",
            row.submission or "",
        ),
    )
