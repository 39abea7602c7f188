"""Where a run happens: its folder, its data, its processes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import torch
from torch.utils.data import Dataset

from reference_model.data.folders import DataFolder
from reference_model.data.loading import Batches, Share, training_loader
from reference_model.engine.errors import Refused
from reference_model.engine.loop import Rhythm
from reference_model.engine.processes import Processes
from reference_model.engine.run_dir import RunDir, StageDir
from reference_model.recipes import Recipe

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    run: RunDir
    data: DataFolder
    processes: Processes
    workers: int = 0
    """Processes that load images for each process that trains; 0 loads in that one."""
    rhythm: Rhythm = field(default_factory=Rhythm)

    def batches(
        self, images: Dataset[Any], *, batch: int, seed: int, fills_up: bool = False
    ) -> Callable[[int, int], Iterable[Any]]:
        """What the steps of this process draw, as the training loop asks for it."""
        share = Share(rank=self.processes.rank, ranks=self.processes.ranks)
        count = len(images)  # type: ignore[arg-type]  # all of ours have a length

        def between(first: int, end: int) -> Iterable[Any]:
            drawn = Batches(
                count,
                batch=batch,
                steps=(first, end),
                seed=seed,
                share=share,
                fills_up=fills_up,
            )
            return training_loader(images, drawn, workers=self.workers)

        return between

    def alone(self) -> "Place":
        """This process as if it were the only one, for what one process does while others wait."""
        return replace(self, processes=Processes(self.processes.device))

    def part(self, items: Sequence[Item]) -> Sequence[Item]:
        """Those of the items that are this process' to read."""
        return items[self.processes.rank :: self.processes.ranks]

    def finish(self, stage: StageDir, facts: Callable[[], Mapping[str, object]]) -> None:
        """Mark a stage as done when all processes have done their share.

        Args:
            facts: what the first process has to say, called once all shares are there.
        """
        self.processes.wait()
        if self.processes.is_first:
            stage.finish(**facts())
        self.processes.wait()


def categories(recipe: Recipe, place: Place) -> int:
    """C, as the data set has it.

    Raises:
        Refused: the recipe is for another number.
    """
    found = len(place.data.categories)
    if recipe.categories not in {None, found}:
        raise Refused(
            f"the recipe {recipe.name} is for {recipe.categories} categories, but"
            f" {place.data.root} has {found}"
        )
    return found


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw initial weights from a seed and leave the global generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
