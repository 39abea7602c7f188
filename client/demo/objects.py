"""One object: where it stands in the image, and how it is painted there."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from client.demo.categories import Category
from client.demo.fields import Field, Picture, Size, as_field, blend, blur, cloud, thrice
from client.demo.outlines import Contour
from client.demo.palettes import two_tones

_SUBPIXEL_BITS = 4
_COARSE = 4  # posing looks at every fourth pixel only
_POSE_ATTEMPTS = 40
_SMALLEST_PERIOD, _LARGEST_PERIOD = 5.0, 13.0  # pixels: finer than this no camera shows it


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """An affine map from object to image coordinates (x to the right, y down, in pixels)."""

    matrix: NDArray[np.float64]  # (2, 2)
    centre: NDArray[np.float64]  # (2,)

    @property
    def radius(self) -> float:
        """How many pixels one unit of object coordinates spans, on average over directions."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))

    def scaled(self, factor: float) -> "Pose":
        return Pose(self.matrix * factor, self.centre)

    def to_image(self, contour: Contour) -> Contour:
        return np.asarray(contour @ self.matrix.T + self.centre)

    def to_object(self, size: Size) -> tuple[Field, Field]:
        """Object coordinates of every pixel centre."""
        rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
        x, y = columns - self.centre[0], rows - self.centre[1]
        inverse = np.linalg.inv(self.matrix)
        return (
            as_field(inverse[0, 0] * x + inverse[0, 1] * y),
            as_field(inverse[1, 0] * x + inverse[1, 1] * y),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """An object of a category that stands in the image; `cover` is 1 inside, soft at the rim."""

    category: Category
    pose: Pose
    cover: Field


def _random_pose(rng: Generator, size: Size) -> Pose:
    """Any place, more or less upright, mirrored or not, seen a little from the side."""
    turn, stretch = rng.normal(0, 0.25), rng.uniform(0.85, 1.18)
    mirror = 1 if rng.random() < 0.5 else -1  # noqa: PLR2004  # a fair coin
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shear = np.array([[stretch, rng.uniform(-0.15, 0.15)], [0, mirror / stretch]])
    height, width = size
    centre = rng.uniform(0.12, 0.88, 2) * [width, height]
    return Pose(rotation @ shear * 0.3 * min(size), centre)


def _rasterised(contours: list[Contour], size: Size, shrink: int = 1) -> NDArray[np.uint8]:
    """Coverage 0..255, anti-aliased; with `shrink` of an image that many times smaller."""
    cover = np.zeros((size[0] // shrink, size[1] // shrink), np.uint8)
    fixed = [
        np.round(contour / shrink * 2**_SUBPIXEL_BITS).astype(np.int32) for contour in contours
    ]
    cv2.fillPoly(cover, fixed, 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return cover


def _share(contours: list[Contour], size: Size) -> float:
    coarse = _rasterised(contours, size, _COARSE)
    return float(coarse.mean()) / 255


def _whole_area(contours: list[Contour]) -> float:
    outer, *holes = (cv2.contourArea(contour.astype(np.float32)) for contour in contours)
    return float(outer - sum(holes))


def posed(rng: Generator, category: Category, size: Size, share: float) -> Figure:
    """An individual of the category that covers about this share of the image.

    Position and direction are drawn first and alike for all categories; only the scale is fitted.
    Small objects stay mostly inside the image, large ones may reach far beyond it.
    """
    contours = category.outline(rng)
    least_visible = 0.75 if share < 0.2 else 0.35  # noqa: PLR2004  # a taste, not a constant
    closest, closest_miss = None, np.inf
    for _ in range(_POSE_ATTEMPTS):
        pose = _random_pose(rng, size)
        for _ in range(5):
            found = max(_share([pose.to_image(c) for c in contours], size), 1e-3)
            pose = pose.scaled(float(np.clip(np.sqrt(share / found), 0.5, 2.0)))
        outlines = [pose.to_image(c) for c in contours]
        found = _share(outlines, size)
        visible = found * size[0] * size[1] / _whole_area(outlines)
        miss = abs(found / share - 1) + (1 if visible < least_visible else 0)
        if miss < closest_miss:
            closest, closest_miss = pose, miss
        if miss < 0.12:  # noqa: PLR2004  # near enough to stay in the size bin
            break
    if closest is None:
        raise RuntimeError(f"no place found for a {category.name}")
    cover = _rasterised([closest.to_image(c) for c in contours], size)
    return Figure(category, closest, as_field(cover) / np.float32(255))


def _relief(rng: Generator, figure: Figure, tone: Field) -> Field:
    """Brightness around 1 of a domed, embossed surface lit from one side."""
    inside = (figure.cover > 0.5).astype(np.uint8)  # noqa: PLR2004  # half covered
    depth = as_field(cv2.distanceTransform(inside, cv2.DIST_L2, 3))
    rim = np.float32(max(0.45 * figure.pose.radius, 3.0))
    dome = np.sqrt(np.clip(depth / rim, 0, 1)) * rim * np.float32(0.5)
    surface = blur(dome, 1.0) + np.float32(rng.uniform(-0.8, 0.8)) * tone
    down, right = np.gradient(surface)
    light = rng.uniform(0, 2 * np.pi)
    facing = np.cos(light) * right + np.sin(light) * down
    return as_field(1 + 0.28 * np.tanh(facing))


def _with_shadow(rng: Generator, picture: Picture, figure: Figure) -> Picture:
    reach = 0.12 * figure.pose.radius
    right, down = rng.uniform(-reach, reach, 2)
    shift = np.array([[1, 0, right], [0, 1, down]])
    height, width = figure.cover.shape
    cast = as_field(cv2.warpAffine(figure.cover, shift, (width, height)))
    dark = blur(cast, 1.0 + 0.06 * figure.pose.radius) * np.float32(rng.uniform(0.2, 0.6))
    return picture * thrice(1 - dark)


def painted(rng: Generator, picture: Picture, figure: Figure) -> Picture:
    """The picture with the figure and its shadow in it."""
    size = (picture.shape[0], picture.shape[1])
    u, v = figure.pose.to_object(size)
    radius = figure.pose.radius
    period = np.clip(radius * rng.uniform(0.28, 0.42), _SMALLEST_PERIOD, _LARGEST_PERIOD) / radius
    waver = (cloud(rng, size, coarsest=24, octaves=2) - np.float32(0.5)) * np.float32(0.3 * period)
    tone = figure.category.texture(rng, u + waver, v - waver, float(period))
    first, second = two_tones(rng)
    paint = blend(second, first, tone)
    mottling = 1 + 0.25 * (cloud(rng, size, coarsest=20, octaves=4) - np.float32(0.5))
    lit = np.clip(paint * thrice(_relief(rng, figure, tone) * mottling), 0, 1)
    return blend(_with_shadow(rng, picture, figure), as_field(lit), figure.cover)
