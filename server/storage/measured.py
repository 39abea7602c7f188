"""A store that measures another: how long each call took, and how many failed."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from server.measures import STORE_ERRORS, STORE_SECONDS
from server.storage.store import BlobEntry, BlobMissing, BlobStore


class MeasuredStore:
    """Behaves as the store inside."""

    def __init__(self, inside: BlobStore) -> None:
        self._inside = inside

    def put(self, key: str, source: BinaryIO | bytes) -> None:
        with _measured("put"):
            self._inside.put(key, source)

    def put_if_absent(self, key: str, content: bytes) -> None:
        with _measured("put_if_absent"):
            self._inside.put_if_absent(key, content)

    @contextmanager
    def as_file(self, key: str, *, sha256: str | None = None) -> Iterator[Path]:
        """Measure until the file is there, and not for how long it is used."""
        with ExitStack() as stack:
            with _measured("fetch"):
                path = stack.enter_context(self._inside.as_file(key, sha256=sha256))
            yield path

    def delete(self, key: str) -> None:
        with _measured("delete"):
            self._inside.delete(key)

    def entries(self, prefix: str) -> Iterator[BlobEntry]:
        """Measure until the first one is there: the rest takes as long as its reader."""
        found = self._inside.entries(prefix)
        with _measured("list"):
            first = next(found, None)
        if first is not None:
            yield first
            yield from found

    def delete_unfinished(self, *, before: datetime) -> list[str]:
        with _measured("delete_unfinished"):
            return self._inside.delete_unfinished(before=before)


@contextmanager
def _measured(operation: str) -> Iterator[None]:
    began = time.perf_counter()
    try:
        yield
    except BlobMissing:
        raise  # an answer, not a failure
    except BaseException as error:
        STORE_ERRORS.labels(operation, type(error).__name__).inc()
        raise
    finally:
        STORE_SECONDS.labels(operation).observe(time.perf_counter() - began)
