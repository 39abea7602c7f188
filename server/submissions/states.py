"""The life of a submission, as one table.

`scoring -> rejected` is there because pixels are decoded once, while they are counted: a mask that
turns out to be broken then is still the participant's to mend.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from server.models import SubmissionState
from server.settings import Settings

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

FINAL = tuple(state for state in SubmissionState if state.is_final)
IN_FLIGHT = tuple(state for state in SubmissionState if not state.is_final)


def _all_attempts(settings: Settings) -> timedelta:
    """Return how long it takes to try as often as may be, each try noticed two leases later."""
    return settings.max_attempts * (settings.scoring_limit + 2 * settings.lease)


DEADLINES: Mapping[SubmissionState, Callable[[Settings], timedelta]] = {
    _S.RECEIVED: lambda settings: settings.waiting_limit,
    _S.CHECKING: lambda settings: settings.waiting_limit + _all_attempts(settings),
    _S.SCORING: lambda settings: settings.waiting_limit + _all_attempts(settings),
}
"""How long a submission may be in a state before it has failed; each includes waiting, as whatever
was interrupted waits for a worker again."""


def masks_deadline(settings: Settings) -> timedelta:
    """Return how long submitted weights may be without masks: their run waits, then runs.

    The run itself has ended before, and its submission with it, unless something went wrong.
    """
    return settings.waiting_limit + settings.weights_limit + settings.lease


def may_become(state: SubmissionState, following: SubmissionState) -> bool:
    return following in TRANSITIONS[state]
