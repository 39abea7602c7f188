"""Uploads that go on where they were cut off, by tus 1.0."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from client.connection import Connection
from client.errors import UsageMistake

PATH = "/api/v1/uploads"
REQUEST_BYTES = 32 * 1024**2  # proxies like to hold a whole request before they pass it on
_PIECE_BYTES = 256 * 1024
_TUS = {"Tus-Resumable": "1.0.0"}

OnBytes = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Archive:
    """A file to send, as it was when it was read first."""

    path: Path
    size_bytes: int
    sha256: str

    @classmethod
    def read(cls, path: Path, on_bytes: OnBytes = lambda _: None) -> Self:
        """Read a file through; `on_bytes` is told how far that has come."""
        digest = hashlib.sha256()
        done = 0
        with path.open("rb") as file:
            while piece := file.read(4 * _PIECE_BYTES):
                digest.update(piece)
                done += len(piece)
                on_bytes(done)
        return cls(path, done, digest.hexdigest())

    def pieces(self, begin: int, end: int, on_bytes: OnBytes) -> Iterator[bytes]:
        """Read from `begin` to `end`; `on_bytes` is told where it stands.

        Raises:
            UsageMistake: the file has become shorter.
        """
        with self.path.open("rb") as file:
            file.seek(begin)
            while begin < end:
                piece = file.read(min(_PIECE_BYTES, end - begin))
                if not piece:
                    raise UsageMistake(f"{self.path} has changed while it was being sent.")
                yield piece
                begin += len(piece)
                on_bytes(begin)


class Uploads:
    """The requests of the protocol; an upload is named by its path on the server."""

    def __init__(self, connection: Connection) -> None:
        """Use a connection that is open."""
        self._connection = connection

    def begin(self, archive: Archive, destination: Mapping[str, str]) -> str:
        """Announce an archive and where it is to be entered; return where to send it.

        Raises:
            Refused: it could not be entered there now.
        """
        facts = {"filename": archive.path.name[:200], "sha256": archive.sha256, **destination}
        metadata = ",".join(
            f"{key} {b64encode(value.encode()).decode()}" for key, value in facts.items()
        )
        answer = self._connection.answer(
            "POST",
            PATH,
            headers={
                **_TUS,
                "Upload-Length": str(archive.size_bytes),
                "Upload-Metadata": metadata,
            },
        )
        return httpx.URL(answer.headers["location"]).path

    def offset(self, upload: str) -> int:
        """Return how many bytes are safe.

        Raises:
            Refused: with status 404 or 410 when there is no such upload any more.
        """
        answer = self._connection.answer("HEAD", upload, headers=_TUS)
        return int(answer.headers["upload-offset"])

    def send(self, upload: str, archive: Archive, offset: int, on_bytes: OnBytes) -> int:
        """Send the next piece of an archive and return how many bytes are safe then."""
        end = min(offset + REQUEST_BYTES, archive.size_bytes)
        answer = self._connection.answer(
            "PATCH",
            upload,
            content=archive.pieces(offset, end, on_bytes),
            headers={
                **_TUS,
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(end - offset),
                "Upload-Offset": str(offset),
            },
        )
        return int(answer.headers["upload-offset"])


def id_of(upload: str) -> str:
    return upload.rsplit("/", 1)[1]
