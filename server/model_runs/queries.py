"""Look-ups of model runs."""

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from server.model_runs.recipes import PROTOCOL
from server.models import Board, ModelRun, Split, Subset


def one(session: Session, public_id: str) -> ModelRun | None:
    return session.scalar(_whole().where(ModelRun.public_id == public_id))


def id_of(session: Session, public_id: str) -> int | None:
    return session.scalar(select(ModelRun.id).where(ModelRun.public_id == public_id))


def to_work_on(session: Session, run_id: int) -> ModelRun:
    """Return a run with what a worker needs to know of it."""
    return session.scalars(_whole().where(ModelRun.id == run_id)).one()


def latest(session: Session, *, before_id: int | None, limit: int) -> Sequence[ModelRun]:
    """Return runs, the newest first, from below ``before_id``."""
    statement = _whole()
    if before_id is not None:
        statement = statement.where(ModelRun.id < before_id)
    return session.scalars(statement.order_by(ModelRun.id.desc()).limit(limit)).all()


def open_boards(session: Session) -> Sequence[Board]:
    """Return the boards that a run can make an entry for: truth and images are registered."""
    return session.scalars(
        select(Board)
        .join(Split)
        .join(Subset)
        .where(
            Board.protocol == PROTOCOL,
            Split.truth_version.is_not(None),
            Split.image_folder.is_not(None),
        )
        .options(joinedload(Board.split).joinedload(Split.subset))
        .order_by(Subset.position, Split.name, Board.id)
    ).all()


def _whole() -> Select[ModelRun]:
    return select(ModelRun).options(
        joinedload(ModelRun.board).joinedload(Board.split).joinedload(Split.subset),
        joinedload(ModelRun.team),
        joinedload(ModelRun.user),
        joinedload(ModelRun.submission),
    )
