import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from server.models import AttemptOutcome, Submission
from server.submissions import leases
from server.submissions.leases import Claim
from tests.support.database import LEASE, NOW, TERMS, add_submission
from tests.support.service import Service, service_in
from worker.heartbeat import Heartbeat, LeaseLost


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_in(tmp_path) as built:
        brisk = built.context.settings.model_copy(update={"lease_seconds": 0.2})
        yield replace(built, context=replace(built.context, settings=brisk))


@pytest.fixture
def held(service: Service) -> Claim:
    with service.context.database.unit_of_work() as session:
        submission = add_submission(session, service.user)
        claim = leases.claim(session, submission.id, now=NOW, terms=TERMS)
    assert claim is not None
    return claim


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def test_renews_the_lease_while_the_task_works(service: Service, held: Claim) -> None:
    def renewed() -> bool:
        with service.context.database.reading() as session:
            until = session.get_one(Submission, held.submission_id).lease_until
        return until == service.clock.time + service.context.settings.lease

    service.clock.time += LEASE / 2
    with Heartbeat(service.context, held) as heartbeat:
        assert eventually(renewed)
        heartbeat.check()


def test_says_so_when_the_row_belongs_to_somebody_else(service: Service, held: Claim) -> None:
    def lost() -> bool:
        try:
            heartbeat.check()
        except LeaseLost:
            return True
        return False

    with Heartbeat(service.context, held) as heartbeat:
        with service.context.database.unit_of_work() as session:
            leases.hand_back(session, held, now=NOW, outcome=AttemptOutcome.FAILED, reason="why")

        assert eventually(lost)
