"""A data set of a few images in ImageNet-S layout: shapes of three kinds on noise."""

from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from evaluator import encode_mask

CATEGORIES = ("n01", "n02", "n03")
COLOURS = ((200, 40, 40), (40, 200, 40), (40, 40, 200))
SIDE = 40


def write_tiny_data(root: Path, *, train: int = 4, held_out: int = 2) -> Path:
    """Write all splits; `train` and `held_out` images in each category."""
    rng = default_rng(0)
    for split, count in (("train", train), ("validation", held_out), ("test", held_out)):
        for index, category in enumerate(CATEGORIES):
            for number in range(count):
                picture, ids = scene(rng, index)
                name = f"{category}/{split}_{number}"
                write(root / split / f"{name}.JPEG", jpeg(picture))
                if split == "validation":
                    write(root / "validation-segmentation" / f"{name}.png", encode_mask(ids))
                if split == "train" and number < 2:
                    write(root / "train-semi" / f"{name}.JPEG", jpeg(picture))
                    write(root / "train-semi-segmentation" / f"{name}.png", encode_mask(ids))
    return root


def scene(rng: Generator, category: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """A coloured square on grey noise, and its ids."""
    height, width = rng.integers(SIDE, SIDE + 9, 2)
    picture = rng.integers(90, 160, (height, width, 3)).astype(np.uint8)
    ids = np.zeros((height, width), np.uint16)
    top, left = rng.integers(2, 14, 2)
    picture[top : top + 20, left : left + 20] = COLOURS[category]
    ids[top : top + 20, left : left + 20] = category + 1
    return picture, ids


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return encoded.tobytes()


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
