"""Bars on standard error for what is not counted from the start: bytes sent, a queue ahead."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn


@contextmanager
def upload_bar(file_name: str, *, total_bytes: int) -> Iterator[Callable[[str, int], None]]:
    """A bar that is set by calling what this yields with what is done and for how many bytes."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=total_bytes)
        under_way = ""

        def move(doing: str, done: int) -> None:
            nonlocal under_way
            if doing != under_way:  # the speed of reading says nothing about sending
                progress.reset(task, description=f"{doing} {file_name}", completed=done)
                under_way = doing
            progress.update(task, completed=done)

        yield move


@contextmanager
def scoring_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar that is set by calling what this yields with words, images done and images in all."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} images"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("received", total=0)
        yield lambda words, done, total: progress.update(
            task, description=words, completed=done, total=total
        )
