"""Work done by several threads, its results in the order of the work.

Threads and not processes: decoding, hashing and counting release the interpreter's lock, and a
Celery worker's child may start no processes of its own.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from itertools import islice
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
Result = TypeVar("Result")

Progress = Callable[[int, int], None]
"""Called with (images done, images in all), from the calling thread."""

_BATCH = 16
"""Items handed to a thread at once: fewer cost more hand-overs, more cost memory."""
_LARGEST_BLOCK_BYTES = 2**24


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], *, jobs: int
) -> Generator[Result]:
    """`work` of each item, in order, by `jobs` threads that run at most a few items ahead.

    An exception in `work` comes out in its turn. Closing the iterator waits for the items in
    progress and drops the others.
    """
    _keep_freed_memory()
    if jobs == 1:
        yield from map(work, items)
        return
    ahead: deque[Future[list[Result]]] = deque()
    with ThreadPoolExecutor(jobs, thread_name_prefix="luss") as threads:
        try:
            rest = iter(items)
            while batch := list(islice(rest, _BATCH)):
                ahead.append(threads.submit(_each, work, batch))
                if len(ahead) > jobs:
                    yield from ahead.popleft().result()
            while ahead:
                yield from ahead.popleft().result()
        finally:
            threads.shutdown(wait=True, cancel_futures=True)


@cache
def _keep_freed_memory() -> None:
    """Let the process keep 32 MB that it has freed.

    glibc hands freed memory back beyond twice the largest block that it has seen come and go
    (mallopt(3)), and takes it again page by page: with ids above 255, that cost half as much as
    decoding. This block comes and goes untouched. Elsewhere it does nothing.
    """
    np.empty(_LARGEST_BLOCK_BYTES, np.uint8)


def _each(work: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    return [work(item) for item in items]
