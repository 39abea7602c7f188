"""Look-ups of methods and of what they scored, on every board."""

from collections.abc import Sequence

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, defer, joinedload

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
        .options(
            joinedload(Submission.board).joinedload(Board.split).joinedload(Split.subset),
            defer(Score.per_class_iou, raiseload=True),
            defer(Score.per_class_biou, raiseload=True),
        )
        .order_by(Submission.id.desc(), Score.id)
    )
    newest = {submission.id: (submission, score) for submission, score in rows}
    return list(newest.values())


def ranked_entries(session: Session, method: Method) -> dict[int, int]:
    """Return, by submission id, the rank of each entry of the method that a board shows.

    A board shows a method's best public entry under the truth in force, the earlier of two equal
    ones; equal scores share a rank. The page of the board ranks the same way.
    """
    boards = select(Submission.board_id).where(Submission.method_id == method.id)
    place = func.row_number().over(
        partition_by=(Submission.board_id, Submission.method_id),
        order_by=(Score.miou.desc(), Submission.id),
    )
    entries = (
        select(
            Submission.id,
            Submission.board_id,
            Submission.method_id,
            Score.miou,
            place.label("place"),
        )
        .join(Score, Score.submission_id == Submission.id)
        .join(Board, Board.id == Submission.board_id)
        .join(Split, and_(Split.id == Board.split_id, Split.truth_version == Score.truth_version))
        .where(
            Submission.board_id.in_(boards),
            Submission.is_public,
            Submission.state == SubmissionState.SCORED,
            Score.miou.is_not(None),
        )
        .subquery()
    )
    ranks = (
        select(
            entries.c.id,
            entries.c.method_id,
            func.rank()
            .over(partition_by=entries.c.board_id, order_by=entries.c.miou.desc())
            .label("rank"),
        )
        .where(entries.c.place == 1)
        .subquery()
    )
    rows = session.execute(select(ranks.c.id, ranks.c.rank).where(ranks.c.method_id == method.id))
    return {row.id: row.rank for row in rows}
