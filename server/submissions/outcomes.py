"""How a submission's work is recorded: each change under the claim, and once.

A worker whose row is no longer its own gets False and records nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, select
from sqlalchemy.orm import Session

from server import standings
from server.models import (
    CARD_FIELDS,
    AttemptOutcome,
    ResampledScore,
    Score,
    Shard,
    Submission,
    SubmissionState,
)
from server.submissions import attempts, predictions, queries
from server.submissions.leases import Claim, changed, first_time, is_held, lock
from server.submissions.states import FINAL, TRANSITIONS

FAILURE = (
    "This submission was tried as often as we try and could not be finished; the last reason: "
    "{reason}. This is our fault, not yours; the operators have been told."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSheet:
    """What a scorer found; percentages from 0 to 100, None where a score is undefined.

    ``resampled`` holds, by name, the values of each score in every resample, packed.
    """

    scorer_version: str
    truth_version: str
    images: int
    headline: dict[str, float | None]
    miou_no_other: float | None
    bmiou_no_other: float | None
    per_class_iou: list[float]
    per_class_biou: list[float]
    intervals: dict[str, Any]
    resampled: Mapping[str, bytes]


def begin_scoring(
    session: Session,
    held: Claim,
    *,
    images: int,
    card: Mapping[str, str | None],
    warnings: Sequence[dict[str, Any]],
    now: datetime,
) -> bool:
    """Move from checking to scoring; True also for a takeover that finds it scoring already.

    ``card`` is the method card as the form and the archive together give it.
    """
    is_scoring = Submission.state == SubmissionState.SCORING
    return _change(
        session,
        held,
        from_states=(SubmissionState.CHECKING, SubmissionState.SCORING),
        state=SubmissionState.SCORING,
        state_since=case((is_scoring, Submission.state_since), else_=now),
        scoring_at=first_time(Submission.scoring_at, now),
        findings=list(warnings),
        **{name: card[name] for name in CARD_FIELDS},
        progress_done=0,
        progress_total=images,
    )


def record_scores(
    session: Session,
    held: Claim,
    sheet: ScoreSheet,
    *,
    method_id: int,
    findings: Sequence[dict[str, Any]],
    images_counted: int,
    now: datetime,
) -> bool:
    """Store the scores, finish the submission and count it on its board.

    ``images_counted`` is how many of the images this very claim counted: none when it merged.
    """
    finished = _finish(
        session,
        held,
        SubmissionState.SCORED,
        now=now,
        images_counted=images_counted,
        method_id=method_id,
        findings=list(findings),
        progress_done=sheet.images,
    )
    if finished:
        score = Score(
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
        session.add(score)
        session.flush()  # the resampled values need its id
        session.add_all(
            ResampledScore(score_id=score.id, name=name, packed=packed)
            for name, packed in sheet.resampled.items()
        )
        submission = session.get_one(Submission, held.submission_id)
        standings.recount(session, submission.board_id, method_ids=[method_id])
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


def is_overdue(state: SubmissionState, *, since: datetime) -> ColumnElement[bool]:
    """Return the condition of what has been in a state since then or longer."""
    entered = func.coalesce(Submission.state_since, Submission.created_at)
    return and_(Submission.state == state, entered <= since)


def to_fail(session: Session, condition: ColumnElement[bool]) -> Sequence[int]:
    return session.scalars(select(Submission.id).where(condition).order_by(Submission.id)).all()


def fail(
    session: Session,
    submission_id: int,
    condition: ColumnElement[bool],
    *,
    reason: str,
    now: datetime,
) -> bool:
    """Give up on a submission that still meets the condition: our fault."""
    lock(session, submission_id)
    failed = changed(
        session,
        Submission,
        [
            Submission.id == submission_id,
            Submission.state.in_(_before(SubmissionState.FAILED)),
            condition,
        ],
        state=SubmissionState.FAILED,
        state_since=now,
        finished_at=now,
        failure=FAILURE.format(reason=reason),
        lease_token=None,
    )
    if failed:
        forget_shards(session, submission_id)
        predictions.stop(session, submission_id, now=now)
    return failed


def forget_files(session: Session, submission_id: int, *, now: datetime) -> bool:
    """Note that policy deletes archive and weights; False unless the submission is final."""
    return changed(
        session,
        Submission,
        [
            Submission.id == submission_id,
            Submission.state.in_(FINAL),
            queries.has_files(),
        ],
        archive_key=None,
        weights_key=None,
        archive_expired_at=now,
    )


def _finish(
    session: Session,
    held: Claim,
    state: SubmissionState,
    *,
    now: datetime,
    images_counted: int = 0,
    **values: Any,
) -> bool:
    finished = _change(
        session,
        held,
        from_states=_before(state),
        state=state,
        state_since=now,
        finished_at=now,
        lease_token=None,
        **values,
    )
    if finished:
        forget_shards(session, held.submission_id)
        done = AttemptOutcome.DONE
        attempts.end(session, held.token, done, now=now, images=images_counted)
    return finished


def forget_shards(session: Session, submission_id: int) -> None:
    """Delete the shards of a submission that has ended."""
    session.execute(delete(Shard).where(Shard.submission_id == submission_id))


def _before(state: SubmissionState) -> tuple[SubmissionState, ...]:
    return tuple(earlier for earlier, later in TRANSITIONS.items() if state in later)


def _change(
    session: Session, held: Claim, *, from_states: tuple[SubmissionState, ...], **values: Any
) -> bool:
    where = [*is_held(held), Submission.state.in_(from_states)]
    return changed(session, Submission, where, **values)
