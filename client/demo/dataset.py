"""The demo data set as folders: ImageNet-S layout, the same bytes for the same seed.

The folders are made beside their destination and moved there in one step when everything is
written, so a folder that carries the asked-for name is complete. The bytes depend on the seed and
on the builds of NumPy and OpenCV, not on the number of threads.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import NDArray

from client.console import all_cores
from client.demo.categories import CATEGORIES, Category
from client.demo.scenes import Scene, scene

VERSION = 2
"""Raised whenever the same seed would give other images."""

Shares = tuple[tuple[float, float], ...]
"""Least and largest share of the image that main objects cover, repeated over a category."""

# One range for each size bin (S, MS, ML, L) with room to its limits: small things are common, huge
# ones rare.
_S, _MS, _ML, _L = (0.02, 0.042), (0.07, 0.21), (0.29, 0.45), (0.55, 0.75)
_EVERY_SIZE: Shares = (_MS, _S, _ML, _L, _MS, _S, _ML, _MS)
# Somebody took the picture for the object's sake, as those of ImageNet's training images.
_CENTRAL: Shares = ((0.3, 0.45), (0.2, 0.35), (0.35, 0.6), (0.25, 0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One folder of images; `masks` of each category's first images are written too."""

    folder: str
    images_per_category: int
    masks_per_category: int
    shares: Shares = _EVERY_SIZE
    company: float = 0.35
    """Probability of a second object of another category."""


TRAIN = Split(
    folder="train", images_per_category=120, masks_per_category=8, shares=_CENTRAL, company=0.1
)
VALIDATION = Split(folder="validation", images_per_category=12, masks_per_category=12)
TEST = Split(folder="test", images_per_category=16, masks_per_category=16)
SPLITS = (TRAIN, VALIDATION, TEST)
TRAIN_SEMI = "train-semi"
"""The annotated images: as in ImageNet-S, copies of some training images."""


class DestinationExistsError(Exception):
    """There already is something at the place where the data set shall go."""

    def __init__(self, destination: Path) -> None:
        super().__init__(f"{destination} exists and is not an empty folder")


@dataclass(frozen=True, slots=True)
class _Order:
    """One image to make; `index` counts within the category."""

    split: Split
    category: Category
    index: int
    stem: str
    seed: SeedSequence


def mask_folder(folder: str) -> str:
    return f"{folder}-segmentation"


def write_demo_data(
    destination: Path, *, seed: int, progress: Callable[[int, int], None] = lambda *_: None
) -> None:
    """Write the whole data set.

    Args:
        destination: a folder that does not exist yet, or an empty one.
        seed: a number from 0 on; the same seed gives the same bytes.
        progress: called from this thread after each image, with the number done and in all.

    Raises:
        DestinationExistsError: the destination has something in it.
    """
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise DestinationExistsError(destination)
    orders = [order for split in SPLITS for order in _orders(split, seed)]
    with _built_aside(destination) as root, _pool() as pool:
        for folder in {path.parent for order in orders for path in _paths(root, order)}:
            folder.mkdir(parents=True, exist_ok=True)
        for done, _ in enumerate(pool.map(_write_image, repeat(root), orders), start=1):
            progress(done, len(orders))
        _write_names(root, seed)


@contextmanager
def _built_aside(destination: Path) -> Iterator[Path]:
    """A folder beside the destination that takes its name at the end, or vanishes on failure."""
    destination = destination.resolve()
    aside = destination.with_name(f".{destination.name}.unfinished-{os.getpid()}")
    aside.mkdir(parents=True)
    try:
        yield aside
        aside.rename(destination)  # replaces an empty folder, refuses a full one
    except BaseException:
        shutil.rmtree(aside)
        raise


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for making images, while OpenCV starts none of its own.

    Most of the time goes by inside NumPy and OpenCV without the interpreter's lock, but not all
    of it: beyond four, threads wait for one another (tried: six on two cores take twice as long).
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    pool = ThreadPoolExecutor(max_workers=min(all_cores(), 4))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(before)


def _orders(split: Split, seed: int) -> Iterator[_Order]:
    root = SeedSequence([seed, SPLITS.index(split)])
    total = split.images_per_category * len(CATEGORIES)
    numbers = default_rng(root).permutation(total) + 1  # so that a name tells nothing
    for position, image_seed in enumerate(root.spawn(total)):
        index, category = divmod(position, len(CATEGORIES))
        tag = CATEGORIES[category].tag
        prefix = tag if split is TRAIN else f"demo_{split.folder}"
        stem = f"{prefix}_{numbers[position]:08d}"
        yield _Order(split, CATEGORIES[category], index, stem, image_seed)


def _paths(root: Path, order: _Order) -> tuple[Path, ...]:
    """Where the image goes, and the mask and the annotated copy if it has them: up to three."""
    image = Path(order.category.tag, f"{order.stem}.JPEG")
    mask = image.with_suffix(".png")
    folder = order.split.folder
    if order.index >= order.split.masks_per_category:
        return (root / folder / image,)
    if order.split is TRAIN:
        return (
            root / folder / image,
            root / mask_folder(TRAIN_SEMI) / mask,
            root / TRAIN_SEMI / image,
        )
    return (root / folder / image, root / mask_folder(folder) / mask)


def _write_image(root: Path, order: _Order) -> None:
    rng = default_rng(order.seed)
    shares = order.split.shares
    share = rng.uniform(*shares[order.index % len(shares)])
    made = scene(rng, order.category, share, company=order.split.company)
    image_path, *annotated = _paths(root, order)
    jpeg = _encoded_jpeg(rng, made)
    image_path.write_bytes(jpeg)
    if annotated:
        annotated[0].write_bytes(encoded_mask(made.ids))
        for copy in annotated[1:]:
            copy.write_bytes(jpeg)


def _encoded_jpeg(rng: Generator, made: Scene) -> bytes:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(82, 96))]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(made.photograph, cv2.COLOR_RGB2BGR), quality)
    return encoded.tobytes()


def encoded_mask(ids: NDArray[np.uint16]) -> bytes:
    """The ids, shape (H, W), as a mask file: 8-bit RGB PNG with id = R + 256 * G."""
    blue, green, red = np.zeros_like(ids), ids >> 8, ids & 0xFF
    _, encoded = cv2.imencode(".png", np.stack([blue, green, red], axis=2).astype(np.uint8))
    return encoded.tobytes()


def _write_names(root: Path, seed: int) -> None:
    rows = [f"{category.tag},{category.name},{category.id}\n" for category in CATEGORIES]
    (root / "names.csv").write_text("wnid,name,id\n" + "".join(rows))
    origin = {"made_by": "luss demo-data", "version": VERSION, "seed": seed}
    (root / "origin.json").write_text(json.dumps(origin) + "\n")
