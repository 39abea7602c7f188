"""Small label maps and the files that hold them: what most tests of the evaluator start from."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluator import encode_mask
from evaluator.label_map import LabelRuns

Ids = NDArray[np.uint16]
Pair = tuple[Ids, Ids]

CLASSES = 5
METHOD = (
    "Method name: tried\nTraining data: none\nTraining scheme: SSL\nNetworks: none\n"
    "Paper/Project link: https://example.org\nMethod description: made by a test\n"
)


def label_plane(runs: LabelRuns, shape: tuple[int, ...]) -> NDArray[np.uint16]:
    """Labels per pixel."""
    return np.repeat(runs.labels[runs.cells], runs.lengths).reshape(shape)


def boundary_of(ids: Ids | NDArray[np.uint8]) -> NDArray[np.uint16]:
    """1 where a pixel lies on the boundary of its region, else 0."""
    return label_plane(LabelRuns.of_mask(ids), ids.shape) & 1


@st.composite
def label_maps(draw: st.DrawFn, shape: tuple[int, int], ids: Sequence[int]) -> Ids:
    """Blocky label maps: rectangles over a ground, and sometimes noise."""
    height, width = shape
    plane = np.full(shape, draw(st.sampled_from(ids)), np.uint16)
    for _ in range(draw(st.integers(0, 4))):
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        bottom = draw(st.integers(top + 1, height))
        right = draw(st.integers(left + 1, width))
        plane[top:bottom, left:right] = draw(st.sampled_from(ids))
    if draw(st.booleans()):
        seed = draw(st.integers(0, 2**16))
        rng = np.random.default_rng(seed)
        spots = rng.random(shape) < 0.1
        plane[spots] = rng.choice(np.array(ids, np.uint16), int(spots.sum()))
    return plane


@st.composite
def pairs(draw: st.DrawFn, classes: int = CLASSES) -> Pair:
    """A truth and a prediction of one size, the prediction partly right and partly out of range."""
    # Beyond a diagonal of 50 the boundary window is wider than one pixel each way.
    shape = draw(st.tuples(st.integers(1, 12), st.integers(1, 60)))
    truth = draw(label_maps(shape, [*range(classes + 1), 1000]))
    guess = draw(label_maps(shape, [*range(classes + 1), classes + 1, classes + 7, 1000, 65535]))
    keep = draw(st.booleans())
    return truth, np.where((truth == 1000) | (not keep), guess, np.roll(truth, 1)).astype(np.uint16)


splits = st.lists(pairs(), min_size=1, max_size=4)
"""Whole splits: pairs of one number of classes."""


def name_of(index: int) -> str:
    """The name of the image with that index, in one of three folders."""
    return f"n{index % 3:08d}/image_{index:04d}.png"


def write_folder(root: Path, masks: Mapping[str, Ids] | Sequence[Ids]) -> Path:
    """Masks as PNG files below `root`."""
    for name, ids in named(masks).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_mask(ids))
    return root


def write_zip(
    path: Path,
    masks: Mapping[str, Ids] | Sequence[Ids],
    *,
    match: Mapping[int, int] | None = None,
    method: str | None = METHOD,
    folder: str = "",
) -> Path:
    """Masks as a submission archive, everything below `folder` (which ends in a slash)."""
    path.write_bytes(zip_bytes(masks, match=match, method=method, folder=folder))
    return path


def zip_bytes(
    masks: Mapping[str, Ids] | Sequence[Ids],
    *,
    match: Mapping[int, int] | None = None,
    method: str | None = METHOD,
    folder: str = "",
) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, ids in named(masks).items():
            archive.writestr(folder + name, encode_mask(ids))
        if match is not None:
            archive.writestr(
                folder + "match.json", json.dumps({str(k): v for k, v in match.items()})
            )
        if method is not None:
            archive.writestr(folder + "method.txt", method)
    return stream.getvalue()


def named(masks: Mapping[str, Ids] | Sequence[Ids]) -> dict[str, Ids]:
    if isinstance(masks, Mapping):
        return dict(masks)
    return {name_of(index): ids for index, ids in enumerate(masks)}
