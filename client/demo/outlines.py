"""The silhouettes of the demo categories.

An outline is a function of a random generator and returns closed contours, each of shape (N, 2), in
object coordinates: the centre is (0, 0) and nothing lies further out than about 1. A second contour
is a hole. Individuals of one category differ, as animals and plants do.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Contour = NDArray[np.float64]
Outline = Callable[[Generator], list[Contour]]

_TURN = 2 * np.pi


def _polar(angles: NDArray[np.float64], radii: NDArray[np.float64]) -> Contour:
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def _round_trip(points: int) -> NDArray[np.float64]:
    return np.linspace(0, _TURN, points, endpoint=False)


def _wobble(rng: Generator, angles: NDArray[np.float64], strength: float) -> NDArray[np.float64]:
    """Around 1, with a few random harmonics: nothing alive is drawn with compasses."""
    total = np.ones_like(angles)
    for harmonic in range(2, 6):
        amplitude = rng.normal(0, strength / harmonic)
        total += amplitude * np.cos(harmonic * angles + rng.uniform(0, _TURN))
    return total


def fish(rng: Generator) -> list[Contour]:
    along = np.linspace(0, 1, 24)
    x = 1.0 - 1.55 * along
    depth = rng.uniform(0.36, 0.50)
    back = depth * np.sin(np.pi * along**0.8) ** 0.9 + 0.07 * along
    back += rng.uniform(0.10, 0.18) * np.exp(-(((along - 0.5) / 0.13) ** 2))  # the dorsal fin
    belly = 0.9 * depth * np.sin(np.pi * along**0.8) ** 0.9 + 0.07 * along
    spread, fork = rng.uniform(0.34, 0.46), rng.uniform(-0.90, -0.78)
    tail = np.array([[-1.0, -spread], [fork, 0.0], [-1.0, spread]])
    upper = np.stack([x, -back], axis=1)
    lower = np.stack([x, belly], axis=1)[::-1]
    return [np.concatenate([upper, tail, lower])]


def disc(rng: Generator) -> list[Contour]:
    angles = _round_trip(48)
    return [_polar(angles, 0.95 * _wobble(rng, angles, 0.015))]


def star(rng: Generator) -> list[Contour]:
    waist = rng.uniform(0.44, 0.54)
    angles = _round_trip(10) + rng.normal(0, 0.04, 10)
    return [_polar(angles, np.where(np.arange(10) % 2, waist, 1.0) * rng.normal(1, 0.03, 10))]


def block(rng: Generator) -> list[Contour]:
    half_height = rng.uniform(0.48, 0.62)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [0.86, half_height]
    return [corners + rng.normal(0, 0.025, corners.shape)]


def leaf(rng: Generator) -> list[Contour]:
    along = np.linspace(0, 1, 24)
    half_width = rng.uniform(0.40, 0.52)
    x = 2 * along - 1
    bend = rng.uniform(-0.12, 0.12) * (1 - x**2)
    teeth = 1 + 0.05 * np.cos(np.pi * np.arange(24))
    y = half_width * np.sin(np.pi * along**0.75) * teeth
    upper = np.stack([x, bend - y], axis=1)
    lower = np.stack([x, bend + y], axis=1)[::-1]
    return [np.concatenate([upper, lower])]


def blob(rng: Generator) -> list[Contour]:
    angles = _round_trip(180)
    tufts = 1 + 0.07 * rng.random(180) * np.where(np.arange(180) % 2, 1, -1)
    return [_polar(angles, 0.82 * _wobble(rng, angles, 0.22) * tufts)]


def ring(rng: Generator) -> list[Contour]:
    angles = _round_trip(48)
    wobble = _wobble(rng, angles, 0.02)
    return [_polar(angles, 0.97 * wobble), _polar(angles, rng.uniform(0.42, 0.5) * wobble)]


def cross(rng: Generator) -> list[Contour]:
    arm = rng.uniform(0.32, 0.40)
    quarter = np.array([[0.97, -arm], [0.97, arm], [arm, arm]])
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    quarters = [quarter]
    for _ in range(3):
        quarters.append(quarters[-1] @ turn)
    corners = np.concatenate(quarters)
    return [corners + rng.normal(0, 0.02, corners.shape)]


def shell(rng: Generator) -> list[Contour]:
    angles = np.linspace(0, _TURN, 56)
    growth = rng.uniform(0.10, 0.14)
    return [_polar(angles, np.exp(growth * (angles - _TURN)))]


def crescent(rng: Generator) -> list[Contour]:
    opening = rng.uniform(0.85, 1.05)
    outer = np.linspace(opening, _TURN - opening, 44)
    back = _polar(outer, np.full(44, 0.95))
    tip_x, tip_y = back[0]
    depth = rng.uniform(-0.22, -0.08)
    sweep = np.linspace(-1, 1, 24)
    front = np.stack([depth + (tip_x - depth) * sweep**2, sweep * tip_y], axis=1)
    return [np.concatenate([back, front])]
