"""Look-ups of methods and of what they scored, on every board."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session, aliased, defer, joinedload

from server.models import Board, Method, Score, Split, Standing, Submission, SubmissionState
from server.visibility import Reader, may_know


def by_slug(session: Session, slug: str, reader: Reader) -> Method | None:
    """Find a method of the reader's own teams, or one of which they may know a scored entry."""
    known = (
        select(Submission.id)
        .where(
            Submission.method_id == Method.id,
            Submission.state == SubmissionState.SCORED,
            may_know(reader),
        )
        .exists()
    )
    return session.scalar(
        select(Method)
        .where(Method.slug == slug, or_(known, Method.team_id.in_(reader.team_ids)))
        .options(joinedload(Method.team))
    )


def entries(session: Session, method: Method, reader: Reader) -> Sequence[tuple[Submission, Score]]:
    """Return the method's scored submissions with their newest score, newest first.

    Those whose names are withheld from the reader are not among them.
    """
    rows = session.execute(
        select(Submission, Score)
        .join(Score, Score.submission_id == Submission.id)
        .where(
            Submission.method_id == method.id,
            Submission.state == SubmissionState.SCORED,
            may_know(reader),
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
    """Return, by submission id, the rank of each entry of the method that counts on its board.

    Equal scores share a rank. The page of the board ranks the same way.
    """
    better = aliased(Standing)
    rank = (
        select(1 + func.count())
        .select_from(better)
        .where(better.board_id == Standing.board_id, better.miou > Standing.miou)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Standing.submission_id, rank.label("rank")).where(
            Standing.method_id == method.id, Standing.miou.is_not(None)
        )
    )
    return {row.submission_id: row.rank for row in rows}


def counting(session: Session, method: Method) -> frozenset[int]:
    """Return the ids of the method's entries that its boards show."""
    return frozenset(
        session.scalars(select(Standing.submission_id).where(Standing.method_id == method.id))
    )


def own_by_slug(session: Session, slug: str, *, team_ids: tuple[int, ...]) -> Method | None:
    """Find a method of one of these teams."""
    return session.scalar(select(Method).where(Method.slug == slug, Method.team_id.in_(team_ids)))


def entry_of(session: Session, method: Method, public_id: str) -> Submission | None:
    return session.scalar(
        select(Submission).where(
            Submission.method_id == method.id, Submission.public_id == public_id
        )
    )


def unpin_all(session: Session, *, board_id: int, method_id: int) -> None:
    session.execute(
        update(Submission)
        .where(
            Submission.board_id == board_id,
            Submission.method_id == method_id,
            Submission.is_pinned,
        )
        .values(is_pinned=False)
    )
