"""Memory for what could be computed again: kept while there is room, the oldest use goes first.

What is kept must not change and must be named by everything that it depends on; for a board that
is its revision, read in the request.
"""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any


class Cache:
    """One for a process, shared by its threads; two that miss at once both compute."""

    def __init__(self, limit_bytes: int) -> None:
        """Keep things up to a size in all, and none that is larger than a quarter of it."""
        self._limit = limit_bytes
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> Any | None:
        """Return what was put under a key, as it was put; None if it is not kept."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def put(self, key: Hashable, thing: object, *, size_bytes: int) -> None:
        """Keep a thing whose size is known, if only roughly."""
        if size_bytes > self._limit // 4:
            return
        with self._lock:
            _, replaced = self._kept.pop(key, (None, 0))
            self._kept[key] = (thing, size_bytes)
            self._size += size_bytes - replaced
            while self._size > self._limit:
                _, (_, gone) = self._kept.popitem(last=False)
                self._size -= gone
