"""The surface patterns of the demo categories.

A texture maps object coordinates to the share of the object's first colour, in [0, 1]; the rest is
its second colour. `period` is the size of one repetition, in the same units as `u` and `v`. The two
colours are drawn in random order, so a texture says nothing about brightness: only its structure
tells categories apart.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from client.demo.fields import Field, as_field, edge

Texture = Callable[[Generator, Field, Field, float], Field]

_TURN = np.float32(2 * np.pi)


@dataclass(frozen=True, slots=True)
class _Cells:
    """A pixel's place in a grid of cells; `x` and `y` run from -0.5 to 0.5 inside a cell."""

    column: NDArray[np.int32]
    row: NDArray[np.int32]
    x: Field
    y: Field


def _cells(u: Field, v: Field, *, width: float, height: float, shift: float) -> _Cells:
    """Cells of the given size; every second row is moved sideways by `shift` of a cell."""
    across, along = v / np.float32(height), u / np.float32(width)
    row = np.floor(across)
    along = along + np.float32(shift) * (row % 2)
    column = np.floor(along)
    return _Cells(
        column.astype(np.int32),
        row.astype(np.int32),
        along - column - np.float32(0.5),
        across - row - np.float32(0.5),
    )


def _per_cell(rng: Generator, cells: _Cells, low: float) -> Field:
    """One random value in [low, 1] for each cell: no two bricks were burnt alike."""
    table = rng.uniform(low, 1, (32, 32)).astype(np.float32)
    return table[cells.row % 32, cells.column % 32]


def stripes(rng: Generator, u: Field, v: Field, period: float) -> Field:
    sway = rng.uniform(0.15, 0.4) * np.sin(v * np.float32(0.8 / period) + rng.uniform(0, 6))
    return edge(np.cos(_TURN * (u / np.float32(period) + as_field(sway))), 0.4)


def dots(rng: Generator, u: Field, v: Field, period: float) -> Field:
    cells = _cells(u, v, width=period, height=period * 0.87, shift=0.5)
    radius = 0.34 * _per_cell(rng, cells, 0.8)
    return edge(radius - np.hypot(cells.x, 0.87 * cells.y), 0.06)


def checks(_rng: Generator, u: Field, v: Field, period: float) -> Field:
    quarter = np.float32(np.pi / (0.62 * period))
    return edge(np.sin(u * quarter) * np.sin(v * quarter), 0.2)


def bricks(rng: Generator, u: Field, v: Field, period: float) -> Field:
    cells = _cells(u, v, width=1.5 * period, height=0.72 * period, shift=0.5)
    from_joint = np.minimum((0.5 - np.abs(cells.x)) * 1.5, (0.5 - np.abs(cells.y)) * 0.72)
    return edge(as_field(from_joint) - 0.09, 0.05) * _per_cell(rng, cells, 0.65)


def veins(rng: Generator, u: Field, v: Field, period: float) -> Field:
    lean = rng.uniform(0.8, 1.2)
    ribs = np.abs(((u - np.float32(lean) * np.abs(v)) / np.float32(period)) % 1 - 0.5)
    side = edge(as_field(0.10 - ribs), 0.07)
    middle = edge(as_field(0.10 - np.abs(v) / period), 0.06)
    return as_field(np.maximum(side * np.float32(0.85), middle))


def fur(rng: Generator, u: Field, v: Field, period: float) -> Field:
    """Hairs in two layers: noise stretched along directions that curl over the body."""
    tone = np.zeros_like(u)
    for thickness in (1.0, 0.6):
        curl = rng.uniform(0.4, 0.9) * np.sin(u * np.float32(2.2) + rng.uniform(0, 6))
        bend = np.float32(rng.uniform(-0.4, 0.4)) * v
        across = (u + as_field(curl + bend) * v) * np.float32(4.5 / (thickness * period))
        along = v * np.float32(1.3 / (thickness * period))
        tile = rng.random((64, 64), np.float32)
        tone += as_field(cv2.remap(tile, across % 63, along % 63, cv2.INTER_LINEAR))
    return edge(tone - 1, 0.45)


def scales(rng: Generator, u: Field, v: Field, period: float) -> Field:
    """Overlapping round scales in circles around the centre, whole numbers of them in a circle."""
    radius = np.hypot(u, v)
    number = max(round(_TURN * 0.72 / period), 6)
    around = (np.arctan2(v, u) / _TURN) * number
    row_height = 0.5 * period
    row = np.floor(radius / row_height)
    up = radius / row_height - row
    shade = np.zeros_like(u)
    for step in (1, 0):  # the scale of a lower row lies on top of its neighbour's root
        offset = np.float32(0.5) * ((row + step) % 2)
        sideways = (around + offset) % 1 - 0.5
        distance = np.hypot(2 * sideways, up - step)
        shade = np.where(distance < 1, distance, shade)
    tilt = rng.uniform(0.75, 0.95)
    return edge(as_field(tilt - shade), 0.25)


def weave(_rng: Generator, u: Field, v: Field, period: float) -> Field:
    cells = _cells(u, v, width=0.75 * period, height=0.75 * period, shift=0.0)
    lying = (cells.column + cells.row) % 2 == 0
    across = np.where(lying, cells.y, cells.x)
    along = np.where(lying, cells.x, cells.y)
    strand = np.cos(np.pi * across) * (0.65 + 0.35 * np.cos(np.pi * along))
    grain = 0.5 + 0.5 * np.cos(np.where(lying, 1, 3) * 2 * np.pi * across)
    return edge(as_field(strand * (0.75 + 0.25 * grain)) - 0.5, 0.35)


def spiral(rng: Generator, u: Field, v: Field, period: float) -> Field:
    turns = np.hypot(u, v) / np.float32(0.9 * period) - np.arctan2(v, u) / _TURN
    growth_lines = 0.18 * np.sin(np.arctan2(v, u) * int(rng.integers(24, 36)))
    return edge(np.cos(_TURN * turns) + as_field(growth_lines), 0.5)


def pebbles(rng: Generator, u: Field, v: Field, period: float) -> Field:
    """Cells around scattered points, with dark joints where two of them are equally near."""
    cells = _cells(u, v, width=period, height=period, shift=0.0)
    points = rng.uniform(-0.42, 0.42, (32, 32, 2)).astype(np.float32)
    tones = rng.uniform(0.6, 1, (32, 32)).astype(np.float32)
    nearest = np.full_like(u, 9)
    second = np.full_like(u, 9)
    tone = np.zeros_like(u)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            row, column = (cells.row + down) % 32, (cells.column + right) % 32
            point = points[row, column]
            distance = np.hypot(right + point[..., 0] - cells.x, down + point[..., 1] - cells.y)
            tone = np.where(distance < nearest, tones[row, column], tone)
            second = np.minimum(second, np.maximum(nearest, distance))
            nearest = np.minimum(nearest, distance)
    return edge(second - nearest - np.float32(0.13), 0.08) * tone
