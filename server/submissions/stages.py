"""Where a submission stands, in words: the steps of its way, and what happens next."""

from collections.abc import Mapping

from server.models import ModelRunState, Submission, SubmissionState
from server.submissions.states import IN_FLIGHT
from server.web.stage import Stage

_S = SubmissionState
WAY = (_S.RECEIVED, _S.CHECKING, _S.SCORING, _S.SCORED)

EXPLANATIONS: Mapping[SubmissionState, str] = {
    _S.RECEIVED: "The archive has arrived whole and waits for a free worker. Nothing is needed "
    "from you: this page keeps its address, and you may close it.",
    _S.CHECKING: "A worker reads the archive: are all masks there, are they readable, of the right "
    "size, and is match.json a map of ids? If something is wrong, this page will say what and "
    "where.",
    _S.SCORING: "The archive is in order. Its masks are compared with the hidden truth, image by "
    "image; the scores appear here when the last one is counted.",
    _S.SCORED: "All scores are in. They stay at this address, with the version of the scorer and "
    "of the truth that they were made with.",
    _S.REJECTED: "The archive cannot be scored as it is. Mend what is listed below and submit it "
    "again; the archive itself has been deleted.",
    _S.FAILED: "This is our fault, not yours. The submission was tried several times and could "
    "not be finished; the operators have been told. You may submit it again.",
    _S.WITHDRAWN: "You have withdrawn this submission. It is on no board.",
}


_OF_WEIGHTS: Mapping[SubmissionState, str] = {
    _S.RECEIVED: "The masks of these weights are made and wait for a free worker, which checks and "
    "scores them.",
    _S.CHECKING: "A worker reads the masks that this server has made of the weights.",
    _S.SCORING: "The masks are compared with the hidden truth, image by image; the scores appear "
    "here when the last one is counted.",
    _S.REJECTED: "The weights cannot be run. Mend what is listed below and submit them again; the "
    "file itself has been deleted.",
}
_RUN = {
    ModelRunState.WAITING: "The weights have arrived whole and wait for a worker that runs models. "
    "Nothing is needed from you: this page keeps its address, and you may close it.",
    ModelRunState.RUNNING: "A worker runs the weights: it reads the annotated images and then "
    "matches every pixel of this split. The masks are checked and scored after that.",
}


def explanation_of(submission: Submission) -> str:
    """Say what happens next; of submitted weights, what they go through."""
    state, run = submission.state, submission.model_run
    if submission.weights_sha256 is None:
        return EXPLANATIONS[state]
    if submission.awaits_masks and run is not None and run.state in _RUN:
        return _RUN[run.state]
    return _OF_WEIGHTS.get(state, EXPLANATIONS[state])


def stages_of(state: SubmissionState, *, was_scoring: bool) -> tuple[Stage, ...]:
    """Return the steps, up to where the submission stands or has stopped."""
    if state in WAY:
        reached = WAY.index(state)
        return tuple(
            Stage(title=step.title(), mark=_mark(place, reached, is_end=state is _S.SCORED))
            for place, step in enumerate(WAY)
        )
    passed = WAY[: 3 if was_scoring else 2]
    return (
        *(Stage(title=step.title(), mark="done") for step in passed),
        Stage(title=state.title(), mark="stopped"),
    )


def postponed_because(submission: Submission) -> str | None:
    """Return what keeps workers from a submission now; they forget it when they claim it."""
    return submission.postponed_because if submission.state in IN_FLIGHT else None


def _mark(place: int, reached: int, *, is_end: bool) -> str:
    if place < reached or (place == reached and is_end):
        return "done"
    return "current" if place == reached else "ahead"
