"""`luss admin dataset`: packs masks into the vault, tells the database what may be known of them.

It runs where the vault is. No web route leads here: organizers send masks to the operator.
"""

import csv
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evaluator import open_truth, pack_truth
from server.catalogue.imagenet_s import CategoryFacts
from server.models import SplitName
from server.organizers import service
from server.organizers.service import TruthFacts
from worker.context import Context


class BadNames(Exception):
    """The CSV of category names cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What to register: masks in a folder or a pack, for one split of a subset."""

    slug: str
    split: SplitName
    masks: Path
    classes: int
    names: Path | None
    is_public: bool


def register(
    context: Context,
    registration: Registration,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> TruthFacts:
    """Register a truth and return what may be known of it; the same masks twice change nothing.

    Raises:
        BadNames: the CSV lacks a column or holds a number that is none.
        evaluator.BadTruth: the masks cannot be scored against.
        server.errors.ServerError: the subset refuses them.
    """
    categories = None if registration.names is None else _read_names(registration.names)
    with tempfile.TemporaryDirectory(prefix="luss-") as scratch:
        pack = registration.masks
        if pack.is_dir():
            pack = Path(scratch) / "truth.pack"
            pack_truth(registration.masks, pack, classes=registration.classes, progress=progress)
        with open_truth(pack, classes=registration.classes) as truth:
            facts = TruthFacts(
                version=truth.version, classes=truth.classes, manifest=dict(truth.manifest)
            )
        # The vault first: a truth without a row is waste, a row without its truth is a failure.
        context.vault.keep_truth(pack, version=facts.version)
        with context.database.unit_of_work() as session:
            service.register_truth(
                session,
                slug=registration.slug,
                split=registration.split,
                truth=facts,
                categories=categories,
                is_public=registration.is_public,
                now=context.clock.now(),
            )
    return facts


def _read_names(path: Path) -> list[CategoryFacts]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        missing = {"id", "wnid", "name"} - set(rows.fieldnames or ())
        if missing:
            raise BadNames(f"{path} has no column {', '.join(sorted(missing))}; it needs all three")
        try:
            return [CategoryFacts(int(row["id"]), row["wnid"], row["name"]) for row in rows]
        except ValueError as reason:
            raise BadNames(f"{path}, line {rows.line_num}: {reason}") from reason
