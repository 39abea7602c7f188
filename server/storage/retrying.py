"""A store that is asked again when it did not answer: a few times, a little later each time.

obstore asks a bucket again by itself, request by request; this covers what it gives up on, and
whatever breaks between two requests of one put, read or list.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

from obstore.exceptions import (
    BaseError,
    InvalidPathError,
    PermissionDeniedError,
    UnauthenticatedError,
)

from server.settings import S3Access
from server.storage.free_space import is_disk_full
from server.storage.measured import MeasuredStore
from server.storage.store import BlobEntry, BlobStore, open_object_store

log = logging.getLogger(__name__)
PAUSES_SECONDS = (0.2, 1.0, 3.0)
STORE_ERRORS = (BaseError, ConnectionError, TimeoutError)
LASTING = (InvalidPathError, PermissionDeniedError, UnauthenticatedError)
T = TypeVar("T")


class StoreUnavailable(Exception):
    """The store refuses, or did not answer however often it was asked."""


class RetryingStore:
    """Asks another store again, once after each pause; then it is unavailable.

    All of it may be done twice: keys are not reused, so the second put has the first one's bytes.
    """

    def __init__(self, inner: BlobStore, *, pauses: Sequence[float] = PAUSES_SECONDS) -> None:
        self._inner = inner
        self._pauses = pauses

    def put(self, key: str, source: BinaryIO | bytes) -> None:
        start = None if isinstance(source, bytes) else source.tell()

        def again() -> None:
            if not isinstance(source, bytes) and start is not None:
                source.seek(start)
            self._inner.put(key, source)

        self._tried(f"keep {key}", again)

    def put_if_absent(self, key: str, content: bytes) -> None:
        self._tried(f"keep {key}", lambda: self._inner.put_if_absent(key, content))

    @contextmanager
    def as_file(self, key: str, *, sha256: str | None = None) -> Iterator[Path]:
        with ExitStack() as stack:
            yield self._tried(
                f"read {key}",
                lambda: stack.enter_context(self._inner.as_file(key, sha256=sha256)),
            )

    def delete(self, key: str) -> None:
        self._tried(f"delete {key}", lambda: self._inner.delete(key))

    def entries(self, prefix: str) -> Iterator[BlobEntry]:
        yield from self._tried(f"list {prefix}", lambda: list(self._inner.entries(prefix)))

    def delete_unfinished(self, *, before: datetime) -> list[str]:
        return self._tried(
            "delete what is unfinished", lambda: self._inner.delete_unfinished(before=before)
        )

    def _tried(self, what: str, do: Callable[[], T]) -> T:
        for pause in (*self._pauses, None):
            try:
                return do()
            except STORE_ERRORS as error:
                if is_disk_full(error):
                    raise
                if pause is None or isinstance(error, LASTING):
                    raise StoreUnavailable(f"the store could not {what}: {error}") from error
                log.warning("the store did not %s, trying again in %s s: %s", what, pause, error)
                time.sleep(pause)
        raise AssertionError  # the last round has no pause: it returns or raises


def open_store(url: str, access: S3Access | None = None) -> BlobStore:
    """Open the store that a URL names, each call measured, and made again without an answer."""
    return RetryingStore(MeasuredStore(open_object_store(url, access)))
