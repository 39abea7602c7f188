"""Which images each resample of a split draws; METRICS.md tells the same for other programs."""

import hashlib
from typing import Self

import numpy as np
from numpy.typing import NDArray

from evaluator.protocol import RESAMPLES
from evaluator.tally import Tallies


class Resamples:
    """How often each image of a split is drawn in each resample.

    Images count in the order of their sorted names. The draws depend on nothing but the seed and
    the number of images, and not on the version of any library: the k-th resample reads 32-bit
    words from SHAKE-256 of the seed and k, and word w stands for image floor(w * images / 2**32).
    Some images are thus likelier than others by a share of images / 2**32, which is nothing.
    Whoever has only resampled values cannot tell the seed, so a secret one stays secret.
    """

    def __init__(self, seed: bytes, images: int, *, count: int = RESAMPLES) -> None:
        """Draw `count` resamples.

        Raises:
            ValueError: there is no image to draw, or no resample asked for.
        """
        if images < 1 or count < 1:
            raise ValueError(f"cannot draw {count} resamples of {images} images")
        self.images = images
        self.count = count
        times = np.empty((count, images), np.min_scalar_type(images))
        for k in range(count):
            times[k] = np.bincount(_drawn(seed, k, images), minlength=images)
        self.times: NDArray[np.unsignedinteger] = np.ascontiguousarray(times.T)
        """Shape (images, resamples); each column sums to `images`."""

    @classmethod
    def of_tallies(cls, tallies: Tallies, *, seed: bytes | None = None) -> Self:
        """The resamples of the images in `tallies`, by default from the public seed."""
        if seed is None:
            seed = public_seed(tallies.origin.truth_version)
        return cls(seed, tallies.images)


def public_seed(truth_version: str) -> bytes:
    """The seed that anybody can derive, for work offline.

    A service must use a secret seed instead: with a known one, the resampled values of several
    predictions would tell of single images.
    """
    return f"luss resamples\n{truth_version}".encode()


def _drawn(seed: bytes, k: int, images: int) -> NDArray[np.int64]:
    """The images of the k-th resample, as indices."""
    stream = hashlib.shake_256(seed + k.to_bytes(4, "little")).digest(4 * images)
    words = np.frombuffer(stream, "<u4").astype(np.uint64)
    return (words * np.uint64(images) >> np.uint64(32)).astype(np.int64)
