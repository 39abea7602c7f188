"""Progress bars on standard error, so that standard output stays free for what was asked for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def progress_bar(what: str, *, total: float) -> Iterator[Callable[[float], None]]:
    """A bar that is advanced by calling what this yields with the amount done."""
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda amount: progress.advance(task, amount)
