"""Predictions as participants send them: a zip archive, or the folder it would be made from.

Nothing is ever extracted. A file is found by its name, which has been checked, and read into
memory up to a limit that the caller derives from what the file must be. The declared sizes have
to be the real ones, and CRCs have to agree.

Predictions may be read from several threads at once.
"""

import hashlib
import os
import threading
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from evaluator.errors import BadPrediction
from evaluator.findings import Code, Finding, printable, shortened
from evaluator.names import is_junk, names_below
from evaluator.protocol import DEFAULT_LIMITS, MATCH_FILE, METHOD_FILE, Limits
from evaluator.zip_directory import DEFLATED, STORED, Entry, read_directory

_HASHED_AT_ONCE = 2**20
_HEAD_PACKED_BYTES = 1024
"""Packed bytes that surely unpack to a PNG header, unless somebody made it otherwise."""


class Source(Protocol):
    """Where the files of a prediction come from: names are safe and unique by now."""

    names: Collection[str]
    findings: tuple[Finding, ...]
    refused: frozenset[str]
    """Names that are there but cannot be read, for reasons told in `findings`."""

    def size(self, name: str) -> int: ...
    def head(self, name: str, count: int) -> bytes: ...
    def read(self, name: str) -> bytes: ...
    def content_hash(self) -> str: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which file of a prediction is what, given the names that a split wants."""

    masks: dict[str, str]
    """Wanted name -> the name under which the prediction holds it; masks that can be read."""
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    match_file: str | None
    method_file: str | None

    def findings(self) -> Iterator[Finding]:
        """Images without a mask, and files that nobody asked for."""
        yield from map(missing_image, self.missing)
        for name in self.extra:
            why = "this file is not asked for and was left out"
            yield Finding.of(Code.EXTRA_FILE, why, file=name, found=printable(name))


@dataclass(eq=False)
class Prediction:
    """The files of one prediction. A context manager; `open_prediction` makes it."""

    source: Source
    limits: Limits = field(default=DEFAULT_LIMITS)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with entries, whatever split they are meant for."""
        return self.source.findings

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 in hex: of the archive's bytes, or of the names and bytes in a folder."""
        return self.source.content_hash()

    def layout(self, wanted: Collection[str]) -> Layout:
        """Find the files that a split wants, below one wrapping folder if there is one.

        Masks that were refused are neither missing nor there: their own finding was told.
        """
        names = [*self.source.names, *self.source.refused]
        wanted_names = frozenset(wanted)
        prefix = _wrapping_folder(names, wanted_names)
        inside = {name.removeprefix(prefix): name for name in names}
        special = {MATCH_FILE, METHOD_FILE}
        return Layout(
            masks={
                name: inside[name]
                for name in wanted
                if name in inside and inside[name] not in self.source.refused
            },
            missing=tuple(sorted(wanted_names - inside.keys())),
            extra=tuple(
                sorted(
                    name
                    for name in inside.keys() - wanted_names - special
                    if inside[name] not in self.source.refused
                )
            ),
            match_file=inside.get(MATCH_FILE),
            method_file=inside.get(METHOD_FILE),
        )

    def is_refused(self, name: str) -> bool:
        return name in self.source.refused

    def head(self, name: str, count: int) -> bytes:
        """The first `count` bytes of a file, fewer if it has no more.

        Raises:
            BadPrediction: the entry cannot be unpacked.
        """
        return self.source.head(name, count)

    def read(self, name: str, *, limit_bytes: int) -> bytes:
        """All of a file.

        Raises:
            BadPrediction: it is larger than `limit_bytes`, or the entry cannot be unpacked.
        """
        size = self.source.size(name)
        if size > limit_bytes:
            expected, found = f"at most {limit_bytes} bytes", f"{size} bytes"
            message = f"the file has {found}; {expected} are accepted here"
            raise BadPrediction(
                [
                    Finding.of(
                        Code.FILE_TOO_LARGE, message, file=name, expected=expected, found=found
                    )
                ]
            )
        return self.source.read(name)

    def close(self) -> None:
        self.source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def open_prediction(path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> Prediction:
    """Open a zip archive or a folder of masks.

    Raises:
        BadPrediction: it is no zip, or its table of contents cannot be trusted. What is wrong
            with single entries is kept in `Prediction.findings`.
        OSError: there is no such file, or it may not be read.
    """
    path = Path(path)
    source: Source = (
        FolderSource(path, limits=limits) if path.is_dir() else ZipSource(path, limits=limits)
    )
    return Prediction(source=source, limits=limits)


def missing_image(name: str) -> Finding:
    """The finding that a wanted mask is not there."""
    why = "there is no mask for this image; every image of the split needs one"
    return Finding.of(Code.IMAGE_MISSING, why, file=name, expected=name)


class ZipSource:
    """Files in a zip archive, unpacked in memory one at a time."""

    def __init__(self, path: Path, *, limits: Limits) -> None:
        # Unbuffered: every read names its place and size, and a buffer would only copy.
        self._file: BinaryIO = path.open("rb", buffering=0)
        self._lock = threading.Lock()
        try:
            entries = read_directory(self._file, limits=limits)
        except BaseException:
            self._file.close()
            raise
        faults = dict(_faults(entries, limits))
        self.findings = shortened(faults.values())
        self.refused = frozenset(faults)
        self._entries = {
            entry.name: entry
            for entry in entries
            if not (entry.is_folder or entry.name in faults or is_junk(entry.name))
        }
        self.names: Collection[str] = self._entries.keys()

    def size(self, name: str) -> int:
        return self._entries[name].size

    def head(self, name: str, count: int) -> bytes:
        entry = self._entries[name]
        packed = self._packed(entry, min(entry.packed_size, _HEAD_PACKED_BYTES))
        if entry.method == STORED:
            return packed[:count]
        try:
            head = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, count)
        except zlib.error as error:
            raise _not_unpacked(name, "its packed bytes are broken") from error
        if len(head) < min(count, entry.size):
            head = self.read(name)[:count]
        return head

    def read(self, name: str) -> bytes:
        entry = self._entries[name]
        packed = self._packed(entry, entry.packed_size)
        unpacked = packed if entry.method == STORED else _inflated(packed, entry)
        if zlib.crc32(unpacked) != entry.crc:
            raise _not_unpacked(name, "its checksum is wrong")
        return unpacked

    def content_hash(self) -> str:
        digest = hashlib.sha256()
        start = 0
        while piece := self._read_at(start, _HASHED_AT_ONCE):
            digest.update(piece)
            start += len(piece)
        return digest.hexdigest()

    def close(self) -> None:
        self._file.close()

    def _packed(self, entry: Entry, count: int) -> bytes:
        packed = self._read_at(entry.data_start, count)
        if len(packed) < count:
            raise _not_unpacked(entry.name, "the archive ends before it")
        return packed

    def _read_at(self, start: int, count: int) -> bytes:
        with self._lock:
            self._file.seek(start)
            return self._file.read(count)


class FolderSource:
    """Files below a folder, links followed: `zip -r` would follow them too."""

    def __init__(self, path: Path, *, limits: Limits) -> None:
        self._root = path
        self._sizes: dict[str, int] = {}
        faults = {}
        for count, name in enumerate(names_below(path), start=1):
            if count > limits.max_entries:
                raise _too_many_files(path, limits)
            file = path / name
            if file.is_file():
                self._sizes[name] = file.stat().st_size
            else:
                faults[name] = Finding.of(
                    Code.SYMLINK, "this is a dead link or a device; put the file there", file=name
                )
        self.names: Collection[str] = self._sizes.keys()
        self.findings = shortened(faults.values())
        self.refused = frozenset(faults)

    def size(self, name: str) -> int:
        return self._sizes[name]

    def head(self, name: str, count: int) -> bytes:
        with (self._root / name).open("rb") as file:
            return file.read(count)

    def read(self, name: str) -> bytes:
        with (self._root / name).open("rb") as file:
            found = file.read(self._sizes[name] + 1)
        if len(found) != self._sizes[name]:
            raise _not_unpacked(name, "it changed while it was read")
        return found

    def content_hash(self) -> str:
        digest = hashlib.sha256()
        for name in sorted(self.names):
            digest.update(b"%s\0%d\0" % (os.fsencode(name), self._sizes[name]))
            digest.update(self.read(name))
        return digest.hexdigest()

    def close(self) -> None:
        """Nothing is held open."""


def _wrapping_folder(names: Collection[str], wanted: frozenset[str]) -> str:
    """The one folder, with its slash, in which everything lies; empty if there is none.

    A folder is a wrapping one only if a wanted name appears once it is taken away.
    """
    first_parts = {name.partition("/")[0] for name in names}
    if len(first_parts) != 1:
        return ""
    prefix = f"{first_parts.pop()}/"
    return prefix if any(name.removeprefix(prefix) in wanted for name in names) else ""


def _faults(entries: list[Entry], limits: Limits) -> Iterator[tuple[str, Finding]]:
    """What is wrong with single entries, at most one finding each."""
    times = Counter(entry.name for entry in entries)
    for entry in entries:
        fault = _name_fault(entry)
        if fault is None and not (entry.is_folder or is_junk(entry.name)):
            if times[entry.name] > 1:
                fault = Finding.of(
                    Code.DUPLICATE_NAME,
                    f"the archive holds {times[entry.name]} entries of this name; leave one",
                    file=entry.name,
                    found=f"{times[entry.name]} entries",
                )
            else:
                fault = _kind_fault(entry) or _size_fault(entry, limits)
        if fault is not None:
            yield entry.name, fault


def _name_fault(entry: Entry) -> Finding | None:
    name = entry.name
    if "\\" in name:
        why = "its name holds a backslash; separate folders with /"
    elif "\0" in name:
        why = "its name holds a NUL character"
    elif name.startswith("/") or name[1:2] == ":":
        why = "its name is absolute; names start with the category's folder"
    elif ".." in PurePosixPath(name).parts:
        why = "its name leaves the archive through '..'"
    else:
        return None
    return Finding.of(Code.UNSAFE_NAME, why, file=name, expected="<folder>/<image>.png", found=name)


def _kind_fault(entry: Entry) -> Finding | None:
    if entry.is_encrypted:
        why = "the entry is encrypted; make the archive without a password"
        return Finding.of(Code.ENCRYPTED, why, file=entry.name)
    if entry.is_special:
        why = "the entry is a link or a device, not a file; put the file itself into the archive"
        return Finding.of(Code.SYMLINK, why, file=entry.name)
    if entry.method not in {STORED, DEFLATED}:
        expected, found = "stored or deflated", f"compression method {entry.method}"
        why = f"the entry uses {found}; make the archive with plain `zip` ({expected})"
        return Finding.of(
            Code.UNSUPPORTED_COMPRESSION, why, file=entry.name, expected=expected, found=found
        )
    return None


def _size_fault(entry: Entry, limits: Limits) -> Finding | None:
    found = f"{entry.size} bytes from {entry.packed_size}"
    stored_differs = entry.method == STORED and entry.size != entry.packed_size
    # Deflate adds five bytes to each 64 kB that it cannot compress; an eighth is generous.
    if stored_differs or entry.packed_size > entry.size + entry.size // 8 + 1024:
        why = f"its declared sizes contradict each other ({found}); make the archive again"
        return Finding.of(Code.SIZE_MISMATCH, why, file=entry.name, found=found)
    if (
        entry.size > limits.ratio_counts_from_bytes
        and entry.size > limits.max_ratio * entry.packed_size
    ):
        expected = f"at most {limits.max_ratio} times its packed size"
        why = f"it would unpack to {found}; {expected} is accepted. Save masks as compressed PNG"
        return Finding.of(Code.BOMB_RATIO, why, file=entry.name, expected=expected, found=found)
    return None


def _inflated(packed: bytes, entry: Entry) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        unpacked = inflater.decompress(packed, entry.size + 1)
    except zlib.error as error:
        raise _not_unpacked(entry.name, "its packed bytes are broken") from error
    if len(unpacked) > entry.size or (inflater.eof and len(unpacked) < entry.size):
        expected = f"{entry.size} bytes"
        found = f"{'more' if len(unpacked) > entry.size else len(unpacked)} bytes"
        why = f"it unpacks to {found} but declares {expected}; make the archive again"
        raise BadPrediction(
            [Finding.of(Code.SIZE_MISMATCH, why, file=entry.name, expected=expected, found=found)]
        )
    if not inflater.eof or inflater.unused_data:
        raise _not_unpacked(entry.name, "its packed bytes end too early or too late")
    return unpacked


def _not_unpacked(name: str, why: str) -> BadPrediction:
    message = f"this file cannot be unpacked: {why}; make the archive again"
    return BadPrediction([Finding.of(Code.ENTRY_DAMAGED, message, file=name, found=why)])


def _too_many_files(path: Path, limits: Limits) -> BadPrediction:
    expected = f"at most {limits.max_entries} files"
    message = f"There are more than {limits.max_entries} files below {path}; is this the folder?"
    return BadPrediction([Finding.of(Code.TOO_MANY_ENTRIES, message, expected=expected)])
