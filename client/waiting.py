"""Following a submission until nothing more happens to it."""

import time
from collections.abc import Callable

from client.api import Api
from client.documents import FINAL_STATES, Submission
from client.errors import Unreachable

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 5.0
_PATIENCE = 10  # answers missed in a row: longer than a restart of the server takes


def followed(
    api: Api,
    submission: Submission,
    *,
    on_change: Callable[[Submission], None],
    pause: Callable[[float], None] = time.sleep,
) -> Submission:
    """Ask again and again, ever more slowly, until the submission is in a final state.

    Raises:
        Unreachable: the server did not answer many times in a row.
    """
    seconds, missed = _FIRST_PAUSE_SECONDS, 0
    while submission["state"] not in FINAL_STATES:
        on_change(submission)
        pause(seconds)
        seconds = min(seconds * 1.5, _LONGEST_PAUSE_SECONDS)
        try:
            submission, missed = api.submission(submission["id"]), 0
        except Unreachable:
            missed += 1
            if missed >= _PATIENCE:
                raise
    on_change(submission)
    return submission
