"""The truth of a split, which opens in milliseconds.

It is read from packed truth (`truth_pack.py`), mapped into memory, so that any number of workers on
a machine share one copy. A folder of masks is packed into a temporary file first: what is scored
against is always a pack.

The *version* of a truth is a hash of its class count, names, sizes and ids. It does not depend on
how the PNGs were compressed, nor on the pack's own layout.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from functools import cached_property
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from evaluator.errors import BadTruth
from evaluator.in_order import Progress
from evaluator.label_map import LabelRuns
from evaluator.truth_pack import (
    PackedImage,
    check_classes,
    check_pack,
    checksum_of,
    pack_truth,
    packed_images,
    unpacked,
)

Manifest = Mapping[str, tuple[int, int]]
"""Name wanted in a prediction -> (height, width) of the image; holds nothing hidden."""


class Truth:
    """The truth of one split. A context manager; `open_truth` makes it.

    Images may be read from several threads at once.
    """

    def __init__(
        self, pack: Path, *, classes: int, folder: tempfile.TemporaryDirectory[str] | None
    ) -> None:
        self.classes = classes
        self._folder = folder
        self._map = pa.memory_map(str(pack))
        try:
            self._images = pa.ipc.open_file(self._map).read_all()
            check_pack(self._images.schema, pack, classes)
        except (pa.ArrowException, OSError) as error:
            self.close()
            raise BadTruth(f"{pack} is neither a folder of masks nor packed truth") from error
        except BadTruth:
            self.close()
            raise

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all masks, `<folder>/<image>.png`, sorted."""
        try:
            return tuple(self._images["name"].to_pylist())
        except UnicodeDecodeError as error:
            raise BadTruth("the packed truth is damaged; pack the masks again") from error

    @cached_property
    def manifest(self) -> Manifest:
        heights = self._images["height"].to_pylist()
        widths = self._images["width"].to_pylist()
        return dict(zip(self.names, zip(heights, widths, strict=True), strict=True))

    @cached_property
    def version(self) -> str:
        """SHA-256 in hex of what the truth says; the same for a folder and its pack."""
        digest = hashlib.sha256(f"luss truth\n{self.classes}\n".encode())
        for image_digest in self._images["digest"]:
            digest.update(image_digest.as_buffer())
        return digest.hexdigest()

    def label_runs(self, name: str) -> LabelRuns:
        """Ids, ignored pixels as `IGNORE`, and boundary bits of one image.

        Raises:
            KeyError: no such image.
            BadTruth: the pack is damaged.
        """
        shape, row = self.manifest[name], self._rows[name]
        if checksum_of(name, shape, row.digest, row.packed) != row.checksum:
            raise BadTruth(f"{name}: the packed truth is damaged; pack the masks again")
        return unpacked(row.packed)

    @cached_property
    def _rows(self) -> dict[str, PackedImage]:
        rows = chain.from_iterable(packed_images(batch) for batch in self._images.to_batches())
        return dict(zip(self.names, rows, strict=True))

    def close(self) -> None:
        self._map.close()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def open_truth(
    path: str | os.PathLike[str],
    *,
    classes: int,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Truth:
    """Open packed truth, or a folder of masks, which is read and checked as a whole.

    Args:
        path: a pack, or a folder with one folder of PNG masks per category.
        classes: number of categories, "other" not included.
        jobs: threads that read masks.
        progress: called while a folder is read.

    Raises:
        BadTruth: the folder or file cannot be scored against; the message names what is wrong.
        OSError: there is no such file, or it may not be read.
    """
    path = Path(path)
    if not path.is_dir():
        check_classes(classes)
        return Truth(path, classes=classes, folder=None)
    folder = tempfile.TemporaryDirectory(prefix="luss-truth-")
    try:
        pack = Path(folder.name) / "truth"
        pack_truth(path, pack, classes=classes, jobs=jobs, progress=progress)
        return Truth(pack, classes=classes, folder=folder)
    except BaseException:
        folder.cleanup()
        raise
