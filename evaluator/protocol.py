"""Every number that decides a score, each with its source.

*Paper* is Gao et al., "Large-scale Unsupervised Semantic Segmentation", arXiv:2106.03149;
*toolbox* is the ImageNet-S evaluator at github.com/LUSSeg/ImageNet-S, revision b2312ba.
METRICS.md says where the two differ. Changing a number here means a new `SCORER_VERSION`.
"""

from dataclasses import dataclass

SCORER_VERSION = "1"
"""Stored with every score: the same archive and truth give the same numbers under one version."""

OTHER = 0
"""The id of pixels that belong to no category. Source: ImageNet-S annotation format."""

IGNORE = 1000
"""The id of truth pixels that are not scored. Source: ImageNet-S annotation format."""

MAX_CLASSES = IGNORE - 1
"""The largest number of categories: ids run from 1, and `IGNORE` may not be one of them."""

BOUNDARY_RATIO = 0.03
"""Half-width of the boundary window over the image diagonal. Source: toolbox.

The paper cites Boundary IoU (Cheng et al., 2021), whose own default is 0.02.
"""

BETA_SQUARED_TENTHS = 3
"""Ten times beta squared in the F-measure, so that it can be computed in integers. Source: paper.

The paper and the saliency literature set beta squared, not beta, to 0.3.
"""

SIZE_BINS = (("s", 5), ("ms", 25), ("ml", 50), ("l", 100))
"""Object sizes: the name of each bin and the largest whole percentage of the image it holds.

An object takes the percentage of the pixels that are not ignored, rounded up. Source: toolbox;
the paper names the same three limits.
"""

HEADLINE_SCORES = (
    "miou",
    "bmiou",
    "img_acc",
    "f_beta",
    *(f"miou_{size}" for size, _ in SIZE_BINS),
    *(f"bmiou_{size}" for size, _ in SIZE_BINS),
)
"""The twelve figures that a board shows, in its order; all in percent."""

RESAMPLES = 1000
"""Bootstrap resamples behind each interval.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993: 1 000 or more where the
ends of a 95 % interval are wanted.
"""

CONFIDENCE = 0.95
"""The share of intervals that ought to hold the true score. Source: common practice."""

PROTOCOLS = ("fully-unsupervised", "distance-matching", "semi-supervised", "free")
"""How a method may have been made, strictest first. Source: paper, section on protocols."""

MATCHING_PROTOCOLS = frozenset({"fully-unsupervised", "free"})
"""Protocols whose archives may hold a match.json; under the others ids already are truth ids."""

MATCH_FILE = "match.json"
METHOD_FILE = "method.txt"

MAX_METHOD_NAME = 200
"""Characters of a method's name: more do not fit into a row of a board."""

MAX_GENERATED_ID = 0xFFFF
"""The largest id that a mask can hold: 255 + 256 * 255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an archive may ask of the machine that reads it.

    The defaults leave room for three times the largest split (27 423 masks of ImageNet-S test)
    and refuse what only an attack needs.
    """

    max_entries: int = 100_000
    max_directory_bytes: int = 16 * 2**20
    max_total_bytes: int = 8 * 2**30
    """Sum of the sizes after decompression, all entries together."""
    max_ratio: int = 300
    """Size after decompression over size before, for entries above `ratio_counts_from_bytes`."""
    ratio_counts_from_bytes: int = 2**20
    max_text_bytes: int = 64 * 2**10
    """Size of method.txt. Source: submission format."""
    max_match_bytes: int = 2 * 2**20
    """Size of match.json: all 65 536 ids, written generously, take about 1 MB."""


DEFAULT_LIMITS = Limits()
