"""PNG files written chunk by chunk: odd ones that are masks all the same, and ones that are not.

Makers take (height, width) of the image that a mask is wanted for.
"""

import struct
import zlib
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from evaluator import Code, encode_mask

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}

Maker = Callable[[int, int], bytes]


def chunk(kind: bytes, content: bytes, *, crc: int | None = None) -> bytes:
    crc = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def header(height: int, width: int, *, bits: int = 8, colour: int = RGB) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))


def rows(height: int, width: int, *, bits: int = 8, colour: int = RGB, red: int = 1) -> bytes:
    """Unfiltered rows; in RGB and RGBA every pixel is (red, 0, 0)."""
    pixel = bytes([red, 0, 0, 7])[: CHANNELS[colour]] if bits == 8 else b""
    row = pixel * width if pixel else bytes(-(-bits * CHANNELS[colour] * width // 8))
    return (b"\0" + row) * height


def png(
    height: int,
    width: int,
    *,
    bits: int = 8,
    colour: int = RGB,
    before_pixels: bytes = b"",
    pixels: bytes | None = None,
    after_end: bytes = b"",
) -> bytes:
    if pixels is None:
        pixels = zlib.compress(rows(height, width, bits=bits, colour=colour))
    return (
        SIGNATURE
        + header(height, width, bits=bits, colour=colour)
        + before_pixels
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
        + after_end
    )


def of(height: int, width: int) -> bytes:
    """A mask of ones, as the evaluator writes it."""
    return encode_mask(np.ones((height, width), np.uint16))


def jpeg(height: int, width: int) -> bytes:
    return bytes(cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8))[1])


def photograph(height: int, width: int) -> bytes:
    seeded = np.random.default_rng(0).integers(1, 256, (height, width, 3), np.uint8)
    return bytes(cv2.imencode(".png", seeded)[1])


def _broken(png_bytes: bytes, at: int) -> bytes:
    return png_bytes[:at] + bytes([png_bytes[at] ^ 0xFF]) + png_bytes[at + 1 :]


def _pngs() -> Iterator[tuple[str, Code, Maker]]:
    palette = chunk(b"PLTE", bytes(768))
    yield "a mask too narrow", Code.WRONG_SIZE, lambda h, w: of(h, w - 1)
    yield "a mask turned", Code.WRONG_SIZE, lambda h, w: of(w, h)
    yield "a mask of ten gigabytes", Code.WRONG_SIZE, lambda h, w: png(60_000, 60_000, pixels=b"")
    yield "a mask without pixels", Code.WRONG_SIZE, lambda h, w: png(0, 0)
    yield (
        "a palette",
        Code.WRONG_COLOUR,
        lambda h, w: png(h, w, colour=PALETTE, before_pixels=palette),
    )
    yield (
        "a palette of four bits",
        Code.WRONG_COLOUR,
        lambda h, w: png(h, w, bits=4, colour=PALETTE, before_pixels=palette),
    )
    yield "grey", Code.WRONG_COLOUR, lambda h, w: png(h, w, colour=GREY)
    yield "grey of 16 bits", Code.WRONG_COLOUR, lambda h, w: png(h, w, bits=16, colour=GREY)
    yield "grey with alpha", Code.WRONG_COLOUR, lambda h, w: png(h, w, colour=GREY_ALPHA)
    yield "an unknown colour type", Code.WRONG_COLOUR, _colour_5
    yield "RGB of 16 bits", Code.WRONG_DEPTH, lambda h, w: png(h, w, bits=16)
    yield "RGBA of 16 bits", Code.WRONG_DEPTH, lambda h, w: png(h, w, bits=16, colour=RGBA)
    yield "a JPEG", Code.NOT_A_PNG, jpeg
    yield "an array", Code.NOT_A_PNG, lambda h, w: b"\x93NUMPY\x01\x00" + bytes(100)
    yield "an empty file as mask", Code.NOT_A_PNG, lambda h, w: b""
    yield "a signature alone", Code.NOT_A_PNG, lambda h, w: SIGNATURE
    yield "half a header", Code.NOT_A_PNG, lambda h, w: of(h, w)[:30]
    yield "a header of another length", Code.NOT_A_PNG, lambda h, w: _broken(of(h, w), 11)
    yield "a header and no more", Code.MASK_DAMAGED, lambda h, w: of(h, w)[:33]
    yield "a wrong CRC of the header", Code.MASK_DAMAGED, lambda h, w: _broken(of(h, w), 30)
    yield "a wrong CRC of the pixels", Code.MASK_DAMAGED, lambda h, w: _broken(of(h, w), -14)
    yield "pixels cut short", Code.MASK_DAMAGED, lambda h, w: of(h, w)[:-20]
    yield "the last chunk cut off", Code.MASK_DAMAGED, lambda h, w: of(h, w)[:-12]
    yield "the last chunk cut short", Code.MASK_DAMAGED, lambda h, w: of(h, w)[:-8]
    yield (
        "rows left out",
        Code.MASK_DAMAGED,
        lambda h, w: png(h, w, pixels=zlib.compress(rows(h - 1, w))),
    )
    yield "no pixels at all", Code.MASK_DAMAGED, lambda h, w: png(h, w, pixels=b"")
    yield "pixels not compressed", Code.MASK_DAMAGED, lambda h, w: png(h, w, pixels=rows(h, w))
    yield (
        "a chunk that nobody knows",
        Code.MASK_DAMAGED,
        lambda h, w: png(h, w, before_pixels=chunk(b"ABCD", b"x")),
    )
    yield (
        "a second header",
        Code.MASK_DAMAGED,
        lambda h, w: png(h, w, before_pixels=header(9999, 9999)),
    )
    yield (
        "a chunk longer than the file",
        Code.MASK_DAMAGED,
        lambda h, w: SIGNATURE + header(h, w) + b"\xff\xff\xff\xffIDAT",
    )
    yield "a photograph", Code.BLUE_NOT_ZERO, photograph


def _colour_5(height: int, width: int) -> bytes:
    kind = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 5, 0, 0, 0)
    return SIGNATURE + struct.pack(">I", 13) + kind + struct.pack(">I", zlib.crc32(kind))


PNG_CASES = tuple(_pngs())


def interlaced(height: int, width: int) -> bytes:
    """A mask of ones whose pixels are stored in the seven passes of Adam7."""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2))
    pixels = b""
    for top, left, down, right in (*passes, (1, 0, 2, 1)):
        rows_here, columns_here = len(range(top, height, down)), len(range(left, width, right))
        if rows_here and columns_here:
            pixels += rows(rows_here, columns_here)
    kind = struct.pack(">IIBBBBB", width, height, 8, RGB, 0, 0, 1)
    return (
        SIGNATURE
        + chunk(b"IHDR", kind)
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )


def in_many_chunks(height: int, width: int) -> bytes:
    """A mask of ones whose pixels come byte by byte."""
    stream = zlib.compress(rows(height, width))
    return (
        SIGNATURE
        + header(height, width)
        + b"".join(chunk(b"IDAT", stream[i : i + 1]) for i in range(len(stream)))
        + chunk(b"IEND", b"")
    )
