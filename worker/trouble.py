"""Trouble that passes: a full disk, a store or a database that does not answer.

It is the operators' to mend and takes them an hour, so it must cost no submission its attempts: the
submission waits, says why, and is tried again a lease later.
"""

import logging
import tempfile
from pathlib import Path

from server import db
from server.storage.free_space import free_bytes, is_disk_full
from server.storage.retrying import StoreUnavailable
from server.storage.store import local_folder
from server.submissions import attempts, leases
from worker.context import Context

log = logging.getLogger(__name__)
LEAST_FREE_BYTES = 16 * 1024**2  # without so much no archive can be counted
DISK_FULL = "The worker's disk is full."


def puts_off(context: Context, submission_id: int) -> bool:
    """Look at the disks before a claim; True if nothing can be worked on, and it is told why."""
    folders = [Path(tempfile.gettempdir()), local_folder(context.settings.vault)]
    full = [folder for folder in folders if folder and free_bytes(folder) < LEAST_FREE_BYTES]
    if not full:
        return False
    log.error("submission %d has to wait: %s is full", submission_id, full[0])
    now, lease = context.clock.now(), context.settings.lease
    with context.database.unit_of_work() as session:
        leases.put_off(session, submission_id, because=DISK_FULL, now=now, lease=lease)
    return True


def told_by(error: Exception) -> str | None:
    """Return what passing trouble an error means, None if it means another fault."""
    if is_disk_full(error):
        return attempts.DISK_FULL
    if db.is_passing(error):
        return attempts.DATABASE_UNREACHABLE
    return attempts.STORE_UNREACHABLE if isinstance(error, StoreUnavailable) else None
