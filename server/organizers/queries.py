"""Look-ups of what an organizer set up."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.models import Board, Protocol, ReportedResult, Split, SplitName, Subset, TruthVersion


def subset(session: Session, slug: str) -> Subset | None:
    return session.scalar(select(Subset).where(Subset.slug == slug))


def split(session: Session, slug: str, name: SplitName) -> Split:
    return session.scalars(
        select(Split).join(Subset).where(Subset.slug == slug, Split.name == name)
    ).one()


def board(session: Session, protocol: Protocol, slug: str, name: SplitName) -> Board:
    return session.scalars(
        select(Board)
        .join(Split)
        .join(Subset)
        .where(Board.protocol == protocol, Subset.slug == slug, Split.name == name)
    ).one()


def boards_of_split(session: Session, split_id: int) -> Sequence[Board]:
    return session.scalars(select(Board).where(Board.split_id == split_id).order_by(Board.id)).all()


def truth_version(session: Session, split_id: int, version: str) -> TruthVersion | None:
    return session.scalar(
        select(TruthVersion).where(
            TruthVersion.split_id == split_id, TruthVersion.version == version
        )
    )


def reported(
    session: Session, board_id: int, method: str, backbone: str, source: str
) -> ReportedResult | None:
    return session.scalar(
        select(ReportedResult).where(
            ReportedResult.board_id == board_id,
            ReportedResult.method == method,
            ReportedResult.backbone == backbone,
            ReportedResult.source == source,
        )
    )
