"""Look-ups of methods and of what they scored, on every board."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from server.models import Board, Method, Score, Split, Submission, SubmissionState


def by_slug(session: Session, slug: str, *, team_ids: tuple[int, ...]) -> Method | None:
    """Find a method that has a public scored entry, or one of the viewer's own teams."""
    published = (
        select(Submission.id)
        .where(
            Submission.method_id == Method.id,
            Submission.is_public,
            Submission.state == SubmissionState.SCORED,
        )
        .exists()
    )
    return session.scalar(
        select(Method)
        .where(Method.slug == slug, or_(published, Method.team_id.in_(team_ids)))
        .options(joinedload(Method.team))
    )


def entries(
    session: Session, method: Method, *, team_ids: tuple[int, ...]
) -> Sequence[tuple[Submission, Score]]:
    """Return the method's scored submissions with their newest score, newest first."""
    own = method.team_id in team_ids
    rows = session.execute(
        select(Submission, Score)
        .join(Score, Score.submission_id == Submission.id)
        .where(
            Submission.method_id == method.id,
            Submission.state == SubmissionState.SCORED,
            *([] if own else [Submission.is_public]),
        )
        .options(joinedload(Submission.board).joinedload(Board.split).joinedload(Split.subset))
        .order_by(Submission.id.desc(), Score.id)
    )
    newest = {submission.id: (submission, score) for submission, score in rows}
    return list(newest.values())
