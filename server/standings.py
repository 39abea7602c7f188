"""Which entry counts, and when a board has changed: told by everybody who moves a board.

A method's row on a board is its pinned public entry, or its best one: one under the truth in force
before any older one, in time before late, then by mIoU, the earlier of two equal ones. An entry's
score is its newest one under the truth in force. Entries whose names are withheld have a row of
their own, chosen among them in the same way.

Each function first counts the board's revision up, which locks the board's row: two that record
entries of one method at once do it one after the other, and the later one sees both.
"""

from collections.abc import Collection

from sqlalchemy import Select, Subquery, and_, case, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from server.db import one_at_a_time
from server.models import Board, Method, Score, Split, Standing, Submission
from server.visibility import is_published


def entry_changed(session: Session, submission: Submission) -> None:
    """Count an entry anew: it was scored, withdrawn, published, hidden, pinned, or its card edited.

    One that has moved to another method needs a `recount` of both.
    """
    if submission.method_id is not None:
        recount(session, submission.board_id, method_ids=[submission.method_id])


def lock(session: Session, submission: Submission) -> None:
    """Lock an entry's board and then the entry, and read it anew.

    Whoever changes a scored entry begins so. Two that change one never wait for one another, as
    they could in another order; and a worker that records a score holds an entry that is not scored
    yet, on which nobody waits with the board in hand.
    """
    board_changed(session, submission.board_id)
    row = select(Submission.id).where(Submission.id == submission.id)
    session.execute(row.with_for_update())  # apart: refreshing may join what cannot be locked
    session.refresh(submission)


def recount(session: Session, board_id: int, *, method_ids: Collection[int] | None = None) -> None:
    """Find the entries that count for these methods, by default for all of a board."""
    board_changed(session, board_id)
    concerned = [Standing.board_id == board_id]
    if method_ids is not None:
        concerned.append(Standing.method_id.in_(method_ids))
    session.execute(delete(Standing).where(*concerned))
    columns = ["board_id", "method_id", "is_anonymous", "submission_id", "score_id", "miou"]
    session.execute(insert(Standing).from_select(columns, _counting(board_id, method_ids)))
    _number_the_anonymous(session, board_id)


def board_changed(session: Session, board_id: int) -> None:
    """Count the revision of a board up, for a change that moves no entry."""
    session.flush()
    session.execute(update(Board).where(Board.id == board_id).values(revision=Board.revision + 1))


def all_boards_changed(session: Session) -> None:
    """Count every revision up: each board's page leads to all the others."""
    for board_id in session.scalars(select(Board.id).order_by(Board.id)).all():
        board_changed(session, board_id)


def names_changed(session: Session, *, team_id: int) -> None:
    """Count up the boards that name a team or one of its methods: one of them was renamed."""
    boards = (
        select(Submission.board_id)
        .where(Submission.team_id == team_id, Submission.method_id.is_not(None))
        .distinct()
    )
    for board_id in session.scalars(
        select(Board.id).where(Board.id.in_(boards)).order_by(Board.id)
    ):
        board_changed(session, board_id)


def _number_the_anonymous(session: Session, board_id: int) -> None:
    """Give a number to each method that is shown without its name for the first time."""
    nameless = (
        select(Method)
        .join(Standing, Standing.method_id == Method.id)
        .where(
            Standing.board_id == board_id, Standing.is_anonymous, Method.anonymous_number.is_(None)
        )
        .order_by(Method.id)
    )
    if not session.scalars(nameless).all():
        return
    one_at_a_time(session, "anonymous numbers")
    last = session.scalar(select(func.max(Method.anonymous_number))) or 0
    for number, method in enumerate(session.scalars(nameless), start=last + 1):
        method.anonymous_number = number


def _counting(
    board_id: int, method_ids: Collection[int] | None
) -> Select[int, int, bool, int, int, float | None]:
    """Select the rows of `Standing`, one a method, as they should be now."""
    scored = _newest_scores(board_id, method_ids)
    place = func.row_number().over(
        partition_by=(scored.c.method_id, scored.c.is_anonymous),
        order_by=(
            scored.c.is_in_force.desc(),
            scored.c.is_pinned.desc(),
            scored.c.is_late,
            scored.c.miou.desc().nulls_last(),
            scored.c.id,
        ),
    )
    best = select(scored, place.label("place")).subquery()
    ranks = and_(best.c.is_in_force == 1, best.c.is_late.is_(False))
    return select(
        literal(board_id),
        best.c.method_id,
        best.c.is_anonymous,
        best.c.id,
        best.c.score_id,
        case((ranks, best.c.miou), else_=None),
    ).where(best.c.place == 1)


def _newest_scores(board_id: int, method_ids: Collection[int] | None) -> Subquery:
    """Select the public scored entries, each with its newest score under the truth in force."""
    in_force = case((Score.truth_version == Split.truth_version, 1), else_=0)
    known = case((Score.miou.between(0, 100), Score.miou), else_=None)  # PostgreSQL keeps NaN
    age = func.row_number().over(
        partition_by=Submission.id, order_by=(in_force.desc(), Score.id.desc())
    )
    of_methods = [] if method_ids is None else [Submission.method_id.in_(method_ids)]
    every = (
        select(
            Submission.id,
            Submission.method_id,
            Submission.anonymous_until.is_not(None).label("is_anonymous"),
            Submission.is_pinned,
            Submission.is_late,
            Score.id.label("score_id"),
            in_force.label("is_in_force"),
            known.label("miou"),
            age.label("age"),
        )
        .join(Score, Score.submission_id == Submission.id)
        .join(Board, Board.id == Submission.board_id)
        .join(Split, Split.id == Board.split_id)
        .where(
            Submission.board_id == board_id,
            Submission.method_id.is_not(None),
            is_published(),
            *of_methods,
        )
        .subquery()
    )
    return select(every).where(every.c.age == 1).subquery()
