from datetime import UTC, datetime, timedelta


from tests.support.database import LEASE, add_submission
from tests.support.service import Service
from worker import sweep


def keys(service: Service) -> list[str]:
    return [entry.key for entry in service.context.store.entries("archives")]


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


def test_deletes_old_archives_that_belong_to_no_submission(service: Service) -> None:
    with service.context.database.unit_of_work() as session:
        submission = add_submission(session, service.user)
    assert submission.archive_key is not None
    service.context.store.put(submission.archive_key, b"kept")
    service.context.store.put("archives/orphan.zip", b"x")

    service.clock.time = datetime.now(UTC)
    sweep.run(service.context)
    assert len(keys(service)) == 2  # its row may be on its way

    service.clock.time += sweep.ORPHAN_AGE + timedelta(minutes=1)
    sweep.run(service.context)
    assert keys(service) == [submission.archive_key]
