"""What lies behind the objects: places with clutter, none of it patterned like a category."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from client.demo.fields import Picture, Size, as_field, blend, blur, cloud, edge, slope, thrice
from client.demo.palettes import palette

_Colours = NDArray[np.float32]
_SUBPIXEL_BITS = 4


def _wall(rng: Generator, size: Size, colours: _Colours) -> Picture:
    """Plaster or rock: fractal noise between two colours, stained by a third."""
    share = cloud(rng, size, coarsest=rng.uniform(30, 90), octaves=6)
    picture = colours[0]
    picture = blend(picture, colours[1], share)
    stains = edge(cloud(rng, size, coarsest=40, octaves=4) - np.float32(0.65), 0.15)
    return blend(picture, colours[2], stains * np.float32(0.6))


def _landscape(rng: Generator, size: Size, colours: _Colours) -> Picture:
    """A sky with clouds over rough ground; the horizon leans and is not straight."""
    height, width = size
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    lean, level = rng.normal(0, 0.12), rng.uniform(0.2, 0.7) * height
    hills = cloud(rng, size, coarsest=60, octaves=4) * np.float32(18)
    depth = rows - np.float32(level) - np.float32(lean) * (columns - width / 2) + hills
    haze = np.clip(rows / height, 0, 1)
    sky = blend(colours[0], colours[1], haze)
    sky = blend(sky, colours[2], cloud(rng, size, coarsest=50, octaves=5) ** 3)
    ground = blend(
        colours[3],
        colours[4],
        cloud(rng, size, coarsest=24, octaves=5),
    )
    return blend(sky, ground, edge(as_field(depth), 1.5))


def _thicket(rng: Generator, size: Size, colours: _Colours) -> Picture:
    """Plain blades and pads heaped on one another, the far ones darker."""
    height, width = size
    canvas = np.full((height, width, 3), 255 * 0.4 * colours[0], np.uint8)
    number = int(rng.integers(50, 90))
    for layer in range(number):
        centre = rng.uniform(-0.05, 1.05, 2) * [width, height]
        long, thin = rng.uniform(8, 30), rng.uniform(2, 10)
        brightness = 0.45 + 0.55 * layer / number + rng.normal(0, 0.08)
        colour = np.clip(255 * brightness * colours[rng.integers(len(colours))], 0, 255)
        place, axes = (int(centre[0]), int(centre[1])), (int(long), int(thin))
        turn = float(rng.integers(360))
        cv2.ellipse(canvas, place, axes, turn, 0, 360, colour.tolist(), -1, cv2.LINE_AA)
    return blur(as_field(canvas) / np.float32(255), rng.uniform(0.5, 1.6))


def _lights(rng: Generator, size: Size, colours: _Colours) -> Picture:
    """Out-of-focus lamps in front of darkness."""
    height, width = size
    base = cloud(rng, size, coarsest=70, octaves=3)
    picture = blend(0.35 * colours[0], 0.7 * colours[1], base)
    canvas = np.zeros((height, width, 3), np.uint8)
    for _ in range(int(rng.integers(8, 22))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        colour = (255 * colours[rng.integers(2, 5)]).tolist()
        cv2.circle(canvas, centre, int(rng.integers(3, 14)), colour, -1, cv2.LINE_AA)
    glow = blur(as_field(canvas) / np.float32(255), rng.uniform(2.0, 4.0))
    return np.clip(picture + np.float32(0.7) * glow, 0, 1)


_PLACES: tuple[Callable[[Generator, Size, _Colours], Picture], ...] = (
    _wall,
    _landscape,
    _thicket,
    _lights,
)


def _distractor(rng: Generator, size: Size) -> NDArray[np.float64]:
    """A rod, a potato or a splinter: corners in image coordinates, shape (N, 2)."""
    height, width = size
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 9)))
    corners = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    stretch = rng.choice([1.0, 2.0, 7.0], p=[0.5, 0.3, 0.2])
    radius = rng.uniform(0.05, 0.22) * min(height, width) / np.sqrt(stretch)
    turn = rng.uniform(0, 2 * np.pi)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    place = rng.uniform(0, 1, 2) * [width, height]
    return np.asarray((corners * [stretch * radius, radius]) @ rotation + place)


def _with_distractors(rng: Generator, picture: Picture) -> Picture:
    size = picture.shape[:2]
    for _ in range(int(rng.integers(2, 7))):
        corners = _distractor(rng, size)
        cover = np.zeros(size, np.uint8)
        fixed = np.round(corners * 2**_SUBPIXEL_BITS).astype(np.int32)
        cv2.fillPoly(cover, [fixed], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        colours = palette(rng)
        paint = blend(colours[0], colours[1], slope(rng, size))
        share = blur(as_field(cover) / np.float32(255), rng.uniform(0.5, 2.0))
        picture = blend(picture, paint, share * np.float32(rng.uniform(0.7, 1.0)))
    return picture


def background(rng: Generator, size: Size) -> Picture:
    """A cluttered place without any object of a category, out of focus behind what stands there."""
    place = _PLACES[rng.integers(len(_PLACES))]
    picture = _with_distractors(rng, place(rng, size, palette(rng)))
    grain = cloud(rng, size, coarsest=6, octaves=3) - np.float32(0.5)
    picture = picture * thrice(1 + np.float32(rng.uniform(0.05, 0.3)) * grain)
    out_of_focus = rng.uniform(3.0, 8.0)
    return np.clip(blur(picture, out_of_focus), 0, 1)
