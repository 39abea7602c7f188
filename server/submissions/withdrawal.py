"""Taking a submission back, for good: its row stays, for the quota and for its team to see."""

from datetime import datetime

from sqlalchemy.orm import Session

from server import standings
from server.errors import EntryEnded
from server.models import Submission, SubmissionState
from server.submissions import attempts, outcomes, predictions
from server.submissions.leases import changed
from server.submissions.lookup import own_submission
from server.submissions.states import IN_FLIGHT, may_become

WITHDRAWN = SubmissionState.WITHDRAWN


def withdraw(
    session: Session, public_id: str, *, team_ids: tuple[int, ...], now: datetime
) -> Submission:
    """Withdraw a submission of one of these teams; a second time changes nothing.

    One that waits or is being worked on is let go of, so that no worker records anything of it.
    One that was scored leaves its board, and the method's next best entry takes its place.
    Its weights belong to nobody then, and workers delete them.

    Raises:
        NotFound: it is none of theirs.
        EntryEnded: it was rejected, or has failed.
    """
    submission = own_submission(session, public_id, team_ids=team_ids)
    if submission.state in IN_FLIGHT and _stopped(session, submission, now):
        return submission
    standings.lock(session, submission)
    if submission.state is WITHDRAWN:
        return submission
    if not may_become(submission.state, WITHDRAWN):
        raise EntryEnded(
            f"{public_id} is {submission.state}: it is on no board and counts against no quota, so "
            "there is nothing to withdraw."
        )
    submission.state, submission.state_since = WITHDRAWN, now
    submission.is_pinned = False
    submission.weights_key = None
    standings.entry_changed(session, submission)
    return submission


def _stopped(session: Session, submission: Submission, now: datetime) -> bool:
    """Take it from whoever works on it; False if a worker has finished it meanwhile."""
    was_stopped = changed(
        session,
        Submission,
        [Submission.id == submission.id, Submission.state.in_(IN_FLIGHT)],
        state=WITHDRAWN,
        state_since=now,
        finished_at=now,
        lease_token=None,
        weights_key=None,
    )
    if was_stopped:
        predictions.stop(session, submission.id, now=now)
        outcomes.forget_shards(session, submission.id)
        attempts.end_all(session, submission.id, reason=attempts.WITHDRAWN, now=now)
    session.refresh(submission)
    return was_stopped
