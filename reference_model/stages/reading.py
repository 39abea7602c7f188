"""What a trained network says about whole images, at their own size."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from evaluator import encode_mask
from reference_model.data.folders import ImageFile
from reference_model.data.labelled import WholeImages
from reference_model.data.loading import reading_loader
from reference_model.data.pictures import MEAN, STD
from reference_model.data.views import as_images
from reference_model.engine.progress import followed
from reference_model.engine.run_dir import StageDir
from reference_model.networks.segmenter import AttentiveRepresentation, Segmenter
from reference_model.stages.place import Place

Ids = NDArray[np.uint16]
_PENDING = 64
"""Masks that may wait for being written."""


class Read(NamedTuple):
    """Both of shape (height, width) of the image."""

    ids: Ids
    """The best category or cluster of each pixel, from 1; 0 where a network says "other"."""
    score: NDArray[np.float32]
    """How much a pixel belongs to an object at all, in [0, 1]."""

    @classmethod
    def of(cls, ids: Tensor, score: Tensor | None = None) -> "Read":
        """From maps of shape (1, 1, height, width); without a score every pixel has the best."""
        score = torch.ones_like(ids) if score is None else score
        return cls(
            ids=ids[0, 0].to(torch.int32).cpu().numpy().astype(np.uint16),
            score=score[0, 0].float().cpu().numpy(),
        )


Rule = Callable[[Tensor, tuple[int, int]], Read]
"""From an image of shape (1, 3, h, w) and the size of its file to what is read."""


class CentroidRule:
    """The nearest centroid of each position, and how much attention it gets (equation 7).

    Args:
        centroids: shape (K, D).
        attends: False counts every pixel as object: labels at the level of pixels.
    """

    def __init__(
        self, network: AttentiveRepresentation, centroids: Tensor, *, attends: bool = True
    ) -> None:
        self._network, self._attends = network, attends
        self._directions = normalize(centroids, dim=1)

    def __call__(self, image: Tensor, size: tuple[int, int]) -> Read:
        features, attention = self._network.read(image)
        directions = normalize(features.float(), dim=1)
        alike = torch.einsum("bdhw,kd->bkhw", directions, self._directions)
        nearest = alike.argmax(dim=1, keepdim=True) + 1
        ids = interpolate(nearest.float(), size, mode="nearest")
        score = attention.float().mean(dim=1, keepdim=True)
        if not self._attends:
            score = torch.ones_like(score)
        return Read.of(ids, interpolate(score, size, mode="bilinear", align_corners=False))


class SegmenterRule:
    """The likeliest class of each pixel; large images are read at `longest_side` pixels."""

    def __init__(self, network: Segmenter, *, longest_side: int) -> None:
        self._network, self._longest_side = network, longest_side

    def __call__(self, image: Tensor, size: tuple[int, int]) -> Read:
        logits = self._network(image).float()
        readable = readable_size(size, self._longest_side)
        logits = interpolate(logits, readable, mode="bilinear", align_corners=False)
        ids = logits.argmax(dim=1, keepdim=True).float()
        ids = interpolate(ids, size, mode="nearest")
        return Read.of(ids)


class ActivationRule:
    """The image's best category, where its activation is strong (equations 15 and 16)."""

    def __init__(self, network: Segmenter) -> None:
        self._network = network

    def __call__(self, image: Tensor, size: tuple[int, int]) -> Read:
        logits = self._network(image).float()
        category = int(logits[:, 1:].mean(dim=(2, 3)).argmax()) + 1
        activation = logits[:, category : category + 1]
        low, high = activation.min(), activation.max()
        strength = (activation - low) / (high - low).clamp(min=1e-6)
        score = interpolate(strength, size, mode="bilinear", align_corners=False)
        return Read.of(torch.full_like(score, category), score)


def readable_size(size: tuple[int, int], longest_side: int) -> tuple[int, int]:
    """A size of the same shape with at most `longest_side` squared pixels."""
    height, width = size
    if height * width <= longest_side**2:
        return size
    scale = longest_side / max(size)
    return max(1, int(height * scale)), max(1, int(width * scale))


def read_all(
    images: Sequence[ImageFile], rule: Rule, *, short_side: int, stage: StageDir, place: Place
) -> Iterator[tuple[ImageFile, Read]]:
    """This process' share of the images, one after the other."""
    mine = place.part(images)
    loader = reading_loader(WholeImages(tuple(mine), short_side=short_side), workers=place.workers)
    shown = followed(loader, len(mine), stage=stage, processes=place.processes)
    with torch.inference_mode():
        for image, whole in zip(mine, shown, strict=True):
            pixels = as_images(whole.image.to(place.processes.device)[None], mean=MEAN, std=STD)
            with place.processes.autocast():
                read = rule(pixels, tuple(whole.size))
            yield image, read


class MaskWriter:
    """Writes masks in threads, as compressing them takes longer than making them."""

    def __init__(self, folder: Path, pool: ThreadPoolExecutor) -> None:
        self._folder, self._pool = folder, pool
        self._pending: list[Future[None]] = []

    def write(self, image: ImageFile, ids: Ids) -> None:
        self._pending.append(self._pool.submit(self._write, image, ids))
        if len(self._pending) >= _PENDING:
            self._pending.pop(0).result()

    def finish(self) -> None:
        for pending in self._pending:
            pending.result()

    def _write(self, image: ImageFile, ids: Ids) -> None:
        path = self._folder / image.mask_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_mask(ids))


@contextmanager
def mask_writer(folder: Path) -> Iterator[MaskWriter]:
    """A writer into `folder`; all masks are there when the block has ended."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        writer = MaskWriter(folder, pool)
        yield writer
        writer.finish()


def write_masks(
    folder: Path,
    images: Sequence[ImageFile],
    rule: Rule,
    *,
    short_side: int,
    threshold: float,
    stage: StageDir,
    place: Place,
) -> None:
    """Write this process' share of the images' masks into a folder."""
    with mask_writer(folder) as writer:
        for image, read in read_all(images, rule, short_side=short_side, stage=stage, place=place):
            writer.write(image, thresholded(read, threshold))


def thresholded(read: Read, threshold: float) -> Ids:
    """The ids, and 0 where the score is below the threshold."""
    return np.where(read.score < threshold, 0, read.ids).astype(np.uint16)
