"""What beat rings for, and a schedule for it that goes on when the machine's clock is set.

Celery's own compares times of day: with the clock set back by an hour nothing would be due for an
hour, and it is sweeps that everything else relies on.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from celery.schedules import schedstate, schedule

from server.jobs.queue import SWEEP, TIDY

TIDY_EVERY = timedelta(hours=1)  # it lists everything that is stored
_STARTED = datetime.now(UTC) - timedelta(seconds=time.monotonic())


def steady_now() -> datetime:
    """Return a time that passes evenly, whatever the clock is set to meanwhile."""
    return _STARTED + timedelta(seconds=time.monotonic())


class SteadySchedule(schedule):
    """Due every so often by `steady_now`, and never longer from now than that."""

    def __init__(self, run_every: timedelta, *_: Any, **__: Any) -> None:
        super().__init__(run_every, nowfun=steady_now)

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Say if it is due, and for how many seconds to wait.

        A last run in the future was noted before the clock was set back, by an earlier process.
        """
        return super().is_due(min(self.maybe_make_aware(last_run_at), steady_now()))


def beat_schedule(lease: timedelta) -> dict[str, dict[str, Any]]:
    """Return what is done how often, in Celery's words."""
    every = {SWEEP: lease / 4, TIDY: TIDY_EVERY}
    return {
        task: {
            "task": task,
            "schedule": SteadySchedule(interval),
            # One that nobody had time for is made up for by the next one.
            "options": {"expires": interval.total_seconds()},
        }
        for task, interval in every.items()
    }
