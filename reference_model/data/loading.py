"""Batches in an order that is decided by the seed, from any step on.

Epochs follow one another without a pause: workers are started once. What is left of the images
after the last whole batch of an epoch is left out, as in the original, or filled up to a batch.
"""

import math
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from reference_model.data.folders import BadData
from reference_model.data.labelled import Whole
from reference_model.data.views import Drawn

_PREFETCHED = 4
"""Batches that each worker makes ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """This process among those that train together."""

    rank: int = 0
    ranks: int = 1


class Batches(Sampler[list[Drawn]]):
    """What each step of this process draws.

    Args:
        images: how many there are.
        batch: images in a step of all processes together.
        steps: the first step to draw, and the one after the last.
        fills_up: the last batch of an epoch ends with images from its beginning, so that none is
            left out.
    """

    def __init__(
        self,
        images: int,
        *,
        batch: int,
        steps: tuple[int, int],
        seed: int,
        share: Share,
        fills_up: bool = False,
    ) -> None:
        if batch % share.ranks:
            raise BadData(f"a batch of {batch} cannot be shared among {share.ranks} processes")
        self.steps_in_epoch = steps_in_epoch(images, batch, fills_up=fills_up)
        self._images, self._batch, self._steps, self._seed = images, batch, steps, seed
        self._share = share

    def __len__(self) -> int:
        return self._steps[1] - self._steps[0]

    def __iter__(self) -> Iterator[list[Drawn]]:
        mine = self._batch // self._share.ranks
        order: np.typing.NDArray[np.int64] = np.empty(0, np.int64)
        shuffled = -1
        for step in range(*self._steps):
            epoch, place = divmod(step, self.steps_in_epoch)
            if epoch != shuffled:
                order = np.random.default_rng([self._seed, epoch]).permutation(self._images)
                order = np.resize(order, self.steps_in_epoch * self._batch)  # repeats what is short
                shuffled = epoch
            first = place * self._batch + self._share.rank * mine
            yield [Drawn(epoch, int(index)) for index in order[first : first + mine]]


def steps_in_epoch(images: int, batch: int, *, fills_up: bool = False) -> int:
    if fills_up:
        return math.ceil(images / batch)
    if images < batch:
        raise BadData(
            f"there are {images} images, fewer than a batch of {batch}; choose a smaller batch"
        )
    return images // batch


def training_loader(dataset: Dataset[Any], batches: Batches, *, workers: int) -> DataLoader[Any]:
    """Batches for training; workers are processes, 0 loads in this one."""
    _end_threads(workers)
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        worker_init_fn=_one_thread,
        pin_memory=torch.cuda.is_available(),
        prefetch_factor=_PREFETCHED if workers else None,
    )


def reading_loader(dataset: Dataset[Any], *, workers: int) -> DataLoader[Any]:
    """Images in order, one at a time, as they have sizes of their own."""
    _end_threads(workers)
    return DataLoader(
        dataset,
        batch_size=None,
        num_workers=workers,
        worker_init_fn=_one_thread,
        prefetch_factor=_PREFETCHED if workers else None,
    )


def square_loader(dataset: Dataset[Any], *, batch: int, workers: int) -> DataLoader[Any]:
    """Images in order, in batches: all of them are squares of one size."""
    _end_threads(workers)
    return DataLoader(
        dataset,
        batch_size=batch,
        num_workers=workers,
        worker_init_fn=_one_thread,
        collate_fn=_images,
        prefetch_factor=_PREFETCHED if workers else None,
    )


def _images(wholes: list[Whole]) -> torch.Tensor:
    return torch.stack([whole.image for whole in wholes])


def _end_threads(workers: int) -> None:
    """End OpenCV's threads before workers are forked.

    A worker has none of them, but believes that it does, and would wait for them for ever.
    """
    if workers:
        cv2.setNumThreads(1)


def _one_thread(_: int) -> None:
    """Set up a worker: it takes one core, and ends when the loader ends it."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
