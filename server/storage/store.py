"""The blob store: named bytes outside the database, over local disk, memory or S3.

A key is written once and never reused, so that nobody reads half of one thing and half of another.
"""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, NotFoundError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

CHUNK_BYTES = 8 * 1024**2
CHUNKS_AT_ONCE = 2  # obstore's 12 would hold 100 MB in memory


class BlobMissing(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(f"the store has no {key}")


@dataclass(frozen=True, slots=True)
class BlobEntry:
    key: str
    size_bytes: int
    modified_at: datetime


class BlobStore(Protocol):
    """What the service asks of a store."""

    def put(self, key: str, source: BinaryIO | bytes) -> None:
        """Keep everything from where ``source`` stands to its end; all of it or nothing."""

    def put_if_absent(self, key: str, content: bytes) -> None:
        """Keep something small, unless something lies there already: whoever comes first wins."""

    def as_file(self, key: str) -> AbstractContextManager[Path]:
        """Give the blob as a file to read from, until the context ends.

        Raises:
            BlobMissing: there is none of that name.
        """

    def delete(self, key: str) -> None:
        """Forget a blob; one that is not there is forgotten already."""

    def entries(self, prefix: str) -> Iterator[BlobEntry]:
        """Yield what lies under a prefix, which is a whole folder name."""


class ObjectBlobStore:
    """A store behind obstore: file://, memory:// or s3://, all behaving alike."""

    def __init__(self, store: ObjectStore, *, folder: Path | None = None) -> None:
        """Keep the folder of a local store, whose blobs are files already."""
        self._store = store
        self._folder = folder

    def put(self, key: str, source: BinaryIO | bytes) -> None:
        obstore.put(
            self._store, key, source, chunk_size=CHUNK_BYTES, max_concurrency=CHUNKS_AT_ONCE
        )

    def put_if_absent(self, key: str, content: bytes) -> None:
        with suppress(AlreadyExistsError):
            obstore.put(self._store, key, content, mode="create")

    @contextmanager
    def as_file(self, key: str) -> Iterator[Path]:
        if self._folder is not None:
            path = self._folder / key
            if not path.is_file():
                raise BlobMissing(key)
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="luss-") as folder:
            path = Path(folder) / "blob"
            self._download(key, path)
            yield path

    def _download(self, key: str, path: Path) -> None:
        try:
            chunks = obstore.get(self._store, key).stream(min_chunk_size=CHUNK_BYTES)
        except (NotFoundError, FileNotFoundError) as reason:
            raise BlobMissing(key) from reason
        with path.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)

    def delete(self, key: str) -> None:
        try:
            obstore.delete(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return

    def entries(self, prefix: str) -> Iterator[BlobEntry]:
        for page in obstore.list(self._store, prefix=prefix):
            for item in page:
                yield BlobEntry(item["path"], item["size"], item["last_modified"])


def open_store(url: str) -> ObjectBlobStore:
    """Open the store that a URL names; a local folder is made, readable by its owner alone."""
    parts = urlsplit(url)
    if parts.scheme == "memory":
        return ObjectBlobStore(MemoryStore())
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return ObjectBlobStore(LocalStore(folder), folder=folder)
    return ObjectBlobStore(from_url(url))
