"""Beat goes on at the same pace when the clock is set."""

import pickle
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from celery import Celery
from celery.beat import ScheduleEntry

from server.jobs.queue import SWEEP, TIDY
from worker.steady_schedule import SteadySchedule, beat_schedule

EVERY = timedelta(seconds=15)
HOUR = timedelta(hours=1)


def entry() -> ScheduleEntry:
    return ScheduleEntry("sweep", task="sweep", schedule=SteadySchedule(EVERY), app=Celery())


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
def test_is_due_when_it_would_have_been(by: timedelta) -> None:
    last = entry()
    with time_machine.travel(datetime.now(UTC) + by):
        is_due, wait_seconds = last.is_due()

        assert not is_due
        assert wait_seconds == pytest.approx(EVERY.total_seconds(), abs=5)
        last.last_run_at -= EVERY
        assert last.is_due() == (True, EVERY.total_seconds())


def test_waits_no_longer_after_a_run_that_is_noted_for_the_future() -> None:
    """Beat keeps its last runs in a file, and may start again after the clock was set back."""
    noted = entry()
    noted.last_run_at += HOUR

    is_due, wait_seconds = noted.is_due()

    assert not is_due
    assert wait_seconds == pytest.approx(EVERY.total_seconds(), abs=1)


def test_outlasts_beats_file() -> None:
    kept = pickle.loads(pickle.dumps(SteadySchedule(EVERY)))

    assert kept.run_every == EVERY
    assert kept.is_due(kept.now() - EVERY) == (True, EVERY.total_seconds())


def test_sweeps_four_times_a_lease_and_tidies_up_seldom() -> None:
    schedule = beat_schedule(timedelta(seconds=60))

    assert {task: entry["schedule"].run_every for task, entry in schedule.items()} == {
        SWEEP: timedelta(seconds=15),
        TIDY: timedelta(hours=1),
    }
    assert {entry["options"]["expires"] for entry in schedule.values()} == {15, 3600}
