"""Scores: of a submission (verified) and of a publication (reported)."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Base

HEADLINE_SCORES = (
    "miou",
    "bmiou",
    "img_acc",
    "f_beta",
    "miou_s",
    "miou_ms",
    "miou_ml",
    "miou_l",
    "bmiou_s",
    "bmiou_ms",
    "bmiou_ml",
    "bmiou_l",
)


class HeadlineScores:
    """The twelve headline scores, percentages from 0 to 100; None is unknown or undefined."""

    miou: Mapped[float | None]
    bmiou: Mapped[float | None]
    img_acc: Mapped[float | None]
    f_beta: Mapped[float | None]
    miou_s: Mapped[float | None]
    miou_ms: Mapped[float | None]
    miou_ml: Mapped[float | None]
    miou_l: Mapped[float | None]
    bmiou_s: Mapped[float | None]
    bmiou_ms: Mapped[float | None]
    bmiou_ml: Mapped[float | None]
    bmiou_l: Mapped[float | None]

    def headline(self) -> dict[str, float | None]:
        return {name: getattr(self, name) for name in HEADLINE_SCORES}


class Score(HeadlineScores, Base):
    """What a submission scored, under one version of the scorer and of the truth."""

    __tablename__ = "score"
    __table_args__ = (UniqueConstraint("submission_id", "scorer_version", "truth_version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    scorer_version: Mapped[str] = mapped_column(String(32))
    truth_version: Mapped[str] = mapped_column(String(64))
    miou_no_other: Mapped[float | None]
    bmiou_no_other: Mapped[float | None]
    per_class_iou: Mapped[list[Any]]
    per_class_biou: Mapped[list[Any]]
    intervals: Mapped[dict[str, Any]]
    images: Mapped[int]
    created_at: Mapped[datetime]


class ResampledScore(Base):
    """One score of every resample of a split's images: what two entries are compared by.

    All entries under one truth share their resamples. The values are sums over whole resamples and
    hold nothing per image; `server.resampled` says how they are packed.
    """

    __tablename__ = "resampled_score"

    score_id: Mapped[int] = mapped_column(ForeignKey("score.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    packed: Mapped[bytes] = mapped_column(LargeBinary)


class ReportedResult(HeadlineScores, Base):
    """A published result that was not scored here; method, backbone and source name it."""

    __tablename__ = "reported_result"
    __table_args__ = (UniqueConstraint("board_id", "method", "backbone", "source"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"))
    method: Mapped[str] = mapped_column(String(200))
    backbone: Mapped[str] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(String(300))
    unranked_because: Mapped[str | None] = mapped_column(String(200))
