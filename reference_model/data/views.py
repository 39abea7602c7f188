"""Several random crops of an image, for learning without labels."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import default_rng
from torch import Tensor
from torch.utils.data import Dataset

from reference_model.data.correspondence import shared_points
from reference_model.data.crops import CropSize, cut, random_rectangle
from reference_model.data.folders import ImageFile
from reference_model.data.photometric import Photometric
from reference_model.data.pictures import OpenPicture

POINTS = 7
"""Shared points along each side of the overlap of the large crops."""


class Views(NamedTuple):
    """Crops of one image, or of a batch, with B in front."""

    large: Tensor
    """8-bit, shape (2, side, side, 3)."""
    small: Tensor
    """8-bit, shape (count, side, side, 3); the count may be 0."""
    points: Tensor
    """Shared points within each large crop, shape (2, POINTS, POINTS, 2)."""
    corners: Tensor
    """Of the large crops within the image, shape (2, 4)."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Which image, and in which pass over the images: together they decide every random choice."""

    epoch: int
    index: int


class MultiCrop(Dataset[Views]):
    """Views of images; the same seed, epoch and image give the same crops on any machine.

    Args:
        large: the two crops that all objectives see.
        small: further crops, which only predict.
        photometric: one for every crop, or one for each large crop (small ones get the first).
    """

    def __init__(
        self,
        images: tuple[ImageFile, ...],
        *,
        large: CropSize,
        small: CropSize | None,
        photometric: tuple[Photometric, ...],
        seed: int,
    ) -> None:
        self._images = images
        self._sizes = (large, *([small] if small else []))
        self._small_side = small.side if small else 1
        self._photometric = photometric
        self._seed = seed

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, drawn: Drawn) -> Views:
        rng = default_rng([self._seed, drawn.epoch, drawn.index])
        picture = OpenPicture(self._images[drawn.index].path)
        plan = [
            (
                random_rectangle(rng, width=picture.width, height=picture.height, area=size.area),
                size,
            )
            for size in self._sizes
            for _ in range(size.count)
        ]
        # As large as the crop that needs the finest pixels asks for, never larger than it is.
        wanted = max(min(1.0, size.side / min(r.width, r.height)) for r, size in plan)
        pixels = picture.pixels(scale=wanted)
        scale = pixels.shape[1] / picture.width
        crops = [
            self._photometric[number % len(self._photometric)].apply(
                cut(pixels, rectangle, size.side, scale=scale), rng
            )
            for number, (rectangle, size) in enumerate(plan)
        ]
        first, second = (rectangle for rectangle, _ in plan[:2])
        return Views(
            large=torch.from_numpy(np.stack(crops[:2])),
            small=self._stacked(crops[2:]),
            points=torch.from_numpy(
                shared_points(first.as_array(), second.as_array(), side=POINTS)
            ),
            corners=torch.from_numpy(np.stack([first.corners(), second.corners()])),
        )

    def _stacked(self, crops: list[np.typing.NDArray[np.uint8]]) -> Tensor:
        if not crops:
            return torch.empty(0, self._small_side, self._small_side, 3, dtype=torch.uint8)
        return torch.from_numpy(np.stack(crops))


def crop_major(batch: Tensor) -> Tensor:
    """From image-major (B, V, ...) to crop-major (V * B, ...)."""
    return batch.transpose(0, 1).flatten(0, 1)


def as_images(crops: Tensor, *, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """8-bit crops of shape (N, H, W, 3) as normalised images of shape (N, 3, H, W).

    The memory stays channels last, as convolutions like it.
    """
    offset = 255 * torch.tensor(mean, device=crops.device)
    scale = 1 / (255 * torch.tensor(std, device=crops.device))
    return crops.to(torch.float32, copy=True).sub_(offset).mul_(scale).permute(0, 3, 1, 2)
