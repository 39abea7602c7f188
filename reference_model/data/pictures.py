"""Reading images and masks, and bringing them to a size."""

import io
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from evaluator import BadMask, decode_mask
from reference_model.data.folders import BadData, ImageFile

Picture = NDArray[np.uint8]
"""Red, green, blue; shape (height, width, 3)."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of ImageNet's pixels, scaled to 0..1."""


class OpenPicture:
    """An image file whose header is read; its pixels are decoded when they are asked for."""

    def __init__(self, path: Path) -> None:
        try:
            self._image = Image.open(io.BytesIO(path.read_bytes()))
        except (UnidentifiedImageError, OSError) as error:
            raise BadData(f"{path} cannot be read as an image: {error}") from error
        self.path = path
        self.width, self.height = self._image.size

    def pixels(self, *, scale: float = 1.0) -> Picture:
        """The picture, at any size from `scale` times its own upwards.

        A JPEG decodes to a half, a quarter or an eighth of its sides in a fraction of the time.
        """
        try:
            self._image.draft("RGB", (int(self.width * scale), int(self.height * scale)))
            return np.asarray(self._image.convert("RGB"))
        except OSError as error:
            raise BadData(f"{self.path} is damaged: {error}") from error


def read_picture(image: ImageFile) -> Picture:
    return OpenPicture(image.path).pixels()


def read_mask(folder: Path, image: ImageFile, *, height: int, width: int) -> NDArray[np.uint16]:
    """The ids of an image's mask, shape (height, width)."""
    path = folder / image.mask_name
    try:
        return decode_mask(path.read_bytes(), file=image.mask_name, height=height, width=width)
    except FileNotFoundError as error:
        raise BadData(f"{path} is not there; every image of its split needs a mask") from error
    except BadMask as error:
        raise BadData(f"{folder}: {error}") from error


def resized(picture: Picture, *, width: int, height: int) -> Picture:
    """The picture at another size: averaged when it shrinks, interpolated when it grows."""
    shrinks = width * height < picture.shape[0] * picture.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    small: Picture = np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)
    return small


def with_short_side(picture: Picture, side: int) -> Picture:
    """The whole picture, its shorter side `side` pixels long."""
    height, width = picture.shape[:2]
    if width <= height:
        return resized(picture, width=side, height=int(side * height / width))
    return resized(picture, width=int(side * width / height), height=side)


def centre(picture: Picture, side: int) -> Picture:
    """The square in the middle; the picture is at least that large."""
    top, left = (round((length - side) / 2) for length in picture.shape[:2])
    return picture[top : top + side, left : left + side]
