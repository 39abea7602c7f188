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

STORED, DEFLATED = 0, 8

_END = struct.Struct("<4s4H2LH")
_END_64_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s4x2H4x3L3H4x2L")
_LOCAL = struct.Struct("<4s2x2H8x2L2H")
_EXTRA = struct.Struct("<2H")
_U64 = struct.Struct("<Q")

_LONGEST_COMMENT = 0xFFFF
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFF_FFFF  # "look into the zip64 record instead"
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


class _End(NamedTuple):
    """Where the central directory lies, and how much of it there is."""

    entries: int
    size: int
    start: int


def read_directory(file: BinaryIO, *, limits: Limits) -> list[Entry]:
    """All entries of the zip in `file`, in the order of the central directory.

    Raises:
        BadPrediction: not a zip, damaged, over the limits on entries and sizes, or overlapping.
            What single entries do wrong (names, encryption, ...) is left to the caller.
    """
    file_size = file.seek(0, 2)
    end = _find_end(file, file_size)
    if end.entries > limits.max_entries:
        raise _too_many(end.entries, limits)
    if end.size > limits.max_directory_bytes:
        raise _damaged(f"its table of contents alone takes {end.size} bytes")
    if end.entries * _CENTRAL.size > end.size:
        raise _damaged(f"{end.entries} entries do not fit into the table of contents")
    directory = _read_at(file, end.start, end.size)
    entries = list(_entries(directory, end))
    _check_total(entries, limits)
    return _with_data_starts(file, entries, directory_start=end.start)


def _find_end(file: BinaryIO, file_size: int) -> _End:
    """The end record: the last one whose comment reaches exactly to the end of the file."""
    tail_size = min(file_size, _END.size + _LONGEST_COMMENT)
    tail_start = file_size - tail_size
    tail = _read_at(file, tail_start, tail_size)
    at = tail.rfind(b"PK\5\6")
    ends_early = False
    while at >= 0:
        if at + _END.size <= tail_size:
            fields = _END.unpack_from(tail, at)
            end = at + _END.size + fields[-1]
            if end == tail_size:
                return _end_of(file, tail_start + at, fields)
            ends_early |= end < tail_size
        at = tail.rfind(b"PK\5\6", 0, at + 3)
    if ends_early:
        raise _damaged("other bytes follow after its end")
    if _read_at(file, 0, min(4, file_size)) == b"PK\3\4":
        raise _damaged("its end is missing, as when an upload or a copy was cut short")
    raise BadPrediction(
        [
            Finding.of(
                Code.NOT_A_ZIP,
                "The file is not a zip archive; pack the folder of masks as a .zip"
                " (not .tar, .7z or .rar).",
                expected="a zip archive",
                found=f"{file_size} bytes of something else",
            )
        ]
    )


def _end_of(file: BinaryIO, at: int, fields: tuple[int, ...]) -> _End:
    _, disk, directory_disk, here, entries, size, start, _ = fields
    if _FULL_16 in (disk, directory_disk, here, entries) or _FULL_32 in (size, start):
        end, at = _end_64_of(file, at)
    elif disk or directory_disk or here != entries:
        raise _damaged("it is one part of an archive in several parts; send one file")
    else:
        end = _End(entries, size, start)
    if end.start + end.size != at:
        raise _damaged("its table of contents is not where it says")
    return end


def _end_64_of(file: BinaryIO, end_start: int) -> tuple[_End, int]:
    """The zip64 end record that the locator before `end_start` points to, and its own place."""
    locator_start = end_start - _END_64_LOCATOR.size
    if locator_start >= 0:
        signature, _, at, disks = _END_64_LOCATOR.unpack(
            _read_at(file, locator_start, _END_64_LOCATOR.size)
        )
        if signature == b"PK\6\7" and disks <= 1 and at + _END_64.size <= locator_start:
            signature, _, _, _, disk, directory_disk, here, entries, size, start = _END_64.unpack(
                _read_at(file, at, _END_64.size)
            )
            if signature == b"PK\6\6" and disk == directory_disk == 0 and here == entries:
                return _End(entries, size, start), at
    raise _damaged("its zip64 records are broken")


def _entries(directory: bytes, end: _End) -> Iterator[Entry]:
    at = 0
    for _ in range(end.entries):
        if at + _CENTRAL.size > len(directory):
            raise _damaged("its table of contents ends too early")
        fields = _CENTRAL.unpack_from(directory, at)
        (signature, flags, method, crc, packed_size, size) = fields[:6]
        name_size, extra_size, comment_size, attributes, header_start = fields[6:]
        if signature != b"PK\1\2":
            raise _damaged("its table of contents holds something else")
        name_end = at + _CENTRAL.size + name_size
        extra_end = name_end + extra_size
        at_next = extra_end + comment_size
        if at_next > len(directory):
            raise _damaged("its table of contents ends too early")
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
        raise _damaged("its table of contents holds more than its entries")


def _widened(narrow: tuple[int, int, int], extra: bytes) -> tuple[int, int, int]:
    """Size, packed size and start, each taken from the zip64 field where 32 bits are all set."""
    if _FULL_32 not in narrow:
        return narrow
    wide = _zip_64_values(extra)
    if len(wide) < narrow.count(_FULL_32):
        raise _damaged("an entry lacks its zip64 sizes")
    size, packed_size, start = (wide.pop(0) if v == _FULL_32 else v for v in narrow)
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
    header = _read_at(file, entry.header_start, header_size)
    signature, flags, method, packed_size, size, name_size, extra_size = _LOCAL.unpack_from(header)
    if (signature, name_size, header[_LOCAL.size :]) != (
        b"PK\3\4",
        len(entry.raw_name),
        entry.raw_name,
    ) or {method, entry.method} == {STORED, DEFLATED}:
        shown = printable(entry.name)
        raise _damaged(f"{shown} is not what the table of contents says it is")
    sizes_follow = flags & _SIZES_FOLLOW_FLAG or _FULL_32 in (packed_size, size)
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


def _read_at(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(start)
    found = file.read(size)
    if len(found) < size:
        raise _damaged("it ends too early")
    return found


def _damaged(why: str) -> BadPrediction:
    message = f"The zip archive is damaged: {why}. Make it again and check it with `unzip -t`."
    return BadPrediction([Finding.of(Code.ZIP_DAMAGED, message, found=why)])


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
