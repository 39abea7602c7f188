"""The life of a model run, as one table.

A run that is interrupted keeps its state and goes on from its last checkpoint; whoever takes it
over adds an attempt.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from server.models import ModelRunState
from server.settings import Settings

_S = ModelRunState

TRANSITIONS: Mapping[ModelRunState, frozenset[ModelRunState]] = {
    _S.WAITING: frozenset({_S.RUNNING, _S.FAILED, _S.CANCELLED}),
    _S.RUNNING: frozenset({_S.FINISHED, _S.FAILED, _S.CANCELLED}),
    _S.FINISHED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}

FINAL = tuple(state for state in ModelRunState if state.is_final)
IN_FLIGHT = tuple(state for state in ModelRunState if not state.is_final)

DEADLINES: Mapping[ModelRunState, Callable[[Settings], timedelta]] = {
    _S.WAITING: lambda settings: settings.waiting_limit,
    _S.RUNNING: lambda settings: settings.model_limit,
}
"""How long a run may be in a state before it has failed; interruptions are included."""

DEADLINES_OF_WEIGHTS: Mapping[ModelRunState, Callable[[Settings], timedelta]] = {
    **DEADLINES,
    _S.RUNNING: lambda settings: settings.weights_limit,
}
"""The same for a run of submitted weights, which trains nothing."""


def before(state: ModelRunState) -> tuple[ModelRunState, ...]:
    """Return the states that lead to this one."""
    return tuple(earlier for earlier, later in TRANSITIONS.items() if state in later)
