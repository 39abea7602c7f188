"""Where a worker's process puts what passes: a folder of its own in the system's.

A killed process leaves there what it had open, an archive from a bucket for example. It holds a
lock on its folder for as long as it lives, by which any later worker of the machine sees whether
the folder may be deleted.
"""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

PREFIX = "luss-worker-"


@cache
def _system_folder() -> Path:
    return Path(tempfile.gettempdir())


def settle() -> Path:
    """Let `tempfile` put everything of this process into a new folder; delete abandoned ones.

    The folder is locked until the process ends; processes that it starts do not inherit the lock.
    """
    base = _system_folder()
    delete_abandoned()
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        lock = _locked(folder)
        if lock is not None and folder.exists():  # else somebody took it for abandoned
            tempfile.tempdir = str(folder)
            return folder


def leave() -> None:
    """Delete this process' folder: it ends in order."""
    folder, base = Path(tempfile.gettempdir()), _system_folder()
    if folder.parent == base and folder.name.startswith(PREFIX):
        tempfile.tempdir = str(base)
        shutil.rmtree(folder, ignore_errors=True)


def delete_abandoned() -> list[str]:
    """Delete the folders of processes that live no more; return their names."""
    deleted = []
    for folder in _system_folder().glob(f"{PREFIX}*"):
        lock = _locked(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)
            deleted.append(folder.name)
    return deleted


def _locked(folder: Path) -> int | None:
    """Lock a folder of ours; None if somebody else holds it, or it is no such folder."""
    with suppress(OSError):
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(lock).st_uid == os.geteuid():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lock
        except BlockingIOError:
            pass
        os.close(lock)
    return None
