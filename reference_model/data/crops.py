"""Random rectangles of an image."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from reference_model.data.pictures import Picture, resized

_TRIES = 10
_RATIOS = (math.log(3 / 4), math.log(4 / 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class CropSize:
    """Some crops of one size."""

    count: int
    side: int
    """In pixels."""
    area: tuple[float, float]
    """Smallest and largest share of the image."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """In pixels of the source image; `mirrored` left to right after cutting."""

    left: int
    top: int
    width: int
    height: int
    mirrored: bool

    def as_array(self) -> NDArray[np.int64]:
        """As `correspondence` wants it."""
        return np.array([self.left, self.top, self.width, self.height, self.mirrored], np.int64)

    def corners(self) -> NDArray[np.float32]:
        """Left, top, right, bottom; left and right change places when mirrored."""
        ends = (self.left, self.left + self.width)
        first, last = reversed(ends) if self.mirrored else ends
        return np.array([first, self.top, last, self.top + self.height], np.float32)


def random_rectangle(
    rng: Generator, *, width: int, height: int, area: tuple[float, float]
) -> Rectangle:
    """A rectangle of random area and of a side ratio between 3/4 and 4/3, mirrored half the time.

    If none fits in ten tries it is the largest middle part with an allowed ratio.
    """
    mirrored = bool(rng.random() < 0.5)  # noqa: PLR2004  # half the time
    for _ in range(_TRIES):
        pixels = width * height * rng.uniform(*area)
        ratio = math.exp(rng.uniform(*_RATIOS))
        wide, high = round(math.sqrt(pixels * ratio)), round(math.sqrt(pixels / ratio))
        if 0 < wide <= width and 0 < high <= height:
            left, top = rng.integers(width - wide + 1), rng.integers(height - high + 1)
            return Rectangle(int(left), int(top), wide, high, mirrored)
    smallest, largest = (math.exp(ratio) for ratio in _RATIOS)
    wide = min(width, max(1, round(height * largest)))
    high = min(height, max(1, round(width / smallest)))
    return Rectangle((width - wide) // 2, (height - high) // 2, wide, high, mirrored)


def cut(picture: Picture, where: Rectangle, side: int, *, scale: float = 1.0) -> Picture:
    """The part of the picture as a square.

    Args:
        scale: of the picture to the image that the rectangle was drawn for.
    """
    left, top = round(where.left * scale), round(where.top * scale)
    right = max(left + 1, min(picture.shape[1], round((where.left + where.width) * scale)))
    bottom = max(top + 1, min(picture.shape[0], round((where.top + where.height) * scale)))
    square = resized(picture[top:bottom, left:right], width=side, height=side)
    return np.asarray(cv2.flip(square, 1), np.uint8) if where.mirrored else square
