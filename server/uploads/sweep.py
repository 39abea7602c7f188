"""Uploads that nobody goes on with are forgotten, and files that belong to none are deleted.

The web process does it, because the files lie on its disk; several of them do it in turn, and each
finds done what another has done.
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

from anyio import to_thread

from server.clock import Clock
from server.db import Database
from server.uploads import queries, service, staging

log = logging.getLogger(__name__)
EVERY = timedelta(minutes=10)
ORPHAN_AGE = timedelta(hours=1)  # longer than a file waits for its row, or to be moved


async def forever(database: Database, staging_folder: Path, clock: Clock) -> None:
    """Sweep now and then until cancelled; a sweep that fails is made up for by the next one."""
    while True:
        await asyncio.sleep(EVERY.total_seconds())
        try:
            await to_thread.run_sync(run, database, staging_folder, clock)
        except Exception:
            log.exception("uploads could not be swept")


def run(database: Database, staging_folder: Path, clock: Clock) -> None:
    now = clock.now()
    with database.unit_of_work() as session:
        expired = service.forget_expired(session, now=now)
    if expired:
        log.info("%d uploads have expired", expired)
    old = {path.name: path for path in staging.all_in(staging_folder) if _is_old(path, now)}
    with database.reading() as session:
        wanted = queries.unused(session, list(old))
    for name, path in old.items():
        if name not in wanted:
            path.unlink(missing_ok=True)


def file_time(path: Path) -> datetime:
    """Return when a file was written to."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _is_old(path: Path, now: datetime) -> bool:
    try:
        return file_time(path) < now - ORPHAN_AGE
    except FileNotFoundError:
        return False  # its submission has just been made
