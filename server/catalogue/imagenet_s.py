"""ImageNet-S as facts: its three subsets, their categories, and the published results.

Sources: the data set's site and category lists; arXiv:2106.03149 and public READMEs for the
results, named row by row in reported_results.csv.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from server.models import HEADLINE_SCORES, Protocol, SplitName


@dataclass(frozen=True, slots=True)
class SubsetFacts:
    slug: str
    title: str
    classes: int


@dataclass(frozen=True, slots=True)
class CategoryFacts:
    class_id: int
    wnid: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedRow:
    """One published result; ``unranked_because`` is None where it may be ranked."""

    protocol: Protocol
    subset: str
    split: SplitName
    method: str
    backbone: str
    source: str
    unranked_because: str | None
    scores: dict[str, float | None]


SUBSETS = (
    SubsetFacts("50", "ImageNet-S-50", 50),
    SubsetFacts("300", "ImageNet-S-300", 300),
    SubsetFacts("919", "ImageNet-S", 919),
)


def categories(subset: str) -> list[CategoryFacts]:
    """Return a subset's categories in the order of their ids, 1 to C."""
    column = f"id_{subset}"
    return [
        CategoryFacts(int(row[column]), row["wnid"], row["name"])
        for row in _rows("categories.csv")
        if row[column]
    ]


def reported_rows() -> Iterator[ReportedRow]:
    for row in _rows("reported_results.csv"):
        yield ReportedRow(
            protocol=Protocol(row["protocol"]),
            subset=row["subset"],
            split=SplitName(row["split"]),
            method=row["method"],
            backbone=row["backbone"],
            source=row["source"],
            unranked_because=row["unranked_because"] or None,
            scores={name: float(row[name]) if row[name] else None for name in HEADLINE_SCORES},
        )


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = (files("server.catalogue") / name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
