"""What can be submitted to: subsets, their categories and splits, and the boards."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.models.base import Base

MAX_CLASSES = 999  # id 1000 means "ignore" in a mask, and no category may carry it


class Protocol(StrEnum):
    FULLY_UNSUPERVISED = "fully-unsupervised"
    DISTANCE_MATCHING = "distance-matching"
    SEMI_SUPERVISED = "semi-supervised"
    FREE = "free"


class SplitName(StrEnum):
    VAL = "val"
    TEST = "test"


class BoardDetail(StrEnum):
    """What a board of a hidden split shows of an entry; nothing per image, whatever is chosen.

    A public split shows everything: whoever has its masks can count it all.
    """

    SUMMARY = "summary"
    PER_CLASS = "per_class"
    EXACT = "exact"


class BoardPhase(StrEnum):
    """What becomes of an entry that comes now: open and closed take it, closed unranked."""

    UPCOMING = "upcoming"
    OPEN = "open"
    CLOSED = "closed"
    PAUSED = "paused"


class Subset(Base):
    """A subset of ImageNet-S, or a data set of the same shape that an organizer registered."""

    __tablename__ = "subset"
    __table_args__ = (
        CheckConstraint(f"classes BETWEEN 1 AND {MAX_CLASSES}", name="classes_in_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(120))
    classes: Mapped[int]
    position: Mapped[int]


class Category(Base):
    __tablename__ = "category"

    subset_id: Mapped[int] = mapped_column(ForeignKey("subset.id"), primary_key=True)
    class_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    wnid: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(200))


class Split(Base):
    """Images of a subset with one truth in force; until there is one nothing can be scored.

    ``image_folder`` is where the workers of the queue `model` find the whole data set, in the
    layout of ImageNet-S; None where they do not have the images of this split.
    """

    __tablename__ = "split"
    __table_args__ = (UniqueConstraint("subset_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subset_id: Mapped[int] = mapped_column(ForeignKey("subset.id"))
    name: Mapped[SplitName]
    is_public: Mapped[bool] = mapped_column(default=False)
    truth_version: Mapped[str | None] = mapped_column(String(64))
    image_folder: Mapped[str | None] = mapped_column(Text)

    subset: Mapped[Subset] = relationship(lazy="raise")


class TruthVersion(Base):
    """A truth that a split has or had: what may be known of it outside the vault."""

    __tablename__ = "truth_version"
    __table_args__ = (UniqueConstraint("split_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    split_id: Mapped[int] = mapped_column(ForeignKey("split.id"))
    version: Mapped[str] = mapped_column(String(64))
    images: Mapped[int]
    manifest: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    registered_at: Mapped[datetime]


class Board(Base):
    """Protocol x subset x split. The revision counts everything that changed what it shows.

    Whoever changes that goes through `server.standings`, in the same transaction. The limits are
    for each team, None is none: entries a UTC day, in all, in flight, and rejected or failed ones
    an hour.
    """

    __tablename__ = "board"
    __table_args__ = (
        UniqueConstraint("split_id", "protocol"),
        CheckConstraint("daily_limit > 0", name="daily_limit_positive"),
        CheckConstraint("total_limit > 0", name="total_limit_positive"),
        CheckConstraint("in_flight_limit > 0", name="in_flight_limit_positive"),
        CheckConstraint("hourly_limit > 0", name="hourly_limit_positive"),
        CheckConstraint("closes_at > opens_at", name="closes_after_it_opens"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    split_id: Mapped[int] = mapped_column(ForeignKey("split.id"))
    protocol: Mapped[Protocol]
    revision: Mapped[int] = mapped_column(default=0)
    detail: Mapped[BoardDetail] = mapped_column(
        default=BoardDetail.PER_CLASS, server_default=BoardDetail.PER_CLASS
    )
    daily_limit: Mapped[int | None] = mapped_column(default=5, server_default=text("5"))
    total_limit: Mapped[int | None]
    in_flight_limit: Mapped[int | None] = mapped_column(default=2, server_default=text("2"))
    hourly_limit: Mapped[int | None] = mapped_column(default=20, server_default=text("20"))
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    is_paused: Mapped[bool] = mapped_column(default=False, server_default=false())
    note: Mapped[str | None] = mapped_column(Text)

    split: Mapped[Split] = relationship(lazy="raise")

    def phase_at(self, now: datetime) -> BoardPhase:
        return phase_of(self.opens_at, self.closes_at, is_paused=self.is_paused, now=now)


def phase_of(
    opens_at: datetime | None, closes_at: datetime | None, *, is_paused: bool, now: datetime
) -> BoardPhase:
    """Tell the phase; a board opens and closes at its times, not after them."""
    if is_paused:
        return BoardPhase.PAUSED
    if opens_at is not None and now < opens_at:
        return BoardPhase.UPCOMING
    if closes_at is not None and now >= closes_at:
        return BoardPhase.CLOSED
    return BoardPhase.OPEN
