"""What an organizer sets up: subsets with their boards, and the truth of a split.

The masks themselves never come here: `luss admin dataset` packs them into the vault and hands over
what may be known outside, the manifest and the content hash.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server import standings
from server.catalogue import imagenet_s
from server.catalogue import queries as catalogue
from server.catalogue.imagenet_s import CategoryFacts
from server.db import one_at_a_time
from server.errors import ClassCountDiffers, FieldInvalid
from server.models import (
    Board,
    Category,
    Protocol,
    ReportedResult,
    Split,
    SplitName,
    Subset,
    TruthVersion,
)
from server.organizers import queries

SETTING_UP = "setting up"


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthFacts:
    """What may be known of a truth outside the vault."""

    version: str
    classes: int
    manifest: Mapping[str, tuple[int, int]]


def register_imagenet_s(session: Session) -> None:
    """Register 50, 300 and 919 with categories, boards and reported rows; idempotent."""
    one_at_a_time(session, SETTING_UP)
    for facts in imagenet_s.SUBSETS:
        if catalogue.subset(session, facts.slug) is None:
            add_subset(
                session,
                slug=facts.slug,
                title=facts.title,
                categories=imagenet_s.categories(facts.slug),
            )
    boards = {
        (board.protocol, board.split.subset.slug, board.split.name): board
        for board in catalogue.boards(session)
    }
    known = queries.reported_names(session)
    for row in imagenet_s.reported_rows():
        board = boards[row.protocol, row.subset, row.split]
        if (board.id, row.method, row.backbone, row.source) not in known:
            session.add(
                ReportedResult(
                    board_id=board.id,
                    method=row.method,
                    backbone=row.backbone,
                    source=row.source,
                    unranked_because=row.unranked_because,
                    **row.scores,
                )
            )
            standings.board_changed(session, board.id)


def add_subset(
    session: Session, *, slug: str, title: str, categories: Iterable[CategoryFacts]
) -> Subset:
    """Add a data set with both splits and the four boards of each."""
    rows = list(categories)
    standings.all_boards_changed(session)  # their pages lead to the new ones
    position = session.scalar(select(func.count()).select_from(Subset)) or 0
    subset = Subset(slug=slug, title=title, classes=len(rows), position=position)
    session.add(subset)
    session.flush()  # categories and splits need its id
    session.add_all(
        Category(subset_id=subset.id, class_id=row.class_id, wnid=row.wnid, name=row.name)
        for row in rows
    )
    for name in SplitName:
        split = Split(subset_id=subset.id, name=name, is_public=False)
        session.add(split)
        session.flush()  # the boards need its id
        session.add_all(Board(split_id=split.id, protocol=protocol) for protocol in Protocol)
    return subset


def register_truth(
    session: Session,
    *,
    slug: str,
    split: SplitName,
    truth: TruthFacts,
    categories: Iterable[CategoryFacts] | None,
    is_public: bool,
    now: datetime,
    images: Path | None = None,
) -> Split:
    """Give a split its truth; a new slug makes a new data set.

    Another truth than the one in force is a new truth version: older scores stay visible and
    unranked until they are re-scored. ``images`` is the folder of the data set's images for those
    who run models; without it nothing changes about them.

    Raises:
        ClassCountDiffers: the subset has another number of categories than the masks.
        FieldInvalid: the names do not number the categories 1..C.
    """
    one_at_a_time(session, SETTING_UP)
    names = _numbered(categories, truth.classes)
    subset = catalogue.subset(session, slug) or add_subset(
        session, slug=slug, title=slug.capitalize(), categories=names
    )
    if subset.classes != truth.classes:
        raise ClassCountDiffers(
            f"The subset {slug} has {subset.classes} categories, these masks were registered with "
            f"{truth.classes}; pass --classes {subset.classes} and masks that go with it."
        )
    row = queries.split_of(session, subset.id, split)
    row.is_public = is_public
    if images is not None:
        row.image_folder = str(images)
    if catalogue.truth_version(session, row.id, truth.version) is None:
        session.add(
            TruthVersion(
                split_id=row.id,
                version=truth.version,
                images=len(truth.manifest),
                manifest={name: list(size) for name, size in truth.manifest.items()},
                registered_at=now,
            )
        )
    if row.truth_version != truth.version:
        row.truth_version = truth.version
        for board in queries.boards_of_split(session, row.id):
            standings.recount(session, board.id)
    return row


def _numbered(categories: Iterable[CategoryFacts] | None, classes: int) -> list[CategoryFacts]:
    if categories is None:
        return [CategoryFacts(i, f"category-{i}", f"category {i}") for i in range(1, classes + 1)]
    rows = sorted(categories, key=lambda row: row.class_id)
    if [row.class_id for row in rows] != list(range(1, classes + 1)):
        raise FieldInvalid(
            f"The names must number the categories 1 to {classes}, each once; "
            f"they number {len(rows)}: {[row.class_id for row in rows][:5]}...",
            field="names",
        )
    return rows
