from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from server.models import Submission, SubmissionState
from server.storage.store import open_object_store
from tests.support.database import LEASE, NOW, add_submission
from tests.support.failing_store import FailingStore
from tests.support.service import Service
from worker import sweep


def test_rings_for_a_submission_whose_message_was_lost(service: Service) -> None:
    with service.context.database.unit_of_work() as session:
        submission = add_submission(session, service.user)
    service.queue.rung.clear()
    service.clock.time += LEASE

    sweep.run(service.context)
    sweep.run(service.context)

    assert [job.row_id for job in service.queue.rung] == [submission.id]


def test_rings_a_lease_after_the_clock_was_set_back(service: Service) -> None:
    with service.context.database.unit_of_work() as session:
        submission = add_submission(session, service.user)
    service.queue.rung.clear()
    service.clock.time -= timedelta(days=1)

    sweep.run(service.context)
    assert service.queue.rung == []
    service.clock.time += LEASE
    sweep.run(service.context)

    assert [job.row_id for job in service.queue.rung] == [submission.id]


def test_shows_the_names_whose_date_has_come_and_no_others(service: Service) -> None:
    moments = {"soon": NOW + LEASE, "later": NOW + 2 * LEASE}
    with service.context.database.unit_of_work() as session:
        for public_id, moment in moments.items():
            row = add_submission(session, service.user, public_id=public_id)
            row.state, row.anonymous_until = SubmissionState.SCORED, moment
    service.clock.time += LEASE

    sweep.run(service.context)

    with service.context.database.reading() as session:
        rows = session.execute(select(Submission.public_id, Submission.anonymous_until)).all()
    assert {row.public_id: row.anonymous_until for row in rows} == {
        "soon": None,
        "later": moments["later"],
    }


def test_asks_the_store_for_nothing_when_no_archive_is_to_be_deleted(service: Service) -> None:
    class Watched(FailingStore):
        def _is_due(self, what: str) -> bool:
            super()._is_due(what)
            return False

    store = Watched(open_object_store(service.context.settings.store))
    store.put("archives/somebodys.zip", b"x")
    store.calls.clear()

    for _ in range(3):
        service.clock.time += LEASE / 4
        sweep.run(replace(service.context, store=store))

    assert not store.calls
