"""A nameless file that an archive lies in while its form is read; it ends with its request."""

import hashlib
import tempfile
from typing import BinaryIO, Self

from server.dependencies import Rooms
from server.entry_kinds import EntryKind, check_size
from server.storage import free_space

BUFFER_BYTES = 1024**2


class Staged:
    """A nameless file that bytes are collected in, with their number and SHA-256."""

    def __init__(self, built: Rooms, kind: EntryKind) -> None:
        folder = built.settings.staging_folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # __exit__ closes
        self.digest = hashlib.sha256()
        self.size_bytes = 0
        self._settings, self._kind = built.settings, kind
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def add(self, chunk: bytes) -> bool:
        """Take a chunk; True if it is time to flush, which may wait for the disk."""
        self.size_bytes += len(chunk)
        check_size(self._kind, self.size_bytes, self._settings)
        self._buffer += chunk
        return len(self._buffer) >= BUFFER_BYTES

    def flush(self) -> None:
        pending = len(self._buffer)
        free_space.ensure_room(self._settings, arriving=pending, staged=self.size_bytes - pending)
        self.digest.update(self._buffer)
        self.file.write(self._buffer)
        self._buffer.clear()
