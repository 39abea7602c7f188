"""Look-ups of boards and of what stands on them.

What a board shows is read through `Standing`, a row a method: how many submissions there are makes
no difference. What it does not show stays in the database: findings, long texts, and the scores per
class unless they are asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, select
from sqlalchemy.orm import Session, defer, joinedload, load_only

from server.models import (
    Board,
    BoardPhase,
    Protocol,
    ReportedResult,
    ResampledScore,
    Score,
    Split,
    SplitName,
    Standing,
    Submission,
    SubmissionState,
    Subset,
    TruthVersion,
    phase_of,
)
from server.visibility import Reader, is_published, may_see

_SHOWN = (
    joinedload(Submission.method),
    joinedload(Submission.team),
    defer(Submission.findings, raiseload=True),
    defer(Submission.description, raiseload=True),
    defer(Submission.training_data, raiseload=True),
    defer(Score.per_class_iou, raiseload=True),
    defer(Score.per_class_biou, raiseload=True),
)


@dataclass(frozen=True, slots=True)
class BoardState:
    """Which board an address names, its revision and phase: all that a cached answer needs."""

    board_id: int
    revision: int
    phase: BoardPhase


def state_at(
    session: Session, *, protocol: Protocol, subset: str, split: SplitName, now: datetime
) -> BoardState | None:
    row = session.execute(
        select(Board.id, Board.revision, Board.opens_at, Board.closes_at, Board.is_paused)
        .join(Split, Split.id == Board.split_id)
        .join(Subset, Subset.id == Split.subset_id)
        .where(Board.protocol == protocol, Subset.slug == subset, Split.name == split)
    ).one_or_none()
    if row is None:
        return None
    phase = phase_of(row.opens_at, row.closes_at, is_paused=row.is_paused, now=now)
    return BoardState(row.id, row.revision, phase)


def whole(session: Session, board_id: int) -> Board:
    return session.scalars(
        select(Board)
        .where(Board.id == board_id)
        .options(joinedload(Board.split).joinedload(Split.subset))
    ).one()


def counting(session: Session, board_ids: Sequence[int]) -> Sequence[tuple[Submission, Score]]:
    """Return the entry that counts for each method of boards, with the score that does."""
    rows = session.execute(
        select(Submission, Score)
        .join(Standing, Standing.submission_id == Submission.id)
        .join(Score, Score.id == Standing.score_id)
        .where(Standing.board_id.in_(board_ids))
        .options(*_SHOWN)
        .order_by(Submission.id)
    )
    return [(submission, score) for submission, score in rows]


def others(session: Session, board: Board) -> Sequence[tuple[Submission, Score]]:
    """Return the public scored entries of a board that do not count, each with one score."""
    in_force = case((Score.truth_version == board.split.truth_version, 1), else_=0)
    rows = session.execute(
        select(Submission, Score)
        .join(Score, Score.submission_id == Submission.id)
        .outerjoin(Standing, Standing.submission_id == Submission.id)
        .where(
            Submission.board_id == board.id,
            is_published(),
            Standing.submission_id.is_(None),
        )
        .options(*_SHOWN)
        .order_by(Submission.id, in_force, Score.id)
    )
    last = {submission.id: (submission, score) for submission, score in rows}
    return list(last.values())


def resampled(session: Session, board_ids: Sequence[int], name: str) -> dict[int, bytes]:
    """Return, by score, the packed resampled values of one score of all entries that rank."""
    rows = session.execute(
        select(ResampledScore.score_id, ResampledScore.packed)
        .join(Standing, Standing.score_id == ResampledScore.score_id)
        .where(
            Standing.board_id.in_(board_ids),
            Standing.miou.is_not(None),
            ResampledScore.name == name,
        )
    )
    return {row.score_id: row.packed for row in rows}


def per_class(session: Session, score_ids: Sequence[int]) -> dict[int, Score]:
    """Return scores with what they are per class, by their id."""
    scores = session.scalars(
        select(Score)
        .where(Score.id.in_(score_ids))
        .options(load_only(Score.per_class_iou, Score.per_class_biou, raiseload=True))
        .execution_options(populate_existing=True)
    )
    return {score.id: score for score in scores}


def comparable(
    session: Session, public_ids: Sequence[str], reader: Reader
) -> dict[str, tuple[Submission, Score]]:
    """Return those of the entries that are scored and that a reader may see.

    Each comes with its newest score, one under the truth in force before any older one.
    """
    rows = session.execute(
        select(Submission, Score)
        .join(Score, Score.submission_id == Submission.id)
        .join(Board, Board.id == Submission.board_id)
        .join(Split, Split.id == Board.split_id)
        .where(
            Submission.public_id.in_(public_ids),
            Submission.state == SubmissionState.SCORED,
            may_see(reader),
        )
        .options(
            *_SHOWN, joinedload(Submission.board).joinedload(Board.split).joinedload(Split.subset)
        )
        .order_by(case((Score.truth_version == Split.truth_version, 1), else_=0), Score.id)
    )
    return {submission.public_id: (submission, score) for submission, score in rows}


def resampled_of(session: Session, score_ids: Sequence[int]) -> dict[int, dict[str, bytes]]:
    """Return, by score, the packed resampled values of each score by name."""
    found: dict[int, dict[str, bytes]] = {score_id: {} for score_id in score_ids}
    rows = session.scalars(select(ResampledScore).where(ResampledScore.score_id.in_(score_ids)))
    for row in rows:
        found[row.score_id][row.name] = row.packed
    return found


def reported(session: Session, board_ids: Sequence[int]) -> Sequence[ReportedResult]:
    return session.scalars(
        select(ReportedResult)
        .where(ReportedResult.board_id.in_(board_ids))
        .order_by(ReportedResult.id)
    ).all()


def images_of(session: Session, split: Split) -> int | None:
    """Return how many images the truth in force has; None while there is none."""
    return session.scalar(
        select(TruthVersion.images).where(
            TruthVersion.split_id == split.id, TruthVersion.version == split.truth_version
        )
    )
