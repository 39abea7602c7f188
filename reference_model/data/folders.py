"""A data set in the layout of ImageNet-S: one folder a split, in it one folder a category.

`train`, `train-semi`, `validation`, `test` hold images, `<split>-segmentation` masks. Ids of
categories are the ranks of the folders' sorted names, from 1.
"""

import itertools
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

TRAIN, TRAIN_SEMI, VALIDATION, TEST = "train", "train-semi", "validation", "test"
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


class BadData(Exception):
    """The data set is not as the layout wants it; the message says where and what is expected."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    path: Path
    name: str
    """Category folder and stem, as in `n01443537/ILSVRC2012_val_00047396`."""

    @property
    def mask_name(self) -> str:
        return f"{self.name}.png"


@dataclass(frozen=True)
class DataFolder:
    root: Path

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Sorted names of the categories' folders; the first has id 1.

        Only their number matters to a fully unsupervised method.
        """
        folder = self.root / TRAIN
        if not folder.is_dir():
            raise BadData(f"{folder} is not there; a data set has a folder {TRAIN}/<category>/")
        names = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
        if not names:
            raise BadData(f"{folder} has no folders; expected one for each category")
        return names

    def has(self, split: str) -> bool:
        return (self.root / split).is_dir()

    def images(self, split: str) -> tuple[ImageFile, ...]:
        """All images of a split, sorted by name.

        Raises:
            BadData: there are none, or two of them would share a mask.
        """
        folder = self.root / split
        paths = (p for p in folder.glob("*/*") if p.suffix.lower() in _SUFFIXES)
        images = tuple(sorted((_named(path) for path in paths), key=lambda image: image.name))
        if not images:
            raise BadData(f"{folder} holds no JPEG or PNG images; expected {split}/<category>/*")
        for one, other in itertools.pairwise(images):
            if one.name == other.name:
                raise BadData(f"{one.path} and {other.path} would share the mask {one.mask_name}")
        return images

    def masks(self, split: str) -> Path:
        """The folder of a split's masks.

        Raises:
            BadData: it is not there.
        """
        folder = self.root / f"{split}-segmentation"
        if not folder.is_dir():
            raise BadData(f"{folder} is not there; it should hold <category>/<image>.png")
        return folder


def _named(path: Path) -> ImageFile:
    # The official scripts cut names at the first dot.
    return ImageFile(path=path, name=f"{path.parent.name}/{path.name.split('.')[0]}")
