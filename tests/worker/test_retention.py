"""Archives are deleted by policy; what was made of them stays."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.models import Submission, SubmissionState
from tests.support.service import GOLDEN, Service, service_in
from worker import retention, scoring, sweep, tidying

GOOD = (GOLDEN / "s50" / "good.zip").read_bytes()
DAYS = 90


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_in(tmp_path) as built:
        yield with_retention(built, DAYS)


def with_retention(service: Service, days: int) -> Service:
    settings = service.context.settings.model_copy(update={"archive_retention_days": days})
    return replace(service, context=replace(service.context, settings=settings))


def archives(service: Service) -> int:
    return len(list(service.context.store.entries("archives")))


def test_an_archive_past_its_time_is_deleted_and_its_scores_stay(
    service: Service, tmp_path: Path
) -> None:
    submission_id = service.enter(GOOD)
    scoring.run(service.context, submission_id)

    service.clock.time += timedelta(days=DAYS)
    sweep.run(service.context)
    assert service.row(submission_id).archive_expired_at is None
    assert archives(service) == 1

    service.clock.time += timedelta(minutes=1)
    sweep.run(service.context)
    expired = service.row(submission_id)
    assert expired.archive_expired_at == service.clock.time
    assert expired.archive_key is None
    assert expired.state is SubmissionState.SCORED
    assert len(expired.scores) == 1
    assert archives(service) == 0
    assert len(list((tmp_path / "vault" / "tallies").rglob("*.parquet"))) == 1


def test_the_date_stays_the_first_one(service: Service) -> None:
    submission_id = service.enter(GOOD)
    scoring.run(service.context, submission_id)
    service.clock.time += timedelta(days=DAYS + 1)
    sweep.run(service.context)
    deleted_at = service.clock.time
    service.clock.time += timedelta(days=1)
    sweep.run(service.context)

    assert service.row(submission_id).archive_expired_at == deleted_at


def test_an_archive_whose_submission_is_still_on_its_way_is_kept(service: Service) -> None:
    submission_id = service.enter(GOOD)
    service.clock.time += timedelta(days=DAYS + 1)
    retention.delete_expired_files(service.context)

    assert service.row(submission_id).archive_key is not None
    assert archives(service) == 1


def test_without_a_policy_archives_are_kept_for_ever(service: Service) -> None:
    submission_id = service.enter(GOOD)
    scoring.run(service.context, submission_id)
    service.clock.time += timedelta(days=36500)
    sweep.run(with_retention(service, 0).context)

    assert archives(service) == 1


def test_a_worker_killed_between_row_and_archive_leaves_an_orphan_to_be_tidied_up(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring.run(service.context, service.enter(GOOD))
    service.clock.time = datetime.now(UTC) + timedelta(days=DAYS + 1)

    def killed(_key: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(service.context.store, "delete", killed)
    with pytest.raises(KeyboardInterrupt):
        retention.delete_expired_files(service.context)
    monkeypatch.undo()
    assert archives(service) == 1

    tidying.run(service.context)
    assert archives(service) == 0


def test_a_sweep_deletes_a_bounded_number(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "EXPIRED_PER_SWEEP", 2)
    for number in range(3):
        with service.context.database.unit_of_work() as session:
            submission = session.get_one(Submission, service.enter(GOOD, public_id=f"{number}"))
            submission.state = SubmissionState.FAILED
            submission.finished_at = service.clock.time
    service.clock.time += timedelta(days=DAYS + 1)

    sweep.run(service.context)
    assert archives(service) == 1
    sweep.run(service.context)
    assert archives(service) == 0
