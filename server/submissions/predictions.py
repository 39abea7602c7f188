"""The masks of submitted weights: a model run makes them, and the submission waits for them.

The run's row is made, and ends, in the same transaction as what that means for its submission;
whoever works on it knows `server.model_runs`, and here is what its submission needs.
A submission is always locked before its run.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from server.jobs.queue import RUN_MODEL, SCORE_SUBMISSION, Job, ring_after_commit
from server.models import ModelRun, ModelRunState, Submission, SubmissionState, new_public_id
from server.submissions.leases import awaits_masks, changed, first_time, lock

OFFICIAL_RECIPE = "s50"
"""The recipe whose distance matching is the official one, for every data set."""


def order(session: Session, submission: Submission, *, now: datetime, lease: timedelta) -> None:
    """Make the run of a submission's weights; it is rung when the rows are committed."""
    run = ModelRun(
        public_id=new_public_id(),
        board_id=submission.board_id,
        team_id=submission.team_id,
        user_id=submission.user_id,
        created_at=now,
        recipe=OFFICIAL_RECIPE,
        is_of_weights=True,
        state=ModelRunState.WAITING,
        state_since=now,
        curves={},
        submission_id=submission.id,
        lease_until=now + lease,
    )
    session.add(run)
    session.flush()  # the message carries its id
    ring_after_commit(session, Job(RUN_MODEL, run.id))


def stop(session: Session, submission_id: int, *, now: datetime) -> None:
    """Cancel what still runs for a submission that has ended; whoever works on it notices."""
    session.execute(
        update(ModelRun)
        .where(
            ModelRun.submission_id == submission_id,
            ModelRun.state.in_([state for state in ModelRunState if not state.is_final]),
        )
        .values(state=ModelRunState.CANCELLED, state_since=now, finished_at=now, lease_token=None)
        .execution_options(synchronize_session=False)
    )


def deliver(
    session: Session,
    submission_id: int,
    *,
    key: str,
    sha256: str,
    size_bytes: int,
    now: datetime,
    lease: timedelta,
) -> bool:
    """Give a submission the masks that were made for it; False unless it still waits for them.

    From here on it is scored as any other.
    """
    lock(session, submission_id)
    given = changed(
        session,
        Submission,
        [Submission.id == submission_id, awaits_masks()],
        archive_key=key,
        archive_sha256=sha256,
        archive_bytes=size_bytes,
        state_since=now,
        lease_until=now + lease,
    )
    if given:
        ring_after_commit(session, Job(SCORE_SUBMISSION, submission_id))
    return given


def reject(
    session: Session, submission_id: int, *, findings: Sequence[dict[str, Any]], now: datetime
) -> str | None:
    """Refuse weights that turned out to be broken; return the key to delete, None if too late.

    They were checked and found wanting: the submission passes through both states at once.
    """
    lock(session, submission_id)
    submission = session.get_one(Submission, submission_id)
    key = submission.weights_key
    checked = changed(
        session,
        Submission,
        [Submission.id == submission_id, awaits_masks()],
        state=SubmissionState.CHECKING,
        checking_at=first_time(Submission.checking_at, now),
    )
    if not checked:
        return None
    changed(
        session,
        Submission,
        [Submission.id == submission_id, Submission.state == SubmissionState.CHECKING],
        state=SubmissionState.REJECTED,
        state_since=now,
        finished_at=now,
        findings=list(findings),
        weights_key=None,
    )
    return key
