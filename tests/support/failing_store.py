"""A store that fails every third call, each time in the way that hurts most."""

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from server.storage.store import BlobEntry, BlobStore

EVERY = 3


class FailingStore:
    """Wraps a store; of each kind of call the first one fails, the fourth, and so on."""

    def __init__(self, inner: BlobStore) -> None:
        self._inner = inner
        self.calls: Counter[str] = Counter()

    def put(self, key: str, source: BinaryIO | bytes) -> None:
        """Break off after a part of the source has been read."""
        if self._is_due("put"):
            if not isinstance(source, bytes):
                source.read(1000)
            raise self._error()
        self._inner.put(key, source)

    def put_if_absent(self, key: str, content: bytes) -> None:
        """Do it, and lose the answer."""
        self._inner.put_if_absent(key, content)
        if self._is_due("put_if_absent"):
            raise self._error()

    def as_file(self, key: str, *, sha256: str | None = None) -> AbstractContextManager[Path]:
        return self._as_file(key, sha256)

    @contextmanager
    def _as_file(self, key: str, sha256: str | None) -> Iterator[Path]:
        if self._is_due("as_file"):
            raise self._error()
        with self._inner.as_file(key, sha256=sha256) as path:
            yield path

    def delete(self, key: str) -> None:
        """Do it, and lose the answer."""
        self._inner.delete(key)
        if self._is_due("delete"):
            raise self._error()

    def entries(self, prefix: str) -> Iterator[BlobEntry]:
        """Break off behind the first entry."""
        is_due = self._is_due("entries")
        for entry in self._inner.entries(prefix):
            yield entry
            if is_due:
                raise self._error()

    def delete_unfinished(self, *, before: datetime) -> list[str]:
        if self._is_due("delete_unfinished"):
            raise self._error()
        return self._inner.delete_unfinished(before=before)

    def _is_due(self, what: str) -> bool:
        self.calls[what] += 1
        return self.calls[what] % EVERY == 1

    @staticmethod
    def _error() -> ConnectionResetError:
        return ConnectionResetError("the store hung up")
