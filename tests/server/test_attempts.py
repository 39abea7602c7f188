import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from server import attempts
from server.attempts import Limit
from server.db import Database
from server.errors import TooManyAttempts
from server.models import AttemptCount
from tests.support.database import NOW

THREE = Limit(name="three", most=3, window=timedelta(minutes=10))
TWO = Limit(name="two", most=2, window=timedelta(minutes=5))


def test_as_many_as_the_limit_says_and_no_more(database: Database) -> None:
    for _ in range(3):
        attempts.admit(database, {THREE: "ada"}, now=NOW)
    with pytest.raises(TooManyAttempts) as caught:
        attempts.admit(database, {THREE: "ada"}, now=NOW + timedelta(minutes=4))

    assert caught.value.headers == {"Retry-After": "360"}
    assert "6 minutes" in caught.value.message
    attempts.admit(database, {THREE: "eve"}, now=NOW)


def test_the_window_begins_anew_when_it_is_over(database: Database) -> None:
    for _ in range(3):
        attempts.admit(database, {THREE: "ada"}, now=NOW)

    for _ in range(3):
        attempts.admit(database, {THREE: "ada"}, now=NOW + THREE.window)
    with pytest.raises(TooManyAttempts):
        attempts.admit(database, {THREE: "ada"}, now=NOW + THREE.window)


def test_the_longest_wait_is_told(database: Database) -> None:
    for _ in range(3):
        attempts.admit(database, {THREE: "ada"}, now=NOW)
    for _ in range(2):
        attempts.admit(database, {TWO: "here"}, now=NOW)
    with pytest.raises(TooManyAttempts) as caught:
        attempts.admit(database, {TWO: "here", THREE: "ada"}, now=NOW)

    assert caught.value.details == {"retry_after_seconds": 600}


def test_attempts_at_the_same_time_are_all_counted(database: Database) -> None:
    refused = []

    def attempt() -> None:
        try:
            attempts.admit(database, {THREE: "ada"}, now=NOW)
        except TooManyAttempts:
            refused.append(1)

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 17


def test_success_clears_one_count_and_takes_one_off_the_other(database: Database) -> None:
    for _ in range(2):
        attempts.admit(database, {THREE: "ada", TWO: "here"}, now=NOW)
    with database.unit_of_work() as session:
        attempts.forget(session, THREE, "ada")
        attempts.take_back(session, TWO, "here")

    attempts.admit(database, {THREE: "ada", TWO: "here"}, now=NOW)
    with database.reading() as session:
        counts = {row.key.split(":")[0]: row.count for row in session.scalars(select(AttemptCount))}
    assert counts == {"three": 1, "two": 2}


def test_old_counts_are_deleted_and_nobody_is_named(database: Database) -> None:
    attempts.admit(database, {THREE: "ada@example.org"}, now=NOW)
    later = NOW + attempts.LONGEST_WINDOW + timedelta(seconds=1)
    attempts.admit(database, {THREE: "eve@example.org"}, now=later)

    with database.reading() as session:
        (row,) = session.scalars(select(AttemptCount)).all()
    assert "example" not in row.key
