"""How far a stage is: a bar on standard error, and lines in the run's status file."""

import time
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from reference_model.engine.processes import Processes
from reference_model.engine.run_dir import StageDir, Status

_REPORT_SECONDS = 1.0
Item = TypeVar("Item")


class Progress:
    """Shows and reports steps of a stage; a context manager."""

    def __init__(self, stage: StageDir, steps: int, processes: Processes) -> None:
        self._stage, self._steps = stage, steps
        self._reported = 0.0
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[losses]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not processes.is_first,
        )
        self._task = self._bars.add_task(stage.name, total=steps, losses="")

    def show(
        self, step: int, losses: Mapping[str, float] | None = None, left: float | None = None
    ) -> None:
        terms = "  ".join(f"{name} {value:.3f}" for name, value in (losses or {}).items())
        self._bars.update(self._task, completed=step, losses=terms)
        if time.monotonic() - self._reported >= _REPORT_SECONDS:
            self._reported = time.monotonic()
            self._stage.run.report(
                Status(
                    state="running",
                    stage=self._stage.name,
                    step=step,
                    steps=self._steps,
                    loss=(losses or {}).get("total"),
                    seconds_left=left,
                )
            )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()


def followed(
    items: Iterable[Item], total: int, *, stage: StageDir, processes: Processes
) -> Iterator[Item]:
    """The items, shown and reported as they go by."""
    begun = time.monotonic()
    with Progress(stage, total, processes) as progress:
        for done, item in enumerate(items, start=1):
            yield item
            progress.show(done, left=round((time.monotonic() - begun) / done * (total - done), 1))
