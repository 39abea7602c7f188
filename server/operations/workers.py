"""What a worker says of itself, and for how long it is believed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from server.models import WorkerProcess

BEAT = timedelta(seconds=10)
BELIEVED = 3 * BEAT
"""A worker that was not seen for so long is taken for dead."""
KEPT = timedelta(days=1)


def report(
    session: Session,
    name: str,
    *,
    queues: Sequence[str],
    version: str,
    started_at: datetime,
    now: datetime,
) -> None:
    """Write that a worker lives: a new row, or the one that it has."""
    facts = {"queues": list(queues), "version": version, "started_at": started_at, "seen_at": now}
    known = session.get(WorkerProcess, name)
    if known is None:
        session.add(WorkerProcess(name=name, **facts))
        return
    session.execute(update(WorkerProcess).where(WorkerProcess.name == name).values(facts))


def leave(session: Session, name: str) -> None:
    """Forget a worker that has ended in order."""
    session.execute(delete(WorkerProcess).where(WorkerProcess.name == name))


def serve(session: Session, queue: str, *, now: datetime) -> bool:
    """Tell whether a worker that lives takes work from a queue."""
    alive = session.scalars(
        select(WorkerProcess.queues).where(WorkerProcess.seen_at > now - BELIEVED)
    )
    return any(queue in queues for queues in alive)


def forget_silent(session: Session, *, now: datetime) -> None:
    """Forget the workers that ended without a word, a day later."""
    session.execute(delete(WorkerProcess).where(WorkerProcess.seen_at < now - KEPT))
