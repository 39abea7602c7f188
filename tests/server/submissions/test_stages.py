import pytest

from server.models import SubmissionState
from server.submissions.stages import EXPLANATIONS, stages_of

S = SubmissionState


def marks(state: SubmissionState, *, was_scoring: bool = False) -> list[str]:
    return [f"{stage.title} {stage.mark}" for stage in stages_of(state, was_scoring=was_scoring)]


def test_every_state_is_explained() -> None:
    assert set(EXPLANATIONS) == set(S)


def test_a_submission_stands_at_one_step() -> None:
    assert marks(S.CHECKING) == [
        "Received done",
        "Checking current",
        "Scoring ahead",
        "Scored ahead",
    ]


def test_a_scored_one_has_done_all_of_them() -> None:
    assert marks(S.SCORED, was_scoring=True) == [
        "Received done",
        "Checking done",
        "Scoring done",
        "Scored done",
    ]


@pytest.mark.parametrize("state", [S.REJECTED, S.FAILED, S.WITHDRAWN])
def test_others_stop_where_they_were(state: SubmissionState) -> None:
    stopped = f"{state.title()} stopped"

    assert marks(state) == ["Received done", "Checking done", stopped]
    assert marks(state, was_scoring=True)[-2:] == ["Scoring done", stopped]
