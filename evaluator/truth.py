"""Truth masks, packed into one file that opens in milliseconds.

The pack is an Arrow IPC file with one row per image, sorted by name: its size, the digest of its
ids, and its runs of equal labels (boundaries included), compressed. It is mapped into memory, so
any number of workers on a machine share one copy. A folder of masks is packed into a temporary
file first: what is scored against is always a pack.

The *version* of a truth is a hash of its class count, names, sizes and ids. It does not depend on
how the PNGs were compressed, nor on the pack's own layout.
"""

import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain, pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import imagecodecs
import numpy as np
import pyarrow as pa

from evaluator.atomic_file import replacing
from evaluator.errors import BadMask, BadTruth
from evaluator.in_order import Progress, in_order
from evaluator.label_map import LabelRuns
from evaluator.masks import HEADER_BYTES, IdPlane, decode_plane, read_header
from evaluator.names import names_below
from evaluator.protocol import BOUNDARY_RATIO, IGNORE, MAX_CLASSES

Manifest = Mapping[str, tuple[int, int]]
"""Name wanted in a prediction -> (height, width) of the image; holds nothing hidden."""

_FORMAT = "luss-truth-3"
_IMAGES_PER_BATCH = 256
_SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("digest", pa.binary(32)),
        ("packed", pa.binary()),
        ("checksum", pa.uint32()),
    ]
)
_COUNTS = struct.Struct("<II")


def _packed(image: LabelRuns) -> bytes:
    """The runs as bytes, little-endian: counts, run lengths, labels, cells.

    LZ4, as it unpacks in less than half of Zstandard's time.
    """
    plain = b"".join(
        [
            _COUNTS.pack(image.cells.size, image.labels.size),
            image.lengths.astype("<u4").tobytes(),
            image.labels.astype("<u2").tobytes(),
            image.cells.astype("<u2").tobytes(),
        ]
    )
    return bytes(imagecodecs.lz4_encode(plain, level=6, hc=True, header=True))


def _unpacked(packed: memoryview) -> LabelRuns:
    plain = imagecodecs.lz4_decode(bytes(packed), header=True)
    runs, labels = _COUNTS.unpack_from(plain)
    lengths = np.frombuffer(plain, "<u4", runs, _COUNTS.size)
    rest = np.frombuffer(plain, "<u2", offset=_COUNTS.size + lengths.nbytes)
    return LabelRuns(lengths=lengths, cells=rest[labels:], labels=rest[:labels])


@dataclass(frozen=True, slots=True)
class _Row:
    """What a pack holds of one image beside its name and size."""

    digest: bytes
    checksum: int
    packed: memoryview


def _rows_of(batch: pa.RecordBatch) -> Iterator[_Row]:
    """The rows of a batch; the packed bytes stay where they are, in the file's pages."""
    packed = batch["packed"]
    _, offsets, data = packed.buffers()
    ends = np.frombuffer(offsets, np.int32)[packed.offset : packed.offset + len(packed) + 1]
    pages = memoryview(data)
    places = pairwise(ends.tolist())
    told = zip(batch["digest"].to_pylist(), batch["checksum"].to_pylist(), places, strict=True)
    for digest, checksum, (begin, end) in told:
        yield _Row(digest, checksum, pages[begin:end])


def _checksum(name: str, shape: tuple[int, int], digest: bytes, packed: memoryview | bytes) -> int:
    """CRC-32 of a row, so that a damaged pack is noticed and not scored against."""
    head = f"{name}\n{shape[0]}\n{shape[1]}\n".encode() + digest
    return zlib.crc32(packed, zlib.crc32(head))


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
            _check_pack(self._images.schema, pack, classes)
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
        if _checksum(name, shape, row.digest, row.packed) != row.checksum:
            raise BadTruth(f"{name}: the packed truth is damaged; pack the masks again")
        return _unpacked(row.packed)

    @cached_property
    def _rows(self) -> dict[str, _Row]:
        rows = chain.from_iterable(_rows_of(batch) for batch in self._images.to_batches())
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
        _check_classes(classes)
        return Truth(path, classes=classes, folder=None)
    folder = tempfile.TemporaryDirectory(prefix="luss-truth-")
    try:
        pack = Path(folder.name) / "truth"
        pack_truth(path, pack, classes=classes, jobs=jobs, progress=progress)
        return Truth(pack, classes=classes, folder=folder)
    except BaseException:
        folder.cleanup()
        raise


def pack_truth(
    mask_dir: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    classes: int,
    jobs: int = 1,
    progress: Progress | None = None,
) -> None:
    """Write the masks below a folder into one file, whole or not at all.

    Raises:
        BadTruth: a file that is no mask, an id above `classes` other than `IGNORE`, two masks of
            one image, or no mask at all; the message names the file.
        OSError: a file cannot be read or written.
    """
    _check_classes(classes)
    root = Path(mask_dir)
    files = _mask_files(root)
    schema = _SCHEMA.with_metadata(
        {"format": _FORMAT, "classes": str(classes), "boundary_ratio": str(BOUNDARY_RATIO)}
    )
    with (
        replacing(output) as partial_file,
        pa.OSFile(str(partial_file), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        rows = in_order(partial(_row, root, classes=classes), files, jobs=jobs)
        batch: list[dict[str, object]] = []
        for done, row in enumerate(rows, start=1):
            batch.append(row)
            if len(batch) == _IMAGES_PER_BATCH or done == len(files):
                writer.write_batch(pa.RecordBatch.from_pylist(batch, schema))
                batch = []
            if progress is not None:
                progress(done, len(files))


def _row(root: Path, name: str, *, classes: int) -> dict[str, object]:
    """What the pack holds of one image."""
    ids = _read_mask(root, name, classes=classes)
    height, width = ids.shape
    digest = hashlib.sha256(f"{name}\n{height}\n{width}\n".encode())
    digest.update(ids.astype("<u2").data)
    packed = _packed(LabelRuns.of_mask(ids))
    return {
        "name": name,
        "height": height,
        "width": width,
        "digest": digest.digest(),
        "packed": packed,
        "checksum": _checksum(name, ids.shape, digest.digest(), packed),
    }


def _read_mask(root: Path, name: str, *, classes: int) -> IdPlane:
    png = (root / name).read_bytes()
    try:
        header = read_header(png[:HEADER_BYTES], file=name)
        ids = decode_plane(png, file=name, height=header.height, width=header.width)
    except BadMask as error:
        raise BadTruth(f"{root}: {error}") from error
    wrong = ids[(ids > classes) & (ids != IGNORE)]
    if wrong.size:
        raise BadTruth(
            f"{root}: {name}: the mask holds the id {wrong[0]};"
            f" ids are 0 to {classes}, and {IGNORE} for pixels that are not scored"
        )
    return ids


def _mask_files(root: Path) -> list[str]:
    """Names of all masks below `root`, sorted."""
    seen: dict[str, str] = {}
    for name in names_below(root):
        if not _is_utf_8(name):
            raise BadTruth(f"{root}: the name {name!a} is not UTF-8; give the file another one")
        stem, dot, suffix = name.rpartition(".")
        if dot + suffix != ".png" or name.count("/") != 1:
            raise BadTruth(
                f"{root}: {name} is not a mask; a truth folder holds <folder>/<image>.png only"
            )
        if stem.lower() in seen:
            raise BadTruth(f"{root}: {name} and {seen[stem.lower()]} are masks of one image")
        seen[stem.lower()] = name
    if not seen:
        raise BadTruth(f"{root} holds no masks; expected <folder>/<image>.png")
    return sorted(seen.values())


def _is_utf_8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_classes(classes: int) -> None:
    if not 1 <= classes <= MAX_CLASSES:
        raise BadTruth(f"a data set has 1 to {MAX_CLASSES} categories, not {classes}")


def _check_pack(schema: pa.Schema, pack: Path, classes: int) -> None:
    metadata = {
        key.decode(errors="replace"): value.decode(errors="replace")
        for key, value in (schema.metadata or {}).items()
    }
    if metadata.get("format") != _FORMAT or not schema.equals(_SCHEMA):
        raise BadTruth(f"{pack} is not packed truth of this version; pack the masks again")
    if metadata.get("classes") != str(classes):
        packed = metadata.get("classes")
        raise BadTruth(f"{pack} was packed with {packed} categories, not {classes}")
    if metadata.get("boundary_ratio") != str(BOUNDARY_RATIO):
        raise BadTruth(f"{pack} holds boundaries of another width; pack the masks again")
