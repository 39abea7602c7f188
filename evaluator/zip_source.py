"""The files in a zip archive, unpacked in memory one at a time.

Nothing is ever extracted. What is wrong with single entries is told in findings; such entries
cannot be read. Of the others the declared sizes have to be the real ones, and CRCs have to agree.
"""

import hashlib
import os
import threading
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from evaluator.errors import BadPrediction
from evaluator.findings import Code, Finding, shortened
from evaluator.names import is_junk
from evaluator.protocol import Limits
from evaluator.zip_directory import DEFLATED, STORED, Entry, read_directory

_HASHED_AT_ONCE = 2**20
_HEAD_PACKED_BYTES = 1024
"""Packed bytes that surely unpack to a PNG header, unless somebody made it otherwise."""


class ZipSource:
    """An archive, held open; may be read from several threads at once."""

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
        if hasattr(os, "pread"):  # everywhere but on Windows: threads need not take turns
            return os.pread(self._file.fileno(), count, start)
        with self._lock:
            self._file.seek(start)
            return self._file.read(count)


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
    elif ".." in name and ".." in name.split("/"):
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
