"""Archives that somebody made by mistake or on purpose, each with the one code it must get.

The split they are meant for is `MANIFEST`, with `CLASSES` categories. `CASES` holds them all.
"""

import io
import json
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from evaluator import Code, encode_mask
from tests.support.masks import CLASSES, METHOD
from tests.support.pngs import PNG_CASES

MANIFEST = {"n1/a.png": (6, 8), "n2/b.png": (5, 7)}
FIRST, SECOND = MANIFEST

STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
UNIX = 3


def mask(name: str) -> bytes:
    return encode_mask(np.ones(MANIFEST[name], np.uint16))


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


@dataclass(frozen=True, kw_only=True)
class File:
    """One entry; what is not given follows from the content, as an honest program would have it."""

    name: bytes
    content: bytes = b""
    method: int = STORED
    flags: int = 0
    mode: int = stat.S_IFREG | 0o644
    packed: bytes | None = None
    size: int | None = None
    packed_size: int | None = None
    crc: int | None = None
    start: int | None = None
    extra: bytes = b""
    local_name: bytes | None = None
    local_size: int | None = None
    local_method: int | None = None
    local_flags: int | None = None
    local_signature: bytes = b"PK\3\4"
    central_signature: bytes = b"PK\1\2"

    def bytes_packed(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflated(self.content) if self.method == DEFLATED else self.content

    def numbers(self) -> tuple[int, int, int]:
        """CRC, packed size and size as declared."""
        packed = self.bytes_packed()
        return (
            zlib.crc32(self.content) if self.crc is None else self.crc,
            len(packed) if self.packed_size is None else self.packed_size,
            len(self.content) if self.size is None else self.size,
        )


@dataclass(frozen=True, kw_only=True)
class RawZip:
    """A zip written field by field, so that any of them can lie."""

    files: tuple[File, ...] = ()
    prefix: bytes = b""
    before_end: bytes = b""
    after_end: bytes = b""
    entries: int | None = None
    directory_shift: int = 0
    disk: int = 0
    comment: bytes = b""
    starts: list[int] = field(default_factory=list)

    def __bytes__(self) -> bytes:
        out = io.BytesIO()
        starts = [self._write_local(out, file) for file in self.files]
        directory_start = out.tell()
        for file, start in zip(self.files, starts, strict=True):
            out.write(_central(file, start if file.start is None else file.start))
        directory_size = out.tell() - directory_start
        out.write(self.before_end)
        count = len(self.files) if self.entries is None else self.entries
        out.write(
            struct.pack(
                "<4s4H2LH",
                b"PK\5\6",
                self.disk,
                self.disk,
                count,
                count,
                directory_size,
                directory_start + self.directory_shift,
                len(self.comment),
            )
        )
        return self.prefix + out.getvalue() + self.comment + self.after_end

    @staticmethod
    def _write_local(out: io.BytesIO, file: File) -> int:
        start = out.tell()
        name = file.name if file.local_name is None else file.local_name
        crc, packed_size, size = (n & 0xFFFFFFFF for n in file.numbers())
        size = size if file.local_size is None else file.local_size
        flags = file.flags if file.local_flags is None else file.local_flags
        method = file.method if file.local_method is None else file.local_method
        fields = (20, flags, method, 0, 0, crc, packed_size, size, len(name), 0)
        out.write(struct.pack("<4s5H3L2H", file.local_signature, *fields) + name)
        out.write(file.bytes_packed())
        return start


def _central(file: File, start: int) -> bytes:
    crc, packed_size, size = file.numbers()
    fields = (UNIX << 8 | 20, 20, file.flags, file.method, 0, 0, crc, packed_size, size)
    sizes = (len(file.name), len(file.extra), 0, 0, 0)
    return (
        struct.pack("<4s6H3L", file.central_signature, *fields)
        + struct.pack("<5H2L", *sizes, file.mode << 16, start)
        + file.name
        + file.extra
    )


def good_files() -> tuple[File, ...]:
    masks = (File(name=name.encode(), content=mask(name)) for name in MANIFEST)
    return (*masks, File(name=b"method.txt", content=METHOD.encode()))


def good_zip() -> bytes:
    return bytes(RawZip(files=good_files()))


def with_first(**lies: object) -> bytes:
    """A good archive but for the entry of the first mask."""
    first, *rest = good_files()
    return bytes(RawZip(files=(replace(first, **lies), *rest)))  # type: ignore[arg-type]


def with_file(name: str, content: bytes, **lies: object) -> bytes:
    """A good archive in which `name` is added or replaced."""
    kept = [file for file in good_files() if file.name != name.encode()]
    added = replace(File(name=name.encode(), content=content), **lies)  # type: ignore[arg-type]
    return bytes(RawZip(files=(*kept, added)))


def without(name: str) -> bytes:
    return bytes(RawZip(files=tuple(f for f in good_files() if f.name != name.encode())))


def zip64_end(*, entries: int, size: int, start: int, at: int) -> bytes:
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, size, start)
    return record + struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)


def huge_count() -> bytes:
    """An empty archive whose zip64 record speaks of a million million entries."""
    return bytes(RawZip(entries=0xFFFF, before_end=zip64_end(entries=2**40, size=0, start=0, at=0)))


def ten_gigabytes() -> bytes:
    sizes = struct.pack("<2H2Q", 1, 16, 10 * 2**30, 4)
    return with_file("n3/c.png", b"PK!!", size=0xFFFFFFFF, packed_size=0xFFFFFFFF, extra=sizes)


def many_gigabytes() -> bytes:
    liars = tuple(File(name=b"x/%d" % i, content=b"?", size=2**32 - 2) for i in range(9))
    return bytes(RawZip(files=(*good_files(), *liars)))


def shared_bytes() -> bytes:
    """A good archive whose directory names the first entry a thousand times more."""
    first, *_ = files = good_files()
    body = bytes(RawZip(files=files))
    directory_start = struct.unpack("<L", body[-6:-2])[0]
    copies = (_central(replace(first, name=b"n3/%04d.png" % i), 0) for i in range(1000))
    directory = body[directory_start:-22] + b"".join(copies)
    count = len(files) + 1000
    end = (b"PK\5\6", 0, 0, count, count, len(directory), directory_start, 0)
    return body[:directory_start] + directory + struct.pack("<4s4H2LH", *end)


def quoted_headers() -> bytes:
    """Each entry's bytes hold the whole next one, header included, as stored deflate blocks do."""
    inner = File(name=b"n2/b.png", content=mask(SECOND))
    nested = io.BytesIO()
    RawZip._write_local(nested, inner)
    outer = File(name=b"n1/a.png", content=nested.getvalue())
    header_size = 30 + len(outer.name)
    return bytes(RawZip(files=(outer, replace(inner, start=header_size))))


def cut(content: bytes, at: int) -> bytes:
    return content[:at]


def tar_gz() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("n1/a.png")
        info.size = len(mask(FIRST))
        archive.addfile(info, io.BytesIO(mask(FIRST)))
    return out.getvalue()


def wrapped(folder: str) -> bytes:
    """The masks below `folder`, method.txt beside it."""
    *masks, method = good_files()
    inside = (replace(file, name=folder.encode() + file.name) for file in masks)
    return bytes(RawZip(files=(*inside, method)))


def zip64_locator_to_nowhere() -> bytes:
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 2**63, 1)
    return bytes(RawZip(files=good_files(), entries=0xFFFF, before_end=locator))


def zip64() -> bytes:
    """A good archive with everything in its zip64 place, sizes and starts included."""
    out = io.BytesIO()
    files = good_files()
    starts = [RawZip._write_local(out, file) for file in files]
    full, directory_start = 0xFFFFFFFF, out.tell()
    for file, start in zip(files, starts, strict=True):
        _, packed_size, size = file.numbers()
        extra = struct.pack("<2H3Q", 1, 24, size, packed_size, start)
        out.write(_central(replace(file, size=full, packed_size=full, extra=extra), full))
    at = out.tell()
    size = at - directory_start
    out.write(zip64_end(entries=len(files), size=size, start=directory_start, at=at))
    out.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, full, full, 0))
    return out.getvalue()


def with_match(text: str | bytes) -> bytes:
    return with_file("match.json", text.encode() if isinstance(text, str) else text)


@dataclass(frozen=True)
class Case:
    """`make()` gives the file's bytes; checking it finds errors of `code` and of no other."""

    title: str
    code: Code
    make: Callable[[], bytes]
    protocol: str = "fully-unsupervised"


def _archives() -> Iterator[tuple[str, Code, Callable[[], bytes]]]:
    text = b"not a mask, not an archive\n" * 100
    yield "an empty file", Code.NOT_A_ZIP, lambda: b""
    yield "a text", Code.NOT_A_ZIP, lambda: text
    yield "a tar.gz", Code.NOT_A_ZIP, tar_gz
    yield "a bare PNG", Code.NOT_A_ZIP, lambda: mask(FIRST)
    yield "an upload cut in half", Code.ZIP_DAMAGED, lambda: cut(good_zip(), 200)
    yield "the last byte missing", Code.ZIP_DAMAGED, lambda: good_zip()[:-1]
    yield "bytes after the end", Code.ZIP_DAMAGED, lambda: good_zip() + b"\n"
    yield (
        "a program before the archive",
        Code.ZIP_DAMAGED,
        lambda: bytes(RawZip(files=good_files(), prefix=b"#!/bin/sh\n")),
    )
    yield (
        "a directory elsewhere",
        Code.ZIP_DAMAGED,
        lambda: bytes(RawZip(files=good_files(), directory_shift=7)),
    )
    yield (
        "more entries than fit",
        Code.ZIP_DAMAGED,
        lambda: bytes(RawZip(files=good_files(), entries=60_000)),
    )
    yield (
        "fewer entries than there are",
        Code.ZIP_DAMAGED,
        lambda: bytes(RawZip(files=good_files(), entries=1)),
    )
    yield "a million million entries", Code.TOO_MANY_ENTRIES, huge_count
    yield (
        "one part of several",
        Code.ZIP_DAMAGED,
        lambda: bytes(RawZip(files=good_files(), disk=1)),
    )
    yield "a zip64 locator to nowhere", Code.ZIP_DAMAGED, zip64_locator_to_nowhere
    yield (
        "zip64 without a locator",
        Code.ZIP_DAMAGED,
        lambda: bytes(RawZip(files=good_files(), entries=0xFFFF)),
    )
    yield "zip64 sizes left out", Code.ZIP_DAMAGED, lambda: with_first(size=0xFFFFFFFF)
    yield "ten declared gigabytes", Code.ARCHIVE_TOO_LARGE, ten_gigabytes
    yield "nine times four gigabytes", Code.ARCHIVE_TOO_LARGE, many_gigabytes
    yield "a thousand names for one entry", Code.ENTRIES_OVERLAP, shared_bytes
    yield "headers quoted in entries", Code.ENTRIES_OVERLAP, quoted_headers
    yield (
        "an entry that reaches into the directory",
        Code.ENTRIES_OVERLAP,
        lambda: bytes(RawZip(files=(*good_files(), File(name=b"x", size=99, packed_size=99)))),
    )
    yield "an entry beyond the file", Code.ENTRIES_OVERLAP, lambda: with_first(start=2**31)
    yield "another name inside", Code.ZIP_DAMAGED, lambda: with_first(local_name=b"n9/z.png")
    yield (
        "no entry where it should be",
        Code.ZIP_DAMAGED,
        lambda: with_first(local_signature=b"????"),
    )
    yield "a broken directory", Code.ZIP_DAMAGED, lambda: with_first(central_signature=b"PK\1\3")
    yield "no entries", Code.ZIP_EMPTY, lambda: bytes(RawZip())
    yield "folders and leftovers alone", Code.ZIP_EMPTY, leftovers
    yield "no masks", Code.IMAGE_MISSING, without_masks
    yield "an archive in an archive", Code.IMAGE_MISSING, zip_in_zip


def _single_entries() -> Iterator[tuple[str, Code, Callable[[], bytes]]]:
    zeros = bytes(20_000_000)
    for title, name in {
        "a traversal": b"../../etc/passwd",
        "a traversal inside": b"n1/../../x.png",
        "an absolute name": b"/etc/passwd",
        "a drive": b"C:/x.png",
        "backslashes": b"n1\\a.png",
        "a NUL": b"n1/a.png\0.exe",
    }.items():
        yield title, Code.UNSAFE_NAME, lambda name=name: with_file_named(name)
    yield (
        "a symbolic link",
        Code.SYMLINK,
        lambda: with_first(mode=stat.S_IFLNK | 0o777, content=b"/etc/passwd"),
    )
    yield "a device", Code.SYMLINK, lambda: with_first(mode=stat.S_IFCHR | 0o666, content=b"")
    yield "a password", Code.ENCRYPTED, lambda: with_first(flags=0x1)
    yield "a password told inside alone", Code.ENCRYPTED, lambda: with_first(local_flags=0x1)
    yield (
        "a password told in the directory alone",
        Code.ENCRYPTED,
        lambda: with_first(flags=0x1, local_flags=0),
    )
    yield "strong encryption", Code.ENCRYPTED, lambda: with_first(flags=0x41)
    yield "bzip2", Code.UNSUPPORTED_COMPRESSION, lambda: with_first(method=zipfile.ZIP_BZIP2)
    yield (
        "a method told in the directory alone",
        Code.UNSUPPORTED_COMPRESSION,
        lambda: with_first(method=99, local_method=STORED),
    )
    yield (
        "a method told inside alone",
        Code.UNSUPPORTED_COMPRESSION,
        lambda: with_first(local_method=99),
    )
    yield "LZMA", Code.UNSUPPORTED_COMPRESSION, lambda: with_first(method=zipfile.ZIP_LZMA)
    yield (
        "one name twice",
        Code.DUPLICATE_NAME,
        lambda: bytes(RawZip(files=(*good_files(), good_files()[0]))),
    )
    yield (
        "twenty megabytes of nothing",
        Code.BOMB_RATIO,
        lambda: with_file("zeros.bin", zeros, method=DEFLATED),
    )
    yield "stored but of two sizes", Code.SIZE_MISMATCH, lambda: with_first(size=10)
    yield "another size in its own header", Code.SIZE_MISMATCH, lambda: with_first(local_size=10)
    yield (
        "less than declared",
        Code.SIZE_MISMATCH,
        lambda: with_first(method=DEFLATED, size=len(mask(FIRST)) + 9),
    )
    yield (
        "more than declared",
        Code.SIZE_MISMATCH,
        lambda: with_first(method=DEFLATED, size=len(mask(FIRST)) - 9),
    )
    yield (
        "packed larger than unpacked",
        Code.SIZE_MISMATCH,
        lambda: with_first(method=DEFLATED, packed=bytes(10_000), content=b"x"),
    )
    yield "a wrong checksum", Code.ENTRY_DAMAGED, lambda: with_first(crc=1)
    yield (
        "a broken deflate stream",
        Code.ENTRY_DAMAGED,
        lambda: with_first(method=DEFLATED, packed=b"\xff" * 40),
    )
    yield (
        "a deflate stream cut short",
        Code.ENTRY_DAMAGED,
        lambda: with_first(method=DEFLATED, packed=deflated(mask(FIRST))[:-4]),
    )
    yield (
        "bytes after a deflate stream",
        Code.ENTRY_DAMAGED,
        lambda: with_first(method=DEFLATED, packed=deflated(mask(FIRST)) + b"more"),
    )
    yield (
        "a mask of a megabyte",
        Code.FILE_TOO_LARGE,
        lambda: with_first(content=mask(FIRST) + bytes(2**20)),
    )
    yield "a missing image", Code.IMAGE_MISSING, lambda: without(SECOND)
    yield "other file names", Code.IMAGE_MISSING, with_jpeg_names
    yield "two wrapping folders", Code.IMAGE_MISSING, lambda: wrapped("outer/inner/")


def with_jpeg_names() -> bytes:
    files = (replace(f, name=f.name.replace(b".png", b".JPEG")) for f in good_files())
    return bytes(RawZip(files=tuple(files)))


def without_masks() -> bytes:
    return bytes(RawZip(files=good_files()[-1:]))


def leftovers() -> bytes:
    """What is left of an archive when its masks were forgotten on a Mac."""
    names = (b"n1/", b"n1/.DS_Store", b"__MACOSX/n1/._a.png")
    return bytes(RawZip(files=tuple(File(name=name) for name in names)))


def zip_in_zip() -> bytes:
    files = (File(name=b"predictions.zip", content=good_zip()), good_files()[-1])
    return bytes(RawZip(files=files))


def with_file_named(name: bytes) -> bytes:
    return bytes(RawZip(files=(*good_files(), File(name=name, content=b"x"))))


_BAD_MATCHES: dict[str, str | bytes] = {
    "empty": "",
    "no JSON": "1 -> 2",
    "a list": "[0, 1, 2]",
    "a number": "3",
    "null": "null",
    "a list of pairs": "[[1, 2]]",
    "a word as key": '{"cat": 1}',
    "an empty key": '{"": 1}',
    "a negative key": '{"-1": 1}',
    "a signed key": '{"+1": 1}',
    "a leading zero": '{"01": 1}',
    "a key twice": '{"1": 1, "1": 1}',
    "a key twice in two spellings": '{"1": 1, "01": 1}',
    "a fractional key": '{"1.0": 1}',
    "a key in other digits": '{"\u0661": 1}',
    "a key with spaces": '{" 1": 1}',
    "a key beyond 65535": '{"65536": 1}',
    "an enormous key": json.dumps({"9" * 5000: 1}),
    "a float": '{"1": 1.0}',
    "a fraction": '{"1": 1.5}',
    "a boolean": '{"1": true}',
    "a missing value": '{"1": null}',
    "a string": '{"1": "1"}',
    "a negative value": '{"1": -1}',
    "a value above C": json.dumps({"1": CLASSES + 1}),
    "ignore as value": '{"1": 1000}',
    "NaN": '{"1": NaN}',
    "infinity": '{"1": -Infinity}',
    "an enormous value": '{"1": ' + "9" * 5000 + "}",
    "an object as value": '{"1": {"2": 3}}',
    "a list as value": '{"1": [2]}',
    "endless nesting": '{"1": ' + "[" * 100_000,
    "UTF-16": '{"1": 1}'.encode("utf-16"),
    "broken UTF-8": b'{"\xff": 1}',
    "two documents": '{"1": 1}{"2": 2}',
}

_BAD_METHODS: dict[str, tuple[Code, bytes]] = {
    "empty": (Code.METHOD_NAME_MISSING, b""),
    "without a name": (Code.METHOD_NAME_MISSING, METHOD.replace("tried", "").encode()),
    "with the name null": (Code.METHOD_NAME_MISSING, METHOD.replace("tried", "null").encode()),
    "in other words": (Code.METHOD_NAME_MISSING, b"We trained a large network.\n"),
    "in Latin-1": (
        Code.METHOD_UNREADABLE,
        METHOD.replace("tried", "essay\u00e9").encode("latin-1"),
    ),
    "with NUL characters": (Code.METHOD_UNREADABLE, METHOD.replace("tried", "a\0b").encode()),
    "with a name of 201 letters": (
        Code.METHOD_NAME_TOO_LONG,
        METHOD.replace("tried", "n" * 201).encode(),
    ),
    "of 70 kB": (Code.FILE_TOO_LARGE, METHOD.encode() + b"x" * 70_000),
}


def _cases() -> Iterator[Case]:
    for title, code, make in chain(_archives(), _single_entries()):
        yield Case(title, code, make)
    for title, code, make_png in PNG_CASES:
        yield Case(title, code, lambda make=make_png: with_file(FIRST, make(*MANIFEST[FIRST])))
    for title, text in _BAD_MATCHES.items():
        yield Case(f"match.json: {title}", Code.MATCH_BAD, lambda text=text: with_match(text))
    huge = '{"0": 0' + " " * 3_000_000 + "}"
    yield Case("match.json: 3 MB", Code.FILE_TOO_LARGE, lambda: with_match(huge))
    yield Case(
        "match.json where ids are truth ids",
        Code.MATCH_NOT_ALLOWED,
        lambda: with_match('{"1": 1}'),
        protocol="semi-supervised",
    )
    for title, (code, text) in _BAD_METHODS.items():
        yield Case(f"method.txt {title}", code, lambda text=text: with_file("method.txt", text))
    yield Case("no method.txt", Code.METHOD_NAME_MISSING, lambda: without("method.txt"))


CASES = tuple(_cases())
