"""The files that uploads lie in until they are whole: one each, named after the upload.

They lie on the disk of the web process. Where there are several of those, they share the folder.
"""

import fcntl
import io
import os
from collections.abc import Iterator
from pathlib import Path

from server.errors import UploadGone
from server.uploads.service import locked

FOLDER = "uploads"


def path_of(staging_folder: Path, public_id: str) -> Path:
    return staging_folder / FOLDER / public_id


def create(path: Path) -> None:
    """Make the empty file of a new upload."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)


def opened(path: Path) -> io.BufferedReader:
    """Open the file of an upload that is whole.

    Raises:
        UploadGone: it is not there any more.
    """
    try:
        return path.open("rb")
    except FileNotFoundError as reason:
        raise _gone(path) from reason


def all_in(staging_folder: Path) -> Iterator[Path]:
    folder = staging_folder / FOLDER
    return folder.iterdir() if folder.is_dir() else iter(())


class Tail:
    """The end of an upload's file, to write on from the last byte that is known to be safe.

    What a killed server wrote behind it is cut off first. The file is locked beside the row: a
    process that slept through its lease cannot wake up and write into what another one is writing.
    """

    def __init__(self, path: Path, *, offset: int) -> None:
        """Open the file and cut it to ``offset``.

        Raises:
            UploadGone: it is not there, or shorter.
            UploadLocked: another request has it open.
        """
        try:
            self._file = path.open("r+b")
        except FileNotFoundError as reason:
            raise _gone(path) from reason
        try:
            self._cut_to(offset)
        except BaseException:
            self._file.close()
            raise

    def write(self, content: bytes | bytearray) -> None:
        self._file.write(content)

    def sync(self) -> None:
        """Return when everything written is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    def _cut_to(self, offset: int) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as reason:
            raise locked() from reason
        if os.fstat(self._file.fileno()).st_size < offset:
            raise _gone(Path(self._file.name))
        self._file.truncate(offset)
        self._file.seek(offset)


def _gone(path: Path) -> UploadGone:
    return UploadGone(f"The bytes of the upload {path.name} are gone; begin a new one.")
