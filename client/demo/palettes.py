"""One table of colours for every object and background: a colour tells nothing of a category."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Colour = NDArray[np.float32]
"""Red, green and blue in [0, 1], shape (3,)."""

_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601

_PALETTES = {
    "forest": "1f2d1a 3f5a2a 7a8b4f c2b280 5b4632",
    "shore": "0f3a4a 2f7f8f 9fd3d0 e8d9b0 b08a5a",
    "autumn": "4a1e12 a3441c d98a2b f0cf7a 6b6b3a",
    "dusk": "1b1f3b 4d3f72 a05c7b e59a7a f3d6b3",
    "stone": "2b2b2e 5c5f63 8e9296 c5c4be 7a6a5a",
    "berry": "3b0f24 8c1f3f c8556d e9b9b0 55703f",
    "meadow": "24401f 5f8f3a b5cf6b f2e6a0 c77dad",
    "harbour": "14233a 2b5d8a 79a9c9 e6e4d9 b5482f",
    "clay": "3d2417 7c4a2d b87a4e dcb48a 8f9a8a",
    "frost": "22384a 5f8199 a9c3cf eef3f2 8a7f9a",
}


def _colours(words: str) -> NDArray[np.float32]:
    rows = [[int(word[i : i + 2], 16) / 255 for i in (0, 2, 4)] for word in words.split()]
    return np.array(rows, np.float32)


_TABLES = tuple(_colours(words) for words in _PALETTES.values())


def luminance(colour: Colour) -> float:
    return float(colour @ _LUMINANCE)


def palette(rng: Generator) -> NDArray[np.float32]:
    """One palette in random order, shape (5, 3), each colour shifted a little."""
    table = _TABLES[rng.integers(len(_TABLES))]
    shifted = rng.permutation(table) + rng.normal(0, 0.04, table.shape)
    return np.clip(shifted, 0.02, 0.98).astype(np.float32)


def two_tones(rng: Generator) -> tuple[Colour, Colour]:
    """Two colours, in random order, apart enough in brightness for a pattern to be seen."""
    first, second = palette(rng)[:2]
    wanted = rng.uniform(0.28, 0.45)
    apart = luminance(first) - luminance(second)
    missing = max(wanted - abs(apart), 0) / 2 * (1 if apart >= 0 else -1)
    return (
        np.clip(first + np.float32(missing), 0, 1),
        np.clip(second - np.float32(missing), 0, 1),
    )
