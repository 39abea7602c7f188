"""Two honest entries for the demo boards: simple methods that predict a split from its images.

Both learn from the annotated training images (so they belong to the semi-supervised protocol) and
never open a mask of the split which they predict. At every point of a grid an image is described by
what surrounds the point; the nearest described points of the training images vote for a category;
votes are smoothed over the image and the strongest wins. The methods differ in the description:

* *Texture k-NN* counts textons, the recurring kinds of local structure, in a round window.
* *Colour k-NN* takes the mean colour and its spread in the same window.
"""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from client.demo.categories import CATEGORIES
from client.demo.dataset import TEST, TRAIN_SEMI, encoded_mask, mask_folder
from client.demo.fields import Field, as_field, blur

Descriptors = NDArray[np.float32]
"""Shape (h, w, D): D numbers for each point of the grid."""

Describe = Callable[[NDArray[np.uint8]], Descriptors]
"""From an image of shape (H, W, 3), blue first as OpenCV reads it, to its descriptors."""

DECLARED_YES = frozenset({"semi_masks"})
"""Of the facts that a submission declares, those that are true of these entries."""

PROTOCOL = "semi-supervised"

_STRIDE = 4  # pixels between neighbouring points of the grid
_WINDOW = 5.0  # pixels: the standard deviation of the window that a descriptor looks through
_SMOOTHING = 5.0  # pixels, likewise, for the votes
_NEIGHBOURS = 15
_EXAMPLES_PER_CATEGORY = 150
_EXAMPLES_OF_OTHER = 450  # backgrounds come in more kinds than any category
_TEXTONS = 64
_CLASSES = len(CATEGORIES) + 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A method: how it learns to describe images, and what its authors say about it."""

    slug: str
    name: str
    networks: str
    description: str
    learn: Callable[[list[NDArray[np.uint8]], Generator], Describe]

    def card(self) -> str:
        """The method.txt of its submission."""
        return (
            f"Method name: {self.name}\n"
            f"Training data: the annotated training images of the demo data set\n"
            f"Training scheme: Sup\n"
            f"Networks: {self.networks}\n"
            f"Paper/Project link: null\n"
            f"Method description: {self.description}\n"
        )


def _structure(image: NDArray[np.uint8]) -> Field:
    """What the brightness does around each pixel, whichever way the image is turned: (H, W, 9).

    At three scales: how steep it is, and the larger and the smaller of its two curvatures, all
    relative to the contrast of the neighbourhood.
    """
    grey = as_field(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)) / np.float32(255)
    contrast = np.sqrt(blur((grey - blur(grey, 4.0)) ** 2, 6.0)) + np.float32(0.02)
    responses = []
    for scale in (0.8, 1.4, 2.4):
        smooth = blur(grey, scale) / contrast
        down, right = np.gradient(smooth)
        down_down, down_right = np.gradient(down)
        _, right_right = np.gradient(right)
        middle = (down_down + right_right) / 2
        swing = np.sqrt(((down_down - right_right) / 2) ** 2 + down_right**2)
        responses += [
            np.float32(scale) * np.hypot(down, right),
            np.float32(scale**2) * (middle + swing),
            np.float32(scale**2) * (middle - swing),
        ]
    return as_field(np.stack(responses, axis=2))


def _textons(images: list[NDArray[np.uint8]], rng: Generator) -> NDArray[np.float32]:
    """The recurring kinds of structure in these images, shape (_TEXTONS, 9), by k-means."""
    samples = []
    for image in images:
        responses = _structure(image).reshape(-1, 9)
        samples.append(responses[rng.choice(len(responses), 400, replace=False)])
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 20, 0.0)
    cv2.setRNGSeed(int(rng.integers(2**31)))
    _, _, centres = cv2.kmeans(
        np.concatenate(samples), _TEXTONS, np.empty(0, np.int32), stop, 1, cv2.KMEANS_PP_CENTERS
    )
    return as_field(centres)


def _learn_texture(images: list[NDArray[np.uint8]], rng: Generator) -> Describe:
    textons = _textons(images, rng)

    def describe(image: NDArray[np.uint8]) -> Descriptors:
        responses = _structure(image).reshape(-1, 9)
        nearness = responses @ textons.T - (textons**2).sum(axis=1) / 2
        kinds = nearness.argmax(axis=1).reshape(image.shape[:2])
        counts = (kinds[..., None] == np.arange(_TEXTONS)).astype(np.float32)
        # The square root makes Euclidean distance between histograms Hellinger's.
        return np.sqrt(np.maximum(_seen_through_window(counts), 0))

    return describe


def _learn_colour(_images: list[NDArray[np.uint8]], _rng: Generator) -> Describe:
    def describe(image: NDArray[np.uint8]) -> Descriptors:
        colour = as_field(cv2.cvtColor(image, cv2.COLOR_BGR2LAB)) / np.float32(255)
        mean = _seen_through_window(colour)
        variance = _seen_through_window(colour**2) - mean**2
        return np.concatenate([mean, np.sqrt(np.maximum(variance, 0))], axis=2)

    return describe


def _seen_through_window(channels: Field) -> Descriptors:
    """Averages of each channel in a soft round window around each point of the grid."""
    height, width, depth = channels.shape
    padded = np.pad(channels, ((0, -height % _STRIDE), (0, -width % _STRIDE), (0, 0)), "edge")
    blocks = padded.reshape(-(-height // _STRIDE), _STRIDE, -(-width // _STRIDE), _STRIDE, depth)
    return blur(blocks.mean(axis=(1, 3)), _WINDOW / _STRIDE)


TEXTURE = Entry(
    slug="texture-knn",
    name="Texture k-NN",
    networks="none: 64 textons, 15 nearest neighbours",
    description=(
        "Counts of learned textons around each point of a grid are compared with those of the "
        "annotated training images; the nearest vote, the votes are smoothed."
    ),
    learn=_learn_texture,
)
COLOUR = Entry(
    slug="colour-knn",
    name="Colour k-NN",
    networks="none: mean and spread of colour, 15 nearest neighbours",
    description=(
        "As Texture k-NN, but points are described by the mean colour around them and its spread: "
        "a baseline for what colour alone can tell."
    ),
    learn=_learn_colour,
)
ENTRIES = (TEXTURE, COLOUR)


@dataclass(frozen=True, slots=True, eq=False)
class _Bank:
    """Described points of known category; the categories as one-hot rows."""

    descriptors: NDArray[np.float32]  # (N, D)
    votes: NDArray[np.float32]  # (N, _CLASSES)


def _read(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} is not an image that OpenCV can read")
    return np.asarray(image, np.uint8)


def _learned_bank(data: Path, entry: Entry, rng: Generator) -> tuple[Describe, _Bank]:
    paths = sorted((data / TRAIN_SEMI).rglob("*.JPEG"))
    images = [_read(path) for path in paths]
    describe = entry.learn(images, rng)
    points, ids = [], []
    for path, image in zip(paths, images, strict=True):
        described = describe(image)
        points.append(described.reshape(-1, described.shape[2]))
        ids.append(_grid_ids(data, path, described.shape[:2]).ravel())
    descriptors, categories = np.concatenate(points), np.concatenate(ids)
    chosen = np.concatenate(
        [
            _some(rng, np.flatnonzero(categories == 0), _EXAMPLES_OF_OTHER),
            *(
                _some(rng, np.flatnonzero(categories == category.id), _EXAMPLES_PER_CATEGORY)
                for category in CATEGORIES
            ),
        ]
    )
    votes = np.eye(_CLASSES, dtype=np.float32)[categories[chosen]]
    return describe, _Bank(descriptors[chosen], votes)


def _some(rng: Generator, indices: NDArray[np.intp], number: int) -> NDArray[np.intp]:
    return rng.choice(indices, min(number, len(indices)), replace=False)


def _grid_ids(data: Path, image: Path, grid: tuple[int, ...]) -> NDArray[np.int64]:
    """The annotated id at each point of the grid; 1000 where it is not known."""
    mask = _read(data / mask_folder(TRAIN_SEMI) / image.parent.name / f"{image.stem}.png")
    ids = mask[..., 2] + 256 * mask[..., 1].astype(np.int64)
    rows = np.minimum(np.arange(grid[0]) * _STRIDE + _STRIDE // 2, ids.shape[0] - 1)
    columns = np.minimum(np.arange(grid[1]) * _STRIDE + _STRIDE // 2, ids.shape[1] - 1)
    return ids[np.ix_(rows, columns)]


def _predicted(image: NDArray[np.uint8], describe: Describe, bank: _Bank) -> NDArray[np.uint16]:
    described = describe(image)
    height, width, depth = described.shape
    nearness = described.reshape(-1, depth) @ bank.descriptors.T
    nearness -= (bank.descriptors**2).sum(axis=1) / 2
    nearest = np.argpartition(nearness, -_NEIGHBOURS, axis=1)[:, -_NEIGHBOURS:]
    votes = bank.votes[nearest].mean(axis=1).reshape(height, width, _CLASSES)
    padded_size = (width * _STRIDE, height * _STRIDE)
    smooth = as_field(cv2.resize(blur(votes, _SMOOTHING / _STRIDE), padded_size))
    strongest = smooth[: image.shape[0], : image.shape[1]].argmax(axis=2)
    return np.asarray(strongest, np.uint16)


def write_entry(
    entry: Entry,
    data: Path,
    destination: Path,
    *,
    folder: str = TEST.folder,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> None:
    """Predict every image of a split and write the submission archive.

    Args:
        entry: the method.
        data: a demo data set.
        destination: the zip file to write.
        folder: the split's folder in the data set.
        progress: called after each image, with the number done and in all.
    """
    describe, bank = _learned_bank(data, entry, default_rng(0))
    with zipfile.ZipFile(destination, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("method.txt"), entry.card())  # dated 1980: the same bytes
        paths = sorted((data / folder).rglob("*.JPEG"))
        for done, path in enumerate(paths, start=1):
            ids = _predicted(_read(path), describe, bank)
            name = zipfile.ZipInfo(f"{path.parent.name}/{path.stem}.png")
            archive.writestr(name, encoded_mask(ids))
            progress(done, len(paths))
