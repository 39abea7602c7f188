"""Look-ups of what can be submitted to; every area starts from these."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from server.models import Board, Category, Protocol, Split, SplitName, Subset, TruthVersion


def subset(session: Session, slug: str) -> Subset | None:
    return session.scalar(select(Subset).where(Subset.slug == slug))


def subset_slugs(session: Session) -> Sequence[str]:
    return session.scalars(select(Subset.slug).order_by(Subset.position)).all()


def categories(session: Session, subset_id: int) -> Sequence[Category]:
    return session.scalars(
        select(Category).where(Category.subset_id == subset_id).order_by(Category.class_id)
    ).all()


def split(session: Session, *, subset: str, name: SplitName) -> Split | None:
    return session.scalar(
        select(Split).join(Subset).where(Subset.slug == subset, Split.name == name)
    )


def truth_version(session: Session, split_id: int, version: str | None) -> TruthVersion | None:
    return session.scalar(
        select(TruthVersion).where(
            TruthVersion.split_id == split_id, TruthVersion.version == version
        )
    )


def board(session: Session, *, protocol: Protocol, subset: str, split: SplitName) -> Board | None:
    return session.scalar(
        select(Board)
        .join(Split)
        .join(Subset)
        .where(Board.protocol == protocol, Subset.slug == subset, Split.name == split)
        .options(joinedload(Board.split).joinedload(Split.subset))
    )


def boards(session: Session) -> Sequence[Board]:
    """Return every board in the order of a page: subset, then test before val, then protocol."""
    return session.scalars(
        select(Board)
        .join(Split)
        .join(Subset)
        .options(joinedload(Board.split).joinedload(Split.subset))
        .order_by(Subset.position, Split.name, Board.id)
    ).all()
