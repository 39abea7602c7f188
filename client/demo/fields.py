"""Smooth functions over an image, the clay from which scenes are made.

A *field* has shape (H, W); a *picture* has shape (H, W, 3), channels in the order red, green,
blue. Both are float32 and live in [0, 1] unless a function says otherwise.
"""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Field = NDArray[np.float32]
Picture = NDArray[np.float32]
Size = tuple[int, int]
"""Height and width in pixels."""


def as_field(array: object) -> NDArray[np.float32]:
    """The array as float32: OpenCV's stubs do not say what it returns."""
    return np.asarray(array, dtype=np.float32)


def blur(field: Field, sigma: float) -> Field:
    return as_field(cv2.GaussianBlur(field, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))


def edge(signed: Field, softness: float) -> Field:
    """A soft step: 0 below -softness, 1 above softness, linear between them."""
    return as_field(np.clip(0.5 + signed / (2 * softness), 0, 1))


def cloud(rng: Generator, size: Size, *, coarsest: float, octaves: int) -> Field:
    """Noise of several scales, stretched to fill [0, 1].

    Args:
        rng: where the noise comes from.
        size: height and width of the field.
        coarsest: size in pixels of the largest lumps.
        octaves: how many scales are summed; each is half as large and 0.55 times as strong.
    """
    height, width = size
    total: Field = np.zeros(size, np.float32)
    for octave in range(octaves):
        cell = max(coarsest / 2**octave, 1.0)
        grid = (int(height / cell) + 2, int(width / cell) + 2)
        lumps = as_field(
            cv2.resize(rng.random(grid, np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        )
        total += lumps * np.float32(0.55**octave)
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)


def slope(rng: Generator, size: Size) -> Field:
    """A plane rising from 0 to 1 in a random direction."""
    height, width = size
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    plane = np.cos(angle) * columns / width + np.sin(angle) * rows / height
    return as_field((plane - plane.min()) / (plane.max() - plane.min()))


def thrice(field: Field) -> Picture:
    """The field as a grey picture; multiplying by this is four times as fast as broadcasting."""
    return as_field(cv2.merge((field, field, field)))


def blend(under: Picture, over: Picture, share: Field) -> Picture:
    """`over` laid on `under` where `share` is 1; either may be a single colour of shape (3,)."""
    return under + (over - under) * thrice(share)
