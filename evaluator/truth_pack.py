"""The file that packed truth is: how it is written, and how its images are read back.

An Arrow IPC file with one row per image, sorted by name: its size, the digest of its ids, and its
runs of equal labels (boundaries included), compressed.
"""

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

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
    check_classes(classes)
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
        "checksum": checksum_of(name, ids.shape, digest.digest(), packed),
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


def check_classes(classes: int) -> None:
    """Refuse a number of categories that ids cannot have.

    Raises:
        BadTruth: it is not 1 to `MAX_CLASSES`.
    """
    if not 1 <= classes <= MAX_CLASSES:
        raise BadTruth(f"a data set has 1 to {MAX_CLASSES} categories, not {classes}")


def check_pack(schema: pa.Schema, pack: Path, classes: int) -> None:
    """Refuse a file that is no pack of this version, or one of other categories or boundaries.

    Raises:
        BadTruth: the message says what it is.
    """
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


def unpacked(packed: memoryview) -> LabelRuns:
    """The runs from the bytes that a pack holds of them."""
    plain = imagecodecs.lz4_decode(bytes(packed), header=True)
    runs, labels = _COUNTS.unpack_from(plain)
    lengths = np.frombuffer(plain, "<u4", runs, _COUNTS.size)
    rest = np.frombuffer(plain, "<u2", offset=_COUNTS.size + lengths.nbytes)
    return LabelRuns(lengths=lengths, cells=rest[labels:], labels=rest[:labels])


@dataclass(frozen=True, slots=True)
class PackedImage:
    """What a pack holds of one image beside its name and size."""

    digest: bytes
    checksum: int
    packed: memoryview


def packed_images(batch: pa.RecordBatch) -> Iterator[PackedImage]:
    """The rows of a batch; the packed bytes stay where they are, in the file's pages."""
    packed = batch["packed"]
    _, offsets, data = packed.buffers()
    ends = np.frombuffer(offsets, np.int32)[packed.offset : packed.offset + len(packed) + 1]
    pages = memoryview(data)
    places = pairwise(ends.tolist())
    told = zip(batch["digest"].to_pylist(), batch["checksum"].to_pylist(), places, strict=True)
    for digest, checksum, (begin, end) in told:
        yield PackedImage(digest, checksum, pages[begin:end])


def checksum_of(
    name: str, shape: tuple[int, int], digest: bytes, packed: memoryview | bytes
) -> int:
    """CRC-32 of a row, so that a damaged pack is noticed and not scored against."""
    head = f"{name}\n{shape[0]}\n{shape[1]}\n".encode() + digest
    return zlib.crc32(packed, zlib.crc32(head))
