"""The table of contents of a zip file, read as what a stranger sent.

Python's zipfile believes the central directory: it lists a 112 kB file as 19 GB of overlapping
entries without complaint. Here nothing is believed. Counts and sizes are capped before anything
is read into memory, every entry's local header must repeat what the directory says, and the
bytes of no two entries may touch. Source of the format: PKWARE APPNOTE 6.3.10.
"""

import stat
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from evaluator.errors import BadPrediction
from evaluator.findings import Code, Finding, printable
from evaluator.protocol import Limits
from evaluator.zip_end import FULL_32, End, damaged, find_end, read_at

STORED, DEFLATED = 0, 8

_CENTRAL = struct.Struct("<4s4x2H4x3L3H4x2L")
_LOCAL = struct.Struct("<4s2x2H8x2L2H")
_EXTRA = struct.Struct("<2H")
_U64 = struct.Struct("<Q")

_ZIP_64 = 1
_ENCRYPTED_FLAGS = 0x1 | 0x40 | 0x2000
_SIZES_FOLLOW_FLAG = 0x8  # the local header was written before the sizes were known
_UTF_8_FLAG = 0x800


class Entry(NamedTuple):
    """One entry as the central directory declares it; sizes and offsets in bytes."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    header_start: int
    mode: int
    """Unix file mode, 0 when the archive was made elsewhere."""
    data_start: int = 0
    """Where the packed bytes begin; known once the local header has been read."""

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")

    @property
    def is_encrypted(self) -> bool:
        return bool(self.flags & _ENCRYPTED_FLAGS)

    @property
    def is_special(self) -> bool:
        """A symbolic link, device, pipe or socket."""
        return stat.S_IFMT(self.mode) not in {0, stat.S_IFREG, stat.S_IFDIR}


def read_directory(file: BinaryIO, *, limits: Limits) -> list[Entry]:
    """All entries of the zip in `file`, in the order of the central directory.

    Raises:
        BadPrediction: not a zip, damaged, over the limits on entries and sizes, or overlapping.
            What single entries do wrong (names, encryption, ...) is left to the caller.
    """
    file_size = file.seek(0, 2)
    end = find_end(file, file_size)
    if end.entries > limits.max_entries:
        raise _too_many(end.entries, limits)
    if end.size > limits.max_directory_bytes:
        raise damaged(f"its table of contents alone takes {end.size} bytes")
    if end.entries * _CENTRAL.size > end.size:
        raise damaged(f"{end.entries} entries do not fit into the table of contents")
    directory = read_at(file, end.start, end.size)
    entries = list(_entries(directory, end))
    _check_total(entries, limits)
    return _with_data_starts(file, entries, directory_start=end.start)


def _entries(directory: bytes, end: End) -> Iterator[Entry]:
    at = 0
    for _ in range(end.entries):
        if at + _CENTRAL.size > len(directory):
            raise damaged("its table of contents ends too early")
        fields = _CENTRAL.unpack_from(directory, at)
        (signature, flags, method, crc, packed_size, size) = fields[:6]
        name_size, extra_size, comment_size, attributes, header_start = fields[6:]
        if signature != b"PK\1\2":
            raise damaged("its table of contents holds something else")
        name_end = at + _CENTRAL.size + name_size
        extra_end = name_end + extra_size
        at_next = extra_end + comment_size
        if at_next > len(directory):
            raise damaged("its table of contents ends too early")
        raw_name = directory[at + _CENTRAL.size : name_end]
        size, packed_size, header_start = _widened(
            (size, packed_size, header_start), directory[name_end:extra_end]
        )
        yield Entry(
            name=_decoded(raw_name, flags),
            raw_name=raw_name,
            flags=flags,
            method=method,
            crc=crc,
            packed_size=packed_size,
            size=size,
            header_start=header_start,
            mode=attributes >> 16,
        )
        at = at_next
    if at != len(directory):
        raise damaged("its table of contents holds more than its entries")


def _widened(narrow: tuple[int, int, int], extra: bytes) -> tuple[int, int, int]:
    """Size, packed size and start, each taken from the zip64 field where 32 bits are all set."""
    if FULL_32 not in narrow:
        return narrow
    wide = _zip_64_values(extra)
    if len(wide) < narrow.count(FULL_32):
        raise damaged("an entry lacks its zip64 sizes")
    size, packed_size, start = (wide.pop(0) if v == FULL_32 else v for v in narrow)
    return size, packed_size, start


def _zip_64_values(extra: bytes) -> list[int]:
    at = 0
    while at + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, at)
        at += _EXTRA.size
        if kind == _ZIP_64:
            body = extra[at : at + length]
            return [v for (v,) in _U64.iter_unpack(body[: len(body) // 8 * 8])]
        at += length
    return []


def _decoded(raw_name: bytes, flags: int) -> str:
    try:
        return raw_name.decode("utf-8" if flags & _UTF_8_FLAG else "ascii")
    except UnicodeDecodeError:
        # No wanted name has such bytes; the name only has to be shown.
        return raw_name.decode("cp437")


def _check_total(entries: list[Entry], limits: Limits) -> None:
    total = sum(entry.size for entry in entries)
    if total > limits.max_total_bytes:
        expected, found = f"at most {limits.max_total_bytes} bytes", f"{total} bytes"
        message = (
            f"The archive unpacks to {found}, and {expected} are accepted;"
            " send the masks of this split only."
        )
        raise BadPrediction(
            [Finding.of(Code.ARCHIVE_TOO_LARGE, message, expected=expected, found=found)]
        )


def _with_data_starts(file: BinaryIO, entries: list[Entry], *, directory_start: int) -> list[Entry]:
    """`entries` with the place of their bytes, after comparing each with its local header."""
    placed = list(entries)
    free_from = 0
    for index in sorted(range(len(entries)), key=lambda i: entries[i].header_start):
        entry = entries[index]
        header_end = entry.header_start + _LOCAL.size + len(entry.raw_name)
        if entry.header_start < free_from or header_end > directory_start:
            raise _overlapping(entry)
        entry = placed[index] = _placed(file, entry)
        free_from = entry.data_start + entry.packed_size
        if free_from > directory_start:
            raise _overlapping(entry)
    return placed


def _placed(file: BinaryIO, entry: Entry) -> Entry:
    """`entry` with the place of its bytes, after comparing it with its local header.

    What either header says of encryption and of an unknown method counts.
    """
    header_size = _LOCAL.size + len(entry.raw_name)
    header = read_at(file, entry.header_start, header_size)
    signature, flags, method, packed_size, size, name_size, extra_size = _LOCAL.unpack_from(header)
    if (signature, name_size, header[_LOCAL.size :]) != (
        b"PK\3\4",
        len(entry.raw_name),
        entry.raw_name,
    ) or {method, entry.method} == {STORED, DEFLATED}:
        shown = printable(entry.name)
        raise damaged(f"{shown} is not what the table of contents says it is")
    sizes_follow = flags & _SIZES_FOLLOW_FLAG or FULL_32 in (packed_size, size)
    if not sizes_follow and (packed_size, size) != (entry.packed_size, entry.size):
        raise _of_two_sizes(entry, packed_size, size)
    data_start = entry.header_start + header_size + extra_size
    if flags & _ENCRYPTED_FLAGS or method != entry.method:
        return entry._replace(
            data_start=data_start,
            flags=entry.flags | flags & _ENCRYPTED_FLAGS,
            method=method if entry.method in {STORED, DEFLATED} else entry.method,
        )
    return Entry(*entry[:-1], data_start)  # `_replace` takes four times as long


def _too_many(entries: int, limits: Limits) -> BadPrediction:
    expected, found = f"at most {limits.max_entries} entries", f"{entries} entries"
    message = f"The archive has {found}; {expected} are accepted. Send the masks of one split."
    return BadPrediction(
        [Finding.of(Code.TOO_MANY_ENTRIES, message, expected=expected, found=found)]
    )


def _overlapping(entry: Entry) -> BadPrediction:
    message = "its bytes are shared with another part of the archive; make the zip again"
    return BadPrediction([Finding.of(Code.ENTRIES_OVERLAP, message, file=entry.name)])


def _of_two_sizes(entry: Entry, packed_size: int, size: int) -> BadPrediction:
    expected = f"{entry.size} bytes from {entry.packed_size}"
    found = f"{size} bytes from {packed_size}"
    message = (
        f"its own header declares {found}, the table of contents {expected}; make the archive again"
    )
    return BadPrediction(
        [Finding.of(Code.SIZE_MISMATCH, message, file=entry.name, expected=expected, found=found)]
    )
