"""What a report shows: a scored prediction as plain values, for the template and the charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluator import (
    Confusion,
    Fates,
    Finding,
    MethodCard,
    Overlap,
    Result,
    category_fates,
    most_called,
    most_confused,
    other_fates,
    overlap_of,
)
from server import charts

HEADLINE = {
    "miou": ("mIoU", "over all classes, other included"),
    "bmiou": ("b-mIoU", "the same on boundaries"),
    "img_acc": ("Img-Acc", "images whose largest category is right"),
    "f_beta": ("F-beta", "categories against other"),
}
SIZES = {
    "s": ("small", "up to 5 %"),
    "ms": ("medium small", "up to 25 %"),
    "ml": ("medium large", "up to 50 %"),
    "l": ("large", "above 50 %"),
}
ROWS = 15
"""Rows of the tables of worst classes and of confused pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One score in percent, with its interval if it has one."""

    title: str
    meaning: str
    value: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRow:
    title: str
    limit: str
    regions: Figure
    boundaries: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """One class."""

    label: str
    iou: float
    biou: float
    pixels: int
    """In the truth."""
    most_called: Confusion | None
    """What most of its wrong pixels were called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What became of some pixels, 0..1; all 0 where there are no such pixels."""

    right: float
    wrong_category: float
    missed: float
    no_class: float

    def by_fate(self) -> dict[str, float]:
        """By the names that the chart has for them."""
        shares = (self.right, self.wrong_category, self.missed, self.no_class)
        return dict(zip(charts.FATES, shares, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    title: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """Everything that the template may read."""

    title: str
    file: str
    card: MethodCard | None
    images: int
    classes: int
    headline: tuple[Figure, ...]
    without_other: tuple[Figure, ...]
    sizes: tuple[SizeRow, ...]
    labels: tuple[str, ...]
    """Of the classes 0..C and, in the last place, of what is no class."""
    all_classes: tuple[ClassRow, ...]
    worst: tuple[ClassRow, ...]
    """Of the classes that the truth has, the lowest IoU first."""
    absent: int
    """Classes that the truth does not have."""
    at_zero: int
    """Classes that the truth has, and of which not one pixel is right."""
    of_categories: Shares
    of_other: Shares
    confusions: tuple[Confusion, ...]
    warnings: tuple[Finding, ...]
    versions: tuple[Version, ...]
    has_intervals: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    """The charts of a page as Vega-Lite specifications."""

    sizes: charts.Spec
    classes: charts.Spec
    fates: charts.Spec


def report_page(result: Result, *, prediction: Path, labels: Sequence[str]) -> ReportPage:
    """A scored prediction as the report shows it."""
    overlap = overlap_of(result.tallies)
    classes = _class_rows(result, overlap, labels)
    present = [row for row in classes if row.pixels]
    card = result.card
    return ReportPage(
        title=(card and card.name) or prediction.name,
        file=prediction.name,
        card=card,
        images=result.images,
        classes=result.classes,
        headline=tuple(_figure(result, name, *texts) for name, texts in HEADLINE.items()),
        without_other=(
            _figure(result, "miou_no_other", "mIoU without other", ""),
            _figure(result, "bmiou_no_other", "b-mIoU without other", ""),
        ),
        sizes=tuple(
            SizeRow(
                title=title,
                limit=limit,
                regions=_figure(result, f"miou_{size}", "mIoU", ""),
                boundaries=_figure(result, f"bmiou_{size}", "b-mIoU", ""),
            )
            for size, (title, limit) in SIZES.items()
        ),
        labels=tuple(labels),
        all_classes=classes,
        worst=tuple(sorted(present, key=lambda row: (row.iou, row.biou, -row.pixels))[:ROWS]),
        absent=len(classes) - len(present),
        at_zero=sum(row.iou == 0 for row in present),
        of_categories=_shares(category_fates(overlap)),
        of_other=_shares(other_fates(overlap)),
        confusions=most_confused(overlap, limit=ROWS),
        warnings=result.warnings,
        versions=_versions(result),
        has_intervals=bool(result.intervals),
    )


def charts_of(page: ReportPage) -> Charts:
    """The charts that belong into the page."""
    return Charts(
        sizes=charts.scores_by_size(
            [
                charts.SizeScore(
                    size=row.title,
                    score=figure.title,
                    value=figure.value,
                    low=figure.interval[0] if figure.interval else None,
                    high=figure.interval[1] if figure.interval else None,
                )
                for row in page.sizes
                for figure in (row.regions, row.boundaries)
            ]
        ),
        classes=charts.class_scores(
            [row.iou for row in page.all_classes],
            [row.biou for row in page.all_classes],
            mean=sum(row.iou for row in page.all_classes) / len(page.all_classes),
        ),
        fates=charts.pixel_fates(
            {"categories": page.of_categories.by_fate(), "other": page.of_other.by_fate()}
        ),
    )


def _shares(fates: Fates) -> Shares:
    total = fates.total or 1
    return Shares(
        right=fates.right / total,
        wrong_category=fates.another_category / total,
        missed=fates.other / total,
        no_class=fates.no_class / total,
    )


def _figure(result: Result, name: str, title: str, meaning: str) -> Figure:
    value: float | None = getattr(result.scores, name)
    return Figure(title=title, meaning=meaning, value=value, interval=result.intervals.get(name))


def _class_rows(result: Result, overlap: Overlap, labels: Sequence[str]) -> tuple[ClassRow, ...]:
    pixels = overlap.pixels.sum(axis=1).tolist()
    ious, bious = result.scores.per_class_iou, result.scores.per_class_biou
    columns = zip(labels[:-1], ious, bious, pixels, most_called(overlap), strict=True)
    return tuple(
        ClassRow(
            label=label,
            iou=iou,
            biou=biou,
            pixels=count,
            most_called=called,
        )
        for label, iou, biou, count, called in columns
    )


def _versions(result: Result) -> tuple[Version, ...]:
    origin = result.tallies.origin
    return (
        Version(title="scorer", value=result.scorer_version),
        Version(title="truth", value=result.truth_version),
        Version(title="prediction", value=origin.archive_hash),
        Version(title="match map", value=origin.match_hash or "none"),
    )
