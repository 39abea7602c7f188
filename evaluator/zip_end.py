"""Where the table of contents of a zip file lies: the record at its end, and that of zip64.

Source of the format: PKWARE APPNOTE 6.3.10.
"""

import struct
from typing import BinaryIO, NamedTuple

from evaluator.errors import BadPrediction
from evaluator.findings import Code, Finding

_END = struct.Struct("<4s4H2LH")
_END_64_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")

_LONGEST_COMMENT = 0xFFFF
FULL_16, FULL_32 = 0xFFFF, 0xFFFF_FFFF  # "look into the zip64 record instead"


class End(NamedTuple):
    """Where the central directory lies, and how much of it there is."""

    entries: int
    size: int
    start: int


def find_end(file: BinaryIO, file_size: int) -> End:
    """The end record: the last one whose comment reaches exactly to the end of the file.

    Raises:
        BadPrediction: there is none, or it is not where it says.
    """
    tail_size = min(file_size, _END.size + _LONGEST_COMMENT)
    tail_start = file_size - tail_size
    tail = read_at(file, tail_start, tail_size)
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
        raise damaged("other bytes follow after its end")
    if read_at(file, 0, min(4, file_size)) == b"PK\3\4":
        raise damaged("its end is missing, as when an upload or a copy was cut short")
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


def _end_of(file: BinaryIO, at: int, fields: tuple[int, ...]) -> End:
    _, disk, directory_disk, here, entries, size, start, _ = fields
    if FULL_16 in (disk, directory_disk, here, entries) or FULL_32 in (size, start):
        end, at = _end_64_of(file, at)
    elif disk or directory_disk or here != entries:
        raise damaged("it is one part of an archive in several parts; send one file")
    else:
        end = End(entries, size, start)
    if end.start + end.size != at:
        raise damaged("its table of contents is not where it says")
    return end


def _end_64_of(file: BinaryIO, end_start: int) -> tuple[End, int]:
    """The zip64 end record that the locator before `end_start` points to, and its own place."""
    locator_start = end_start - _END_64_LOCATOR.size
    if locator_start >= 0:
        signature, _, at, disks = _END_64_LOCATOR.unpack(
            read_at(file, locator_start, _END_64_LOCATOR.size)
        )
        if signature == b"PK\6\7" and disks <= 1 and at + _END_64.size <= locator_start:
            signature, _, _, _, disk, directory_disk, here, entries, size, start = _END_64.unpack(
                read_at(file, at, _END_64.size)
            )
            if signature == b"PK\6\6" and disk == directory_disk == 0 and here == entries:
                return End(entries, size, start), at
    raise damaged("its zip64 records are broken")


def read_at(file: BinaryIO, start: int, size: int) -> bytes:
    """Exactly `size` bytes from `start` on.

    Raises:
        BadPrediction: the file ends before.
    """
    file.seek(start)
    found = file.read(size)
    if len(found) < size:
        raise damaged("it ends too early")
    return found


def damaged(why: str) -> BadPrediction:
    """The error of an archive whose structure is broken; `why` says where."""
    message = f"The zip archive is damaged: {why}. Make it again and check it with `unzip -t`."
    return BadPrediction([Finding.of(Code.ZIP_DAMAGED, message, found=why)])
