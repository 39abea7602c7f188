"""The life of a submission, as one table.

`scoring -> rejected` is there because pixels are decoded once, while they are counted: a mask that
turns out to be broken then is still the participant's to mend.
"""

from collections.abc import Mapping

from server.models import SubmissionState

_S = SubmissionState

TRANSITIONS: Mapping[SubmissionState, frozenset[SubmissionState]] = {
    _S.RECEIVED: frozenset({_S.CHECKING, _S.FAILED, _S.WITHDRAWN}),
    _S.CHECKING: frozenset({_S.SCORING, _S.REJECTED, _S.FAILED, _S.WITHDRAWN}),
    _S.SCORING: frozenset({_S.SCORED, _S.REJECTED, _S.FAILED, _S.WITHDRAWN}),
    _S.SCORED: frozenset({_S.WITHDRAWN}),
    _S.REJECTED: frozenset(),
    _S.FAILED: frozenset(),
    _S.WITHDRAWN: frozenset(),
}

IN_FLIGHT = (_S.RECEIVED, _S.CHECKING, _S.SCORING)
FINAL = (_S.SCORED, _S.REJECTED, _S.FAILED, _S.WITHDRAWN)


def may_become(state: SubmissionState, following: SubmissionState) -> bool:
    return following in TRANSITIONS[state]
