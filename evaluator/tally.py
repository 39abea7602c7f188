"""Tallies: per image, how many pixels have which truth, prediction and boundary bits.

They are the sufficient statistics of everything the benchmark reports: sums of them give every
score of any subset of images, resampling gives intervals, and two sets of them a comparison,
without touching a mask again.

Conventions: match.json is applied first, then boundaries are found, then pixels whose truth is
`IGNORE` are dropped. Predicted ids above the number of classes C, unmatched ones included, share
the value C + 1. `boundary` is 1 on the truth's boundary, plus 2 on the prediction's.

A set of tallies is a Parquet file with one row per image, written and read in groups of images:
a split of noise (every pixel another class) must not need more memory than a sane one.
"""

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from evaluator.atomic_file import replacing
from evaluator.errors import BadTallies
from evaluator.findings import Finding, outside_warning

ON_TRUTH, ON_PREDICTION = 1, 2
"""Bits of `boundary`."""

_FORMAT = "luss-tallies-1"
_ROWS_PER_GROUP = 2**16
_SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("outside", pa.uint32()),
        ("truth", pa.list_(pa.uint16())),
        ("prediction", pa.list_(pa.uint16())),
        ("boundary", pa.list_(pa.uint8())),
        ("pixels", pa.list_(pa.uint32())),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a set of tallies was taken from; only tallies of one origin may be merged."""

    classes: int
    scorer_version: str
    truth_version: str
    match_hash: str
    """Content hash of the match map, empty when there was none."""
    archive_hash: str

    @classmethod
    def from_metadata(cls, metadata: dict[str, str]) -> Self:
        return cls(
            classes=int(metadata["classes"]),
            scorer_version=metadata["scorer_version"],
            truth_version=metadata["truth_version"],
            match_hash=metadata["match_hash"],
            archive_hash=metadata["archive_hash"],
        )

    def to_metadata(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True, eq=False)
class TallyGroup:
    """Tallies of some images.

    Image i owns the rows `starts[i]` to `starts[i + 1]` of the last four columns, which have one
    shape; `outside[i]` is how many of its pixels, ignored ones included, hold no class.
    """

    names: tuple[str, ...]
    outside: NDArray[np.uint32]
    starts: NDArray[np.int64]
    truth: NDArray[np.uint16]
    prediction: NDArray[np.uint16]
    boundary: NDArray[np.uint8]
    pixels: NDArray[np.uint32]

    def image_of_row(self) -> NDArray[np.int64]:
        """The index of the image to which each row belongs."""
        return np.repeat(np.arange(len(self.names)), np.diff(self.starts))


@dataclass(frozen=True, slots=True, eq=False)
class ImageTally:
    """The rows of one image, as in `TallyGroup`."""

    name: str
    outside: int
    truth: NDArray[np.uint16]
    prediction: NDArray[np.uint16]
    boundary: NDArray[np.uint8]
    pixels: NDArray[np.uint32]


class Tallies:
    """Tallies in a Parquet file, read group by group; holds nothing open."""

    def __init__(self, path: Path, origin: Origin, *, images: int) -> None:
        self.path = path
        self.origin = origin
        self.images = images

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Open a tallies file.

        Raises:
            BadTallies: it is something else, damaged, or of another version.
            OSError: there is no such file, or it may not be read.
        """
        path = Path(path)
        with _parquet(path) as file:
            schema = file.schema_arrow
            images = file.metadata.num_rows
        metadata = schema.metadata or {}
        if metadata.get(b"format") != _FORMAT.encode() or not schema.equals(_SCHEMA):
            raise BadTallies(f"{path} is not a tallies file of this version")
        try:
            origin = Origin.from_metadata({k.decode(): v.decode() for k, v in metadata.items()})
        except (KeyError, ValueError) as error:
            raise BadTallies(f"{path} does not say what it was taken from") from error
        return cls(path, origin, images=images)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Copy the tallies to `path`, whole or not at all."""
        with replacing(path) as partial_file:
            shutil.copyfile(self.path, partial_file)

    def groups(self) -> Iterator[TallyGroup]:
        """All tallies, in groups that fit into memory whatever the masks hold."""
        with _parquet(self.path) as file:
            for index in range(file.num_row_groups):
                yield _group(file.read_row_group(index))

    def names(self) -> tuple[str, ...]:
        """Names of the images, in the order of `groups`."""
        return tuple(name for name, _ in self._outside())

    def _outside(self) -> Iterator[tuple[str, int]]:
        """Images, and how many of their pixels hold no class."""
        with _parquet(self.path) as file:
            for batch in file.iter_batches(columns=["name", "outside"]):
                yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    def warnings(self) -> tuple[Finding, ...]:
        """What is legal in the prediction and yet counts as wrong."""
        outside = [(name, pixels) for name, pixels in self._outside() if pixels]
        return outside_warning(
            outside,
            images=self.images,
            classes=self.origin.classes,
            matched=bool(self.origin.match_hash),
        )


def concatenate(
    shards: Iterable[Tallies], *, output: str | os.PathLike[str] | None = None
) -> Tallies:
    """The tallies of several shards as one set.

    Raises:
        BadTallies: no shards, shards of unlike origin, or one image twice.
    """
    shards = tuple(shards)
    if not shards:
        raise BadTallies("there are no tallies to put together")
    origin = shards[0].origin
    for shard in shards:
        if shard.origin != origin:
            raise BadTallies(f"{shard.path} was taken from something else than {shards[0].path}")
    return written(_images_once(shards), origin, output)


def _images_once(shards: Sequence[Tallies]) -> Iterator[ImageTally]:
    seen: set[str] = set()
    for shard in shards:
        for group in shard.groups():
            for tally in _images(group):
                if tally.name in seen:
                    raise BadTallies(f"{tally.name} is in more than one of the shards")
                seen.add(tally.name)
                yield tally


def _images(group: TallyGroup) -> Iterator[ImageTally]:
    for index, name in enumerate(group.names):
        rows = slice(group.starts[index], group.starts[index + 1])
        yield ImageTally(
            name=name,
            outside=int(group.outside[index]),
            truth=group.truth[rows],
            prediction=group.prediction[rows],
            boundary=group.boundary[rows],
            pixels=group.pixels[rows],
        )


def written(
    tallies: Iterable[ImageTally], origin: Origin, output: str | os.PathLike[str] | None
) -> Tallies:
    """Write tallies to `output`, or to a temporary file that goes with the returned object."""
    if output is not None:
        with replacing(output) as partial_file:
            images = _write(tallies, origin, partial_file)
        return Tallies(Path(output), origin, images=images)
    handle, name = tempfile.mkstemp(prefix="luss-", suffix=".tallies")
    os.close(handle)
    path = Path(name)
    try:
        taken = Tallies(path, origin, images=_write(tallies, origin, path))
    except BaseException:
        path.unlink()
        raise
    weakref.finalize(taken, path.unlink, missing_ok=True)
    return taken


def _write(tallies: Iterable[ImageTally], origin: Origin, path: Path) -> int:
    """Write a tallies file; returns how many images it holds."""
    schema = _SCHEMA.with_metadata({"format": _FORMAT, **origin.to_metadata()})
    images = 0
    with pq.ParquetWriter(
        path, schema, compression="zstd", write_page_checksum=True, use_dictionary=False
    ) as writer:
        waiting: list[ImageTally] = []
        rows = 0
        for tally in tallies:
            waiting.append(tally)
            images += 1
            rows += 1 + len(tally.pixels)
            if rows >= _ROWS_PER_GROUP:
                writer.write_table(_table(waiting, schema))
                waiting, rows = [], 0
        if waiting:
            writer.write_table(_table(waiting, schema))
    return images


def _table(tallies: Sequence[ImageTally], schema: pa.Schema) -> pa.Table:
    starts = np.cumsum([0, *(len(tally.pixels) for tally in tallies)], dtype=np.int32)
    lists = [
        pa.ListArray.from_arrays(
            starts, np.concatenate([getattr(tally, name) for tally in tallies])
        )
        for name in ("truth", "prediction", "boundary", "pixels")
    ]
    names = pa.array([tally.name for tally in tallies])
    outside = pa.array([tally.outside for tally in tallies], pa.uint32())
    return pa.Table.from_arrays([names, outside, *lists], schema=schema)


def _group(table: pa.Table) -> TallyGroup:
    names, outside, *lists = (column.combine_chunks() for column in table.columns)
    starts = lists[0].offsets.to_numpy().astype(np.int64)
    truth, prediction, boundary, pixels = (column.values.to_numpy() for column in lists)
    return TallyGroup(
        names=tuple(names.to_pylist()),
        outside=outside.to_numpy(),
        starts=starts,
        truth=truth,
        prediction=prediction,
        boundary=boundary,
        pixels=pixels,
    )


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """The open file; whatever Arrow finds wrong with it while it is read is `BadTallies`."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the system's own: no such file, no permission; Arrow's have no number
        raise BadTallies(f"{path} is not a tallies file, or a damaged one") from error
