"""Every state that is not final ends by itself: one test per state, from the state table."""

from datetime import timedelta

import pytest

from server.models import ModelRun, ModelRunState, SubmissionState
from server.submissions import attempts
from server.submissions.states import DEADLINES, FINAL, masks_deadline
from tests.support.database import add_submission
from tests.support.service import Service
from worker import sweep

pytestmark = pytest.mark.both_databases
UNFINISHED = [state for state in SubmissionState if state not in FINAL]


@pytest.mark.parametrize("state", UNFINISHED)
@pytest.mark.parametrize("is_held", [False, True], ids=["abandoned", "held by a worker that hangs"])
def test_past_its_deadline_a_state_reaches_a_final_one(
    service: Service, state: SubmissionState, is_held: bool
) -> None:
    deadline = DEADLINES[state](service.context.settings)
    now = service.clock.now()
    with service.context.database.unit_of_work() as session:
        submission = add_submission(session, service.user)
        submission.state, submission.state_since = state, now
        if is_held:
            submission.lease_token, submission.attempts = "renewed again and again", 1
        submission.lease_until = now + 2 * deadline

    service.clock.time = now + deadline - timedelta(seconds=1)
    sweep.run(service.context)
    assert service.row(submission.id).state is state

    service.clock.time = now + deadline
    sweep.run(service.context)

    ended = service.row(submission.id)
    assert ended.state in FINAL
    assert attempts.TOOK_TOO_LONG in (ended.failure or "")


def test_a_row_of_an_older_version_counts_from_its_arrival(service: Service) -> None:
    with service.context.database.unit_of_work() as session:
        submission = add_submission(session, service.user)
        submission.state_since = None
        submission.lease_until += timedelta(days=365)

    service.clock.time += DEADLINES[submission.state](service.context.settings)
    sweep.run(service.context)

    assert service.row(submission.id).state is SubmissionState.FAILED


@pytest.mark.parametrize("state", ModelRunState)
def test_weights_without_masks_end_whatever_has_become_of_their_run(
    service: Service, state: ModelRunState
) -> None:
    """The run itself should have ended them before; a row that nobody ends would be for ever."""
    submission_id, run_id = service.enter_weights(b"weights")
    with service.context.database.unit_of_work() as session:
        run = session.get_one(ModelRun, run_id)
        run.state = state
        run.state_since = run.lease_until = service.clock.now() + timedelta(days=365)
    deadline = masks_deadline(service.context.settings)
    begun = service.clock.now()

    service.clock.time = begun + deadline - timedelta(seconds=1)
    sweep.run(service.context)
    assert service.row(submission_id).state is SubmissionState.RECEIVED

    service.clock.time = begun + deadline
    sweep.run(service.context)
    ended = service.row(submission_id)
    assert ended.state is SubmissionState.FAILED
    assert attempts.MASKS_LATE in (ended.failure or "")
    assert ended.model_run is not None
    assert ended.model_run.state.is_final
