"""How a submission's work is recorded: each change under the claim, and once.

A worker whose row is no longer its own gets False and records nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from server.models import CARD_FIELDS, Board, Score, Submission, SubmissionState
from server.submissions.leases import Claim, changed, first_time, is_held
from server.submissions.states import TRANSITIONS

WORKER_LOST = (
    "The worker was lost or stopped by an error each time this submission was tried. "
    "This is our fault, not yours; the operators have been told."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSheet:
    """What a scorer found; percentages from 0 to 100, None where a score is undefined."""

    scorer_version: str
    truth_version: str
    images: int
    headline: dict[str, float | None]
    miou_no_other: float | None
    bmiou_no_other: float | None
    per_class_iou: list[float]
    per_class_biou: list[float]
    intervals: dict[str, Any]


def begin_scoring(session: Session, held: Claim, *, images: int, now: datetime) -> bool:
    """Move from checking to scoring; True also for a takeover that finds it scoring already."""
    return _change(
        session,
        held,
        from_states=(SubmissionState.CHECKING, SubmissionState.SCORING),
        state=SubmissionState.SCORING,
        scoring_at=first_time(Submission.scoring_at, now),
        progress_done=0,
        progress_total=images,
    )


def report_progress(session: Session, held: Claim, *, done: int) -> bool:
    return _change(session, held, from_states=(SubmissionState.SCORING,), progress_done=done)


def record_scores(
    session: Session,
    held: Claim,
    sheet: ScoreSheet,
    *,
    method_id: int,
    card: Mapping[str, str | None],
    warnings: Sequence[dict[str, Any]],
    now: datetime,
) -> bool:
    """Store the scores, finish the submission and move its board's revision on.

    ``card`` is the method card as the archive and the form together give it.
    """
    finished = _finish(
        session,
        held,
        SubmissionState.SCORED,
        now=now,
        method_id=method_id,
        findings=list(warnings),
        **{name: card[name] for name in CARD_FIELDS},
        progress_done=sheet.images,
    )
    if finished:
        session.add(
            Score(
                submission_id=held.submission_id,
                scorer_version=sheet.scorer_version,
                truth_version=sheet.truth_version,
                miou_no_other=sheet.miou_no_other,
                bmiou_no_other=sheet.bmiou_no_other,
                per_class_iou=sheet.per_class_iou,
                per_class_biou=sheet.per_class_biou,
                intervals=sheet.intervals,
                images=sheet.images,
                created_at=now,
                **sheet.headline,
            )
        )
        board_id = session.get_one(Submission, held.submission_id).board_id
        session.execute(
            update(Board).where(Board.id == board_id).values(revision=Board.revision + 1)
        )
    return finished


def reject(
    session: Session, held: Claim, *, findings: Sequence[dict[str, Any]], now: datetime
) -> bool:
    """Refuse for the participant's fault; the archive's key is forgotten with the archive."""
    return _finish(
        session,
        held,
        SubmissionState.REJECTED,
        now=now,
        findings=list(findings),
        archive_key=None,
    )


def fail_abandoned(session: Session, submission_id: int, *, now: datetime) -> bool:
    """Give up on a submission that nobody holds any more: our fault."""
    return changed(
        session,
        [
            Submission.id == submission_id,
            Submission.state.in_(_before(SubmissionState.FAILED)),
            Submission.lease_until <= now,
        ],
        state=SubmissionState.FAILED,
        finished_at=now,
        failure=WORKER_LOST,
        lease_token=None,
    )


def _finish(
    session: Session, held: Claim, state: SubmissionState, *, now: datetime, **values: Any
) -> bool:
    return _change(
        session,
        held,
        from_states=_before(state),
        state=state,
        finished_at=now,
        lease_token=None,
        **values,
    )


def _before(state: SubmissionState) -> tuple[SubmissionState, ...]:
    return tuple(earlier for earlier, later in TRANSITIONS.items() if state in later)


def _change(
    session: Session, held: Claim, *, from_states: tuple[SubmissionState, ...], **values: Any
) -> bool:
    return changed(session, [*is_held(held), Submission.state.in_(from_states)], **values)
