from dataclasses import replace
from datetime import timedelta

from server.storage.store import open_object_store
from tests.support.database import LEASE, add_submission
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
