"""Mask files: 8-bit RGB PNG, id = R + 256 * G, B = 0.

Decoders disagree about broken and odd files, some of them silently, so nothing is left to one:
the header is read from the bytes first and must say exactly what is wanted; then the chunks that
hold pixels, and no others, go to libpng (which checks CRCs and refuses short data) and into a
buffer whose size is known by then. Transparency, gamma, profiles, orientation and whatever
follows the image are never seen by the decoder. An alpha channel is dropped.
"""

import struct
from dataclasses import dataclass

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray

from evaluator.errors import BadMask
from evaluator.findings import Code, Finding

IdArray = NDArray[np.uint16]
"""Ids of one image, shape (height, width)."""

IdPlane = NDArray[np.uint8] | NDArray[np.uint16]
"""As `IdArray`, in bytes if no id needs more."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_BYTES = 33
"""Signature and IHDR chunk: what must be read to know an image's size and kind."""

_IHDR = struct.Struct(">I4sIIBBBBB")
_CHUNK = struct.Struct(">I4s")
_BITS = 8
_RGB, _RGBA = 2, 6
_CHANNELS = {_RGB: 3, _RGBA: 4}
_COLOUR_NAMES = {
    0: "a grey PNG",
    2: "an RGB PNG",
    3: "a palette PNG",
    4: "a grey PNG with alpha",
    6: "an RGBA PNG",
}
_KINDS = {
    SIGNATURE: "a PNG cut short or without a header",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"BM": "a BMP image",
    b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image",
    b"RIFF": "a WebP image",
    b"\x93NUMPY": "a NumPy file",
    b"PK\3\4": "a zip archive or a NumPy file",
}
"""First bytes of files that are taken for masks -> what they are."""
_SAVE_AS = "save the mask as 8-bit RGB with R = id % 256, G = id // 256, B = 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the first chunk of a PNG says; sizes in pixels."""

    height: int
    width: int
    bits: int
    colour: int


def read_header(head: bytes, *, file: str) -> Header:
    """The header in the first `HEADER_BYTES` of a PNG.

    Raises:
        BadMask: these are not the first bytes of a PNG.
    """
    if len(head) >= HEADER_BYTES and head.startswith(SIGNATURE):
        length, kind, width, height, bits, colour, *_ = _IHDR.unpack_from(head, len(SIGNATURE))
        if (length, kind) == (13, b"IHDR"):
            return Header(height=height, width=width, bits=bits, colour=colour)
    raise BadMask(
        Finding.of(
            Code.NOT_A_PNG,
            f"this is not a PNG image ({_kind_of(head)}); {_SAVE_AS}",
            file=file,
            expected="an 8-bit RGB PNG",
            found=_kind_of(head),
        )
    )


def check_header(header: Header, *, file: str, height: int, width: int) -> None:
    """Refuse a mask whose header differs from what its image asks for.

    Raises:
        BadMask: another size, another depth, or neither RGB nor RGBA.
    """
    if (header.height, header.width) != (height, width):
        expected, found = f"{width}x{height}", f"{header.width}x{header.height}"
        message = (
            f"the mask is {found} but the image is {expected} (width x height);"
            " resize the prediction to the original image, with nearest neighbours"
        )
        raise BadMask(
            Finding.of(Code.WRONG_SIZE, message, file=file, expected=expected, found=found)
        )
    if header.colour not in _CHANNELS:
        found = _COLOUR_NAMES.get(header.colour, f"a PNG of unknown colour type {header.colour}")
        message = f"this is {found}; {_SAVE_AS}"
        raise BadMask(
            Finding.of(
                Code.WRONG_COLOUR, message, file=file, expected="an 8-bit RGB PNG", found=found
            )
        )
    if header.bits != _BITS:
        found = f"{header.bits} bits a channel"
        message = f"this PNG has {found}, not {_BITS}; {_SAVE_AS}"
        raise BadMask(
            Finding.of(
                Code.WRONG_DEPTH,
                message,
                file=file,
                expected=f"{_BITS} bits a channel",
                found=found,
            )
        )


def largest_mask_bytes(height: int, width: int) -> int:
    """No sane PNG of that size is larger: twice the raw RGBA pixels, and 64 kB of chunks."""
    return 2 * height * (4 * width + 1) + 65_536


def decode_mask(png: bytes, *, file: str, height: int, width: int) -> IdArray:
    """Ids of a mask that must be `height` by `width` pixels.

    Raises:
        BadMask: anything but a sound 8-bit RGB or RGBA PNG of that size with B = 0 throughout.
    """
    return decode_plane(png, file=file, height=height, width=width).astype(np.uint16)


def decode_plane(png: bytes, *, file: str, height: int, width: int) -> IdPlane:
    """The ids of `decode_mask`, in bytes if no id needs more.

    Raises:
        BadMask: as `decode_mask`.
    """
    pixels = _decode_pixels(png, file=file, height=height, width=width)
    planes = np.empty((pixels.shape[2], height, width), np.uint8)
    cv2.split(pixels, list(planes))
    red, green, blue, *_ = planes
    if not cv2.countNonZero(planes[1:3].reshape(2 * height, width)):
        return red
    if cv2.countNonZero(blue):
        raise _blue(pixels, file=file)
    ids: IdArray = cv2.merge((red, green)).view("<u2").reshape(height, width)
    return ids


def _decode_pixels(png: bytes, *, file: str, height: int, width: int) -> NDArray[np.uint8]:
    """Channels of a mask as stored, shape (height, width, 3 or 4)."""
    header = read_header(png[:HEADER_BYTES], file=file)
    check_header(header, file=file, height=height, width=width)
    pixels = np.empty((height, width, _CHANNELS[header.colour]), np.uint8)
    try:
        imagecodecs.png_decode(_pixel_chunks(png, file=file), out=pixels)
    except (imagecodecs.PngError, ValueError) as error:
        # The decoder's own words are left out: libpng builds them in memory that is gone by the
        # time they are read, so they may be anything.
        raise _damaged(file, "its data ends early or a checksum is wrong") from error
    return pixels


def encode_mask(ids: NDArray[np.integer]) -> bytes:
    """The PNG file of ids in 0..65535, shape (height, width)."""
    planes = np.zeros((*ids.shape, 3), np.uint8)
    planes[..., 0] = ids & 0xFF
    planes[..., 1] = ids >> 8
    return bytes(imagecodecs.png_encode(planes))


def _blue(pixels: NDArray[np.uint8], *, file: str) -> BadMask:
    """The error of a mask that has blue somewhere."""
    count = int(np.count_nonzero(pixels[..., 2]))
    row, column = np.argwhere(pixels[..., 2])[0]
    red, green, blue = pixels[row, column, :3]
    found = f"RGB ({red}, {green}, {blue}) at column {column}, row {row}"
    return BadMask(
        Finding.of(
            Code.BLUE_NOT_ZERO,
            f"blue is not 0 in {count} pixels, the first with {found}: this looks like a coloured"
            f" picture and not like ids; {_SAVE_AS}",
            file=file,
            expected="B = 0 in every pixel",
            found=found,
            count=count,
        )
    )


def _pixel_chunks(png: bytes, *, file: str) -> bytes:
    """`png` with its IHDR, IDAT and IEND chunks only.

    Raises:
        BadMask: there is no IEND, without which libpng would take a file cut short; or a chunk
            that a decoder has to know and that does not belong into an RGB image.
    """
    kept = [SIGNATURE]
    plain = True
    start = len(SIGNATURE)
    while start + _CHUNK.size <= len(png):
        length, kind = _CHUNK.unpack_from(png, start)
        end = start + _CHUNK.size + length + 4
        if kind in {b"IDAT", b"IEND"} or start == len(SIGNATURE):
            kept.append(png[start:end])
        else:
            plain = False
            if not kind[0] & 0x20 and kind != b"PLTE":  # upper case: a decoder must know it
                raise _damaged(file, "it holds a chunk that does not belong into an RGB image")
        if kind == b"IEND":
            return png if plain else b"".join(kept)
        start = end
    raise _damaged(file, "it ends before its last chunk")


def _damaged(file: str, why: str) -> BadMask:
    message = f"this PNG is damaged: {why}; write the mask again"
    return BadMask(Finding.of(Code.MASK_DAMAGED, message, file=file, found="a damaged PNG"))


def _kind_of(head: bytes) -> str:
    if not head:
        return "an empty file"
    return next(
        (kind for start, kind in _KINDS.items() if head.startswith(start)), "no known image format"
    )
