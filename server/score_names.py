"""What the scores are called and what they mean, for every page that shows them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScoreName:
    """A headline score: its name in files, over a column, and in a sentence."""

    key: str
    label: str
    meaning: str


@dataclass(frozen=True, slots=True)
class ScoreGroup:
    """Scores that stand side by side; ``metric`` is what is measured where it is one thing."""

    title: str
    metric: str
    scores: tuple[ScoreName, ...]


SIZES = (
    ScoreName("s", "S", "Small objects: at most 5 % of the image."),
    ScoreName("ms", "MS", "Medium-small ones: over 5 and up to 25 %."),
    ScoreName("ml", "ML", "Medium-large ones: over 25 and up to 50 %."),
    ScoreName("l", "L", "Large ones: more than half of the image."),
)
OVERALL = ScoreGroup(
    "Overall",
    "",
    (
        ScoreName(
            "miou",
            "mIoU",
            "Overlap of predicted and true regions, averaged over all categories and other; "
            "it decides the rank.",
        ),
        ScoreName(
            "bmiou",
            "b-mIoU",
            "The same, counted only along the outlines: how exact the shapes are.",
        ),
        ScoreName(
            "img_acc",
            "Img-Acc",
            "Share of images whose largest predicted category is really in them.",
        ),
        ScoreName(
            "f_beta",
            "F\u03b2",
            "How well things are told from background, whatever category they are given.",
        ),
    ),
)
BY_SIZE = tuple(
    ScoreGroup(
        f"{label} by object size",
        label,
        tuple(ScoreName(f"{prefix}_{size.key}", size.label, size.meaning) for size in SIZES),
    )
    for prefix, label in (("miou", "mIoU"), ("bmiou", "b-mIoU"))
)
SCORE_GROUPS = (OVERALL, *BY_SIZE)
