"""The log of attempts in words."""

from collections.abc import Sequence

from server.models import Attempt, AttemptOutcome
from server.submissions.contexts import AttemptLine


def attempt_lines(log: Sequence[Attempt], *, is_final: bool) -> tuple[AttemptLine, ...]:
    """Write a line for each attempt, the first first."""
    return tuple(
        AttemptLine(
            what="Submission" if attempt.shard is None else f"Shard {attempt.shard + 1}",
            number=attempt.number,
            worker=attempt.worker,
            started_at=attempt.started_at,
            ended_at=attempt.ended_at,
            is_interrupted=attempt.reason is not None,
            words=_words(attempt, log[place + 1 :], is_final=is_final),
        )
        for place, attempt in enumerate(log)
    )


def _words(attempt: Attempt, later: Sequence[Attempt], *, is_final: bool) -> str:
    if attempt.outcome is None:
        return "ended with the submission" if is_final else "at work"
    if attempt.outcome is AttemptOutcome.DONE:
        return "done"
    if any(each.shard == attempt.shard for each in later):
        return f"{attempt.reason}, tried again"
    return str(attempt.reason) if is_final else f"{attempt.reason}, will be tried again"
