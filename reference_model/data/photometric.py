"""Random changes of colour and sharpness, on 8-bit pictures.

The rules are torchvision's (jitter in random order, hue in a circle of 256 steps as Pillow has
it); the arithmetic is OpenCV's, in place where it can be, since here a loader spends its time.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from reference_model.data.pictures import Picture

_GREY_SHARES = np.array([0.299, 0.587, 0.114], np.float32)
_LEVELS = np.arange(256, dtype=np.float32)
_HALF = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Photometric:
    """What may happen to a crop, each with its probability."""

    jitter_probability: float = 0.8
    brightness: float = 0.8
    contrast: float = 0.8
    saturation: float = 0.8
    hue: float = 0.2
    """In turns of the colour circle."""
    grey_probability: float = 0.2
    blur_probability: float = 0.5
    blur_radius: tuple[float, float] = (0.1, 2.0)
    """Standard deviation, in pixels of the crop."""
    solarise_probability: float = 0.0

    def apply(self, picture: Picture, rng: Generator) -> Picture:
        if rng.random() < self.jitter_probability:
            picture = self._jittered(picture, rng)
        if rng.random() < self.grey_probability:
            picture = _grey(picture)
        if rng.random() < self.blur_probability:
            picture = _blurred(picture, rng.uniform(*self.blur_radius))
        if rng.random() < self.solarise_probability:
            picture = np.where(picture < _HALF, picture, 255 - picture)
        return picture

    def _jittered(self, picture: Picture, rng: Generator) -> Picture:
        brightness, contrast, saturation = (
            rng.uniform(max(0, 1 - strength), 1 + strength)
            for strength in (self.brightness, self.contrast, self.saturation)
        )
        turn = rng.uniform(-self.hue, self.hue)
        for change in rng.permutation(4):
            if change == 0:
                picture = _blended(picture, 0, brightness)
            elif change == 1:
                picture = _blended(picture, _mean_grey(picture), contrast)
            elif change == 2:  # noqa: PLR2004  # the third of four
                picture = _saturated(picture, saturation)
            else:
                picture = _turned(picture, turn)
        return picture


def _grey(picture: Picture) -> Picture:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)


def _blurred(picture: Picture, radius: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), radius), np.uint8)


def _blended(picture: Picture, level: float, share: float) -> Picture:
    """`share` of the picture and the rest of one grey level, clipped."""
    table = np.clip(_LEVELS * share + level * (1 - share), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table), np.uint8)


def _mean_grey(picture: Picture) -> float:
    return round(float(np.dot(cv2.mean(picture)[:3], _GREY_SHARES)))


def _saturated(picture: Picture, share: float) -> Picture:
    if share == 1:
        return picture
    matrix = share * np.eye(3, dtype=np.float32) + (1 - share) * _GREY_SHARES
    return np.asarray(cv2.transform(picture, matrix.astype(np.float32)), np.uint8)


def _turned(picture: Picture, turn: float) -> Picture:
    """Every hue moved along the colour circle."""
    if turn == 0:
        return picture
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV_FULL)
    shifted = np.uint8(round(turn * 255) % 256)
    hsv[..., 0] += shifted  # wraps around
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL), np.uint8)
