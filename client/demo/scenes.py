"""A photograph that never was, and its mask.

A scene has a main object, sometimes a second one of another category, light from somewhere, and a
camera with a slightly soft lens and a noisy sensor.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from client.demo.backgrounds import background
from client.demo.categories import CATEGORIES, Category
from client.demo.fields import Field, Picture, Size, as_field, blur, cloud, slope, thrice
from client.demo.objects import Figure, painted, posed

IGNORE = 1000
_SHORTEST_SIDE, _LONGEST_SIDE = 96, 160
_STRIPS = 0.7  # probability
_SMALL = 0.06  # share of the image below which a wide strip would eat the object
_OVERLAP_LIMIT = 0.12  # of the smaller of two objects
_SECOND_ATTEMPTS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    photograph: NDArray[np.uint8]  # (H, W, 3), red first
    ids: NDArray[np.uint16]  # (H, W): 0 other, category ids, IGNORE


def _second_figure(rng: Generator, first: Figure, size: Size) -> Figure | None:
    """A smaller object of another category beside the first, or none where there is no room."""
    others = [category for category in CATEGORIES if category is not first.category]
    category = others[rng.integers(len(others))]
    share = float(first.cover.mean()) * rng.uniform(0.35, 0.9)
    for _ in range(_SECOND_ATTEMPTS):
        figure = posed(rng, category, size, float(np.clip(share, 0.02, 0.2)))
        overlap = float((figure.cover * first.cover).sum())
        if overlap < _OVERLAP_LIMIT * min(figure.cover.sum(), first.cover.sum()):
            return figure
    return None


def _with_ignore_strips(
    rng: Generator, ids: NDArray[np.uint16], *, widest: int
) -> NDArray[np.uint16]:
    """Ignore along parts of the outlines, where an annotator could not have told."""
    width = int(rng.integers(1, widest + 1))
    window = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    rim = cv2.dilate(ids, window) != cv2.erode(ids, window)
    unclear = cloud(rng, ids.shape[:2], coarsest=30, octaves=2) > rng.uniform(0.45, 0.75)
    return np.where(rim & unclear, np.uint16(IGNORE), ids)


def _photographed(rng: Generator, picture: Picture) -> NDArray[np.uint8]:
    """What the camera makes of it: uneven light, a cast, vignetting, a soft lens, sensor noise."""
    size = (picture.shape[0], picture.shape[1])
    light = rng.uniform(0.75, 1.05) + rng.uniform(0.0, 0.45) * slope(rng, size)
    exposed = picture * thrice(as_field(light * _vignette(size, rng.uniform(0.0, 0.35))))
    exposed = exposed * rng.uniform(0.92, 1.08, 3).astype(np.float32)
    toned = np.clip(exposed, 0, 1) ** np.float32(rng.uniform(0.8, 1.2))
    soft = blur(as_field(toned), rng.uniform(0.3, 0.7))
    noise = rng.standard_normal(soft.shape, np.float32)
    noisy = soft + noise * np.float32(rng.uniform(0.006, 0.03)) * np.sqrt(soft + np.float32(0.05))
    return np.asarray(np.round(np.clip(noisy, 0, 1) * 255), np.uint8)


def _vignette(size: Size, strength: float) -> Field:
    down = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None]
    right = np.linspace(-1, 1, size[1], dtype=np.float32)[None, :]
    return as_field(1 - strength * 0.5 * (down**2 + right**2))


def scene(rng: Generator, category: Category, share: float, *, company: float) -> Scene:
    """One image whose main object belongs to `category` and covers about `share` of it.

    Args:
        company: probability that a place is sought for a second object, of another category.
    """
    height, width = (int(side) for side in rng.integers(_SHORTEST_SIDE, _LONGEST_SIDE + 1, 2))
    size = (height, width)
    figures = [posed(rng, category, size, share)]
    if rng.random() < company:
        second = _second_figure(rng, figures[0], size)
        if second is not None:
            figures.insert(int(rng.integers(2)), second)
    picture = background(rng, size)
    ids = np.zeros(size, np.uint16)
    for figure in figures:
        picture = painted(rng, picture, figure)
        ids[figure.cover > 0.5] = figure.category.id  # noqa: PLR2004  # half covered
    if rng.random() < _STRIPS:
        smallest = min(float(figure.cover.mean()) for figure in figures)
        ids = _with_ignore_strips(rng, ids, widest=1 if smallest < _SMALL else 2)
    return Scene(_photographed(rng, picture), ids)
