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

IMAGE_FOLDERS = {SplitName.VAL: "validation", SplitName.TEST: "test"}
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


class BadNames(Exception):
    """The CSV of category names cannot be read; the message says why."""


class BadImages(Exception):
    """The folder does not hold the images of the split; the message says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What to register: masks in a folder or a pack, for one split of a subset."""

    slug: str
    split: SplitName
    masks: Path
    classes: int
    names: Path | None
    is_public: bool
    images: Path | None = None
    """The folder of the whole data set, as the workers of the queue `model` see it."""


def register(
    context: Context,
    registration: Registration,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> TruthFacts:
    """Register a truth and return what may be known of it; the same masks twice change nothing.

    Raises:
        BadNames: the CSV lacks a column or holds a number that is none.
        BadImages: the folder does not hold an image for each of the masks.
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
        if registration.images is not None:
            _check_images(registration.images, registration.split, facts)
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
                images=None if registration.images is None else registration.images.absolute(),
                now=context.clock.now(),
            )
    return facts


def _check_images(root: Path, split: SplitName, truth: TruthFacts) -> None:
    """See that each mask of a truth has its image; names are cut at their first dot."""
    folder = root / IMAGE_FOLDERS[split]
    found = {
        f"{path.parent.name}/{path.name.split('.')[0]}.png"
        for path in folder.glob("*/*")
        if path.suffix.lower() in IMAGE_SUFFIXES
    }
    missing = sorted(truth.manifest.keys() - found)
    if missing:
        raise BadImages(
            f"{folder} lacks {len(missing)} of {len(truth.manifest)} images, the first is that of "
            f"{missing[0]}; --images is the data set's folder in the layout of ImageNet-S."
        )


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
