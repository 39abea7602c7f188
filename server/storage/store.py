"""The blob store: named bytes outside the database, over local disk, memory or S3.

A key is written once and never reused, so that nobody reads half of one thing and half of another.
"""

import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, NotFoundError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from server.settings import S3Access

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

CHUNK_BYTES = 8 * 1024**2
CHUNKS_AT_ONCE = 2  # obstore's 12 would hold 100 MB in memory
CUT_SHORT = re.compile(r"#\d+$")  # how obstore names a local file until it is whole
S3_CLIENT: "ClientConfig" = {
    "connect_timeout": timedelta(seconds=5),
    "read_timeout": timedelta(seconds=30),
    "timeout": timedelta(hours=1),  # for a whole archive; obstore's own 30 s cut large ones short
}
S3_RETRIES: "RetryConfig" = {"max_retries": 4, "retry_timeout": timedelta(seconds=20)}


class BlobMissing(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(f"the store has no {key}")


class BlobDamaged(Exception):
    """What lies in the store is not what was put there: for an operator to look into."""

    def __init__(self, key: str, *, expected: str, found: str) -> None:
        super().__init__(f"{key} should have the SHA-256 {expected}, and has {found}")


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

    def as_file(self, key: str, *, sha256: str | None = None) -> AbstractContextManager[Path]:
        """Give the blob as a file to read from, until the context ends: the whole of it.

        Raises:
            BlobMissing: there is none of that name.
            BlobDamaged: it has not the SHA-256 that was asked for.
        """

    def delete(self, key: str) -> None:
        """Forget a blob; one that is not there is forgotten already."""

    def entries(self, prefix: str) -> Iterator[BlobEntry]:
        """Yield what lies under a prefix, which is a whole folder name."""

    def delete_unfinished(self, *, before: datetime) -> list[str]:
        """Delete what puts left behind that were cut short before a moment; return the names."""


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
    def as_file(self, key: str, *, sha256: str | None = None) -> Iterator[Path]:
        if self._folder is not None:
            path = self._folder / key
            if not path.is_file():
                raise BlobMissing(key)
            _verify(key, path, sha256)
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="luss-") as folder:
            path = Path(folder) / "blob"
            self._download(key, path)
            _verify(key, path, sha256)
            yield path

    def _download(self, key: str, path: Path) -> None:
        try:
            found = obstore.get(self._store, key)
        except (NotFoundError, FileNotFoundError) as reason:
            raise BlobMissing(key) from reason
        with path.open("xb") as file:
            for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
                file.write(chunk)
        if path.stat().st_size != found.meta["size"]:
            raise ConnectionError(
                f"{path.stat().st_size} of {found.meta['size']} bytes of {key} have come"
            )

    def delete(self, key: str) -> None:
        try:
            obstore.delete(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return

    def entries(self, prefix: str) -> Iterator[BlobEntry]:
        for page in obstore.list(self._store, prefix=prefix):
            for item in page:
                yield BlobEntry(item["path"], item["size"], item["last_modified"])

    def delete_unfinished(self, *, before: datetime) -> list[str]:
        """Delete the part files of a local store; a bucket needs a lifecycle rule of its own."""
        if self._folder is None:
            return []
        deleted = []
        for path in self._folder.rglob("*#*"):
            with suppress(FileNotFoundError):  # it became whole while we looked
                modified_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                if CUT_SHORT.search(path.name) and modified_at < before:
                    path.unlink()
                    deleted.append(path.relative_to(self._folder).as_posix())
        return deleted


def open_object_store(url: str, access: S3Access | None = None) -> ObjectBlobStore:
    """Open the store that a URL names; a local folder is made, readable by its owner alone."""
    folder = local_folder(url)
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return ObjectBlobStore(LocalStore(folder), folder=folder)
    if urlsplit(url).scheme == "memory":
        return ObjectBlobStore(MemoryStore())
    if access is None:
        raise ValueError(f"{url} is in a bucket, and nothing says how to reach it")
    return ObjectBlobStore(_open_s3(url, access))


def local_folder(url: str) -> Path | None:
    """Return the folder of a file:// URL; None for a store elsewhere."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _open_s3(url: str, access: S3Access) -> ObjectStore:
    """Open a bucket; without keys the machine's own role is asked for some."""
    config: S3Config = {"region": access.region}
    client: ClientConfig = {**S3_CLIENT}
    if access.endpoint:
        config["endpoint"] = access.endpoint
        client["allow_http"] = access.endpoint.startswith("http://")
    if access.access_key:
        config["access_key_id"] = access.access_key
        config["secret_access_key"] = access.secret_key.get_secret_value()
    return from_url(url, config=config, client_options=client, retry_config=S3_RETRIES)


def _verify(key: str, path: Path, sha256: str | None) -> None:
    if sha256 is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise BlobDamaged(key, expected=sha256, found=found)
