"""How full the disks are: uploads stop while there is room left for what is already here.

The reserve that uploads leave (LUSS_MIN_FREE_BYTES) is what workers, the database and the broker
finish with. Every way in asks `ensure_room` before its first byte and now and then on its way, and
runs inside `refused_when_full`, which turns the disk that is full all the same into a refusal.
"""

import errno
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from obstore.exceptions import BaseError as ObstoreError

from server.errors import StorageFull
from server.settings import Settings
from server.storage.store import local_folder

log = logging.getLogger(__name__)
FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
FULL_SQLITE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)  # the latter: no room for -shm
FULL_SQLSTATE = "53100"  # PostgreSQL's disk_full
FULL_MESSAGES = tuple(f"(os error {number})" for number in FULL_ERRNOS)  # obstore has no errno


def ensure_room(settings: Settings, *, arriving: int, staged: int = 0) -> None:
    """Check that an archive can be staged and stored, and the reserve is left.

    Args:
        settings: where bytes are staged and stored, and the reserve.
        arriving: bytes that are still to come; 0 where nobody knows.
        staged: bytes of the same archive that lie in the staging folder already.

    Raises:
        StorageFull: they would not fit.
    """
    wanted = [(settings.staging_folder, arriving)]
    store = local_folder(settings.store)
    if store is not None:
        wanted.append((store, arriving + staged))
    needs: dict[int, tuple[Path, int]] = {}
    for folder, size_bytes in wanted:
        there = _existing(folder)
        device = there.stat().st_dev
        needs[device] = there, needs.get(device, (there, 0))[1] + size_bytes
    for there, size_bytes in needs.values():
        free = free_bytes(there)
        if free < size_bytes + settings.min_free_bytes:
            log.error(
                "an upload of %d bytes is refused: %s has %d bytes free, of which %d are kept back "
                "(LUSS_MIN_FREE_BYTES)",
                arriving + staged,
                there,
                free,
                settings.min_free_bytes,
            )
            raise _storage_full()


@contextmanager
def refused_when_full() -> Iterator[None]:
    """Turn the error of a disk that has become full into a refusal.

    Raises:
        StorageFull: the disk, or the database's, has no room.
    """
    try:
        yield
    except Exception as error:
        if not is_disk_full(error):
            raise
        log.exception("an upload is refused: the disk is full")
        raise _storage_full() from error


def is_disk_full(error: BaseException) -> bool:
    """Tell whether an error means a disk or a database without room, however it is wrapped."""
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        seen.append(link)
        if _says_full(link) or _says_full(getattr(link, "orig", None)):
            return True
        link = link.__cause__
    return False


def free_bytes(folder: Path) -> int:
    """Return how many bytes can be written below a folder, which need not exist yet."""
    return shutil.disk_usage(_existing(folder)).free


def _says_full(error: BaseException | None) -> bool:
    if isinstance(error, OSError) and error.errno in FULL_ERRNOS:
        return True
    if getattr(error, "sqlite_errorcode", None) in FULL_SQLITE:
        return True
    if getattr(error, "sqlstate", None) == FULL_SQLSTATE:
        return True
    return isinstance(error, ObstoreError) and any(text in str(error) for text in FULL_MESSAGES)


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


def _storage_full() -> StorageFull:
    return StorageFull(
        "The server's disk is full; the operators have been told. What you sent last was not kept: "
        "send it again later."
    )
