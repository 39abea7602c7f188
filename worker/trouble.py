"""Trouble that passes: a full disk, a store that does not answer.

It is the operators' to mend and takes them an hour, so it must cost no submission its attempts: the
submission waits, says why, and is tried again a lease later.
"""

import tempfile
from pathlib import Path

from server.storage.free_space import free_bytes, is_disk_full
from server.storage.retrying import StoreUnavailable
from server.storage.store import local_folder
from worker.settings import WorkerSettings

LEAST_FREE_BYTES = 16 * 1024**2  # without so much no archive can be counted
DISK_FULL = "The worker's disk is full."
STORE_SILENT = "The store of archives does not answer."


def found_beforehand(settings: WorkerSettings) -> str | None:
    """Return why no submission can be worked on now, None if nothing speaks against it."""
    folders = [Path(tempfile.gettempdir()), local_folder(settings.vault)]
    is_full = any(folder and free_bytes(folder) < LEAST_FREE_BYTES for folder in folders)
    return DISK_FULL if is_full else None


def told_by(error: BaseException) -> str | None:
    """Return what passing trouble an error means, None if it means another fault."""
    if is_disk_full(error):
        return DISK_FULL
    return STORE_SILENT if isinstance(error, StoreUnavailable) else None
