"""Look-ups of what an organizer set up."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.models import Board, ReportedResult, Split, SplitName


def boards_of_split(session: Session, split_id: int) -> Sequence[Board]:
    return session.scalars(select(Board).where(Board.split_id == split_id).order_by(Board.id)).all()


def split_of(session: Session, subset_id: int, name: SplitName) -> Split:
    return session.scalars(
        select(Split).where(Split.subset_id == subset_id, Split.name == name)
    ).one()


def reported_names(session: Session) -> frozenset[tuple[int, str, str, str]]:
    """Return what names each reported result: its board, method, backbone and source."""
    result = ReportedResult
    rows = session.execute(select(result.board_id, result.method, result.backbone, result.source))
    return frozenset((board, method, backbone, source) for board, method, backbone, source in rows)
