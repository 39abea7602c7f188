"""Look-ups of model runs."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, joinedload

from server.model_runs.recipes import PROTOCOL
from server.models import Board, ModelRun, ModelRunState, Split, Subset


def one(session: Session, public_id: str) -> ModelRun | None:
    """Find a reference run."""
    return session.scalar(_whole().where(ModelRun.public_id == public_id, _is_reference()))


def has_use_for_its_folder(
    session: Session, public_id: str, *, ended_after: datetime | None
) -> bool:
    """Tell whether a run's folder is still needed; unknown names are left alone.

    A reference run may be looked into when it has ended, for ever or if it did so after
    ``ended_after``; of weights nothing is kept.
    """
    run = session.scalar(select(ModelRun).where(ModelRun.public_id == public_id))
    if run is None or not run.state.is_final:
        return True
    if run.is_of_weights or run.state is ModelRunState.CANCELLED:
        return False
    return ended_after is None or run.finished_at is None or run.finished_at > ended_after


def id_of(session: Session, public_id: str) -> int | None:
    return session.scalar(select(ModelRun.id).where(ModelRun.public_id == public_id))


def to_work_on(session: Session, run_id: int) -> ModelRun:
    """Return a run with what a worker needs to know of it."""
    return session.scalars(_whole().where(ModelRun.id == run_id)).one()


def latest(session: Session, *, before_id: int | None, limit: int) -> Sequence[ModelRun]:
    """Return reference runs, the newest first, from below ``before_id``."""
    statement = _whole().where(_is_reference())
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


def _is_reference() -> ColumnElement[bool]:
    return ModelRun.is_of_weights.is_(False)


def _whole() -> Select[ModelRun]:
    return select(ModelRun).options(
        joinedload(ModelRun.board).joinedload(Board.split).joinedload(Split.subset),
        joinedload(ModelRun.team),
        joinedload(ModelRun.user),
        joinedload(ModelRun.submission),
    )
