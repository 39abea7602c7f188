"""Images with masks for learning, and whole images for reading."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.random import default_rng
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from reference_model.data.crops import cut, random_rectangle
from reference_model.data.folders import ImageFile
from reference_model.data.photometric import Photometric
from reference_model.data.pictures import (
    centre,
    read_mask,
    read_picture,
    with_short_side,
)
from reference_model.data.views import Drawn


class Labelled(NamedTuple):
    """A crop and its ids, or a batch of them."""

    image: Tensor
    """8-bit, shape (side, side, 3)."""
    ids: Tensor
    """Shape (label side, label side), 64-bit; 1000 where nothing is known."""


class Whole(NamedTuple):
    """An image as it is read after training."""

    image: Tensor
    """8-bit, resized, shape (height, width, 3)."""
    size: tuple[int, int]
    """Height and width of the file."""


class LabelledCrops(Dataset[Labelled]):
    """One random crop of each image and of its mask.

    Args:
        masks: folder of the masks.
        side: of the crop, in pixels.
        label_side: of the ids, nearest to the crop's pixels.
        area: smallest and largest share of the image.
        photometric: changes of colour; None for none.
    """

    def __init__(
        self,
        images: tuple[ImageFile, ...],
        masks: Path,
        *,
        side: int,
        label_side: int,
        area: tuple[float, float],
        seed: int,
        photometric: Photometric | None = None,
    ) -> None:
        self._images, self._masks = images, masks
        self._side, self._label_side = side, label_side
        self._area, self._seed, self._photometric = area, seed, photometric

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, drawn: Drawn) -> Labelled:
        rng = default_rng([self._seed, drawn.epoch, drawn.index])
        image = self._images[drawn.index]
        picture = read_picture(image)
        height, width = picture.shape[:2]
        ids = read_mask(self._masks, image, height=height, width=width)
        where = random_rectangle(rng, width=width, height=height, area=self._area)
        crop = cut(picture, where, self._side)
        if self._photometric is not None:
            crop = self._photometric.apply(crop, rng)
        part = ids[where.top : where.top + where.height, where.left : where.left + where.width]
        part = part[:, ::-1] if where.mirrored else part
        return Labelled(
            torch.from_numpy(crop.copy()), torch.from_numpy(nearest(part, self._label_side))
        )


class WholeImages(Dataset[Whole]):
    """Each image with its shorter side at `short_side` pixels, or the middle square of that."""

    def __init__(
        self, images: tuple[ImageFile, ...], *, short_side: int, square: int | None = None
    ) -> None:
        self._images, self._short_side, self._square = images, short_side, square

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Whole:
        picture = read_picture(self._images[index])
        height, width = picture.shape[:2]
        small = with_short_side(picture, self._short_side)
        if self._square is not None:
            small = centre(small, self._square)
        return Whole(torch.from_numpy(np.ascontiguousarray(small)), (height, width))


def nearest(ids: NDArray[np.uint16], side: int) -> NDArray[np.int64]:
    """The ids at the middle of each cell of a square grid over them."""
    contiguous = np.ascontiguousarray(ids)
    small = cv2.resize(contiguous, (side, side), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(small, np.int64)
