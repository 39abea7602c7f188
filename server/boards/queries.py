"""Look-ups of boards and of what stands on them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, defer, joinedload

from server.models import (
    Method,
    ReportedResult,
    Score,
    Split,
    Submission,
    SubmissionState,
    TruthVersion,
)


def scored(session: Session, board_ids: Sequence[int]) -> Sequence[tuple[Submission, Score]]:
    """Return the public scored submissions of boards with each of their scores, oldest first.

    What a board does not show stays in the database: scores per class, findings, long texts.
    """
    rows = session.execute(
        select(Submission, Score)
        .join(Score, Score.submission_id == Submission.id)
        .where(
            Submission.board_id.in_(board_ids),
            Submission.is_public,
            Submission.state == SubmissionState.SCORED,
        )
        .options(
            joinedload(Submission.method),
            joinedload(Submission.team),
            defer(Submission.findings, raiseload=True),
            defer(Submission.description, raiseload=True),
            defer(Submission.training_data, raiseload=True),
            defer(Score.per_class_iou, raiseload=True),
            defer(Score.per_class_biou, raiseload=True),
        )
        .order_by(Submission.id, Score.id)
    )
    return [(submission, score) for submission, score in rows]


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


def method_slugs(session: Session, team_ids: Sequence[int]) -> frozenset[str]:
    """Return the slugs of these teams' methods, whose rows a board marks for them."""
    if not team_ids:
        return frozenset()
    return frozenset(session.scalars(select(Method.slug).where(Method.team_id.in_(team_ids))))
