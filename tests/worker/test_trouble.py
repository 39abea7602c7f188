"""A full disk, a store that fails: nothing is lost, and no submission pays for it."""

import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from server.accounts import tokens
from server.app import create_app
from server.jobs.queue import SCORE_SHARD
from server.models import AttemptOutcome, Scope, SubmissionState
from server.storage.retrying import RetryingStore
from server.storage.store import open_object_store
from server.submissions import attempts
from tests.support.database import LEASE, NO_TO_ALL, NOW, migrated_postgresql
from tests.support.failing_store import FailingStore
from tests.support.servers import Postgresql
from tests.support.service import GOLDEN, Service, service_on
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.waiting import eventually
from worker import holding, scoring, sharding, sweep, trouble
from worker.sandbox.allowance import Walls
from worker.sandbox.children import ChildProcesses
from worker.sandbox.counting import SandboxedCounting
from worker.vault import Vault

GOOD = (GOLDEN / "s50" / "good.zip").read_bytes()


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    """Give the small disk that workers unpack and count on."""
    with small_disk(tmp_path / "scratch", megabytes=24) as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk.folder))
        yield disk


@pytest.fixture
def submission_id(service: Service) -> int:
    return service.enter(GOOD)


def pass_time(service: Service, time: timedelta, *, step: timedelta = LEASE) -> None:
    """Let sweeps ring, and a worker answer, until so much time has passed."""
    end = service.clock.time + time
    while service.clock.time < end:
        service.clock.time += step
        service.queue.rung.clear()
        sweep.run(service.context)
        for job in list(service.queue.rung):
            ring = scoring.run_shards if job.task == SCORE_SHARD else scoring.run
            ring(service.context, job.row_id)


class TestAFullDisk:
    def test_for_an_hour_costs_no_attempt(
        self, service: Service, scratch: SmallDisk, submission_id: int
    ) -> None:
        scratch.fill()
        pass_time(service, timedelta(hours=1))

        waiting = service.row(submission_id)
        assert waiting.state is SubmissionState.RECEIVED
        assert waiting.attempts == 0
        assert waiting.postponed_because == trouble.DISK_FULL
        assert waiting.attempt_log == []

        scratch.make_room()
        pass_time(service, 2 * LEASE)
        done = service.row(submission_id)
        assert (done.state, done.tries) == (SubmissionState.SCORED, 1)
        assert done.postponed_because is None

    def test_that_fills_up_while_counting_costs_no_attempt(
        self,
        service: Service,
        scratch: SmallDisk,
        submission_id: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(trouble, "LEAST_FREE_BYTES", 0)
        scratch.fill()
        pass_time(service, 5 * LEASE)

        waiting = service.row(submission_id)
        assert waiting.state is SubmissionState.SCORING
        assert waiting.attempts == 0
        assert waiting.lease_token is None
        assert {each.reason for each in waiting.attempt_log} == {attempts.DISK_FULL}
        assert 2 <= len(waiting.attempt_log) <= 5
        assert [path.name for path in scratch.folder.iterdir()] == ["ballast"]

        scratch.make_room()
        pass_time(service, 2 * LEASE)
        done = service.row(submission_id)
        assert (done.state, done.tries, len(done.scores)) == (SubmissionState.SCORED, 1, 1)

    def test_amid_the_shards_of_a_large_submission_costs_no_attempt(
        self, service: Service, scratch: SmallDisk, submission_id: int
    ) -> None:
        service = service.with_shards_of(20)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sharding, "count_free_shards", lambda *_: False)
            scoring.run(service.context, submission_id)
        assert len(service.row(submission_id).shards) == 3

        scratch.fill()
        pass_time(service, timedelta(hours=1))
        waiting = service.row(submission_id)
        assert waiting.state is SubmissionState.SCORING
        assert [shard.attempts for shard in waiting.shards] == [0, 0, 0]
        assert waiting.postponed_because == trouble.DISK_FULL

        scratch.make_room()
        pass_time(service, 3 * LEASE)
        done = service.row(submission_id)
        assert (done.state, done.tries, len(done.scores)) == (SubmissionState.SCORED, 1, 1)
        assert done.postponed_because is None

    def test_for_ever_ends_in_failed(
        self, service: Service, scratch: SmallDisk, submission_id: int
    ) -> None:
        scratch.fill()
        limit = service.context.settings.waiting_limit
        pass_time(service, limit + timedelta(days=1), step=timedelta(hours=6))

        assert service.row(submission_id).state is SubmissionState.FAILED


@pytest.mark.slow
class TestADatabase:
    """PostgreSQL is stopped amid the work on a submission, and started again while it goes on."""

    @pytest.fixture
    def service(self, postgresql: Postgresql, tmp_path: Path) -> Iterator[Service]:
        with migrated_postgresql(postgresql) as opened, service_on(*opened, tmp_path) as built:
            yield built

    def run_with_an_outage(
        self,
        service: Service,
        postgresql: Postgresql,
        submission_id: int,
        *,
        before: str,
        until: Callable[[], bool],
    ) -> None:
        """Score; stop the server before a vault's method is called, start it when it may answer."""
        real, is_down = getattr(Vault, before), threading.Event()

        def stopped(*arguments: Any, **named: Any) -> Any:
            if not is_down.is_set():
                postgresql.stop()
                is_down.set()
            return real(*arguments, **named)

        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as pool:
            patch.setattr(Vault, before, stopped)
            working = pool.submit(scoring.run, service.context, submission_id)
            eventually(is_down.is_set, seconds=60, what="the server to be stopped")
            eventually(until, seconds=60, what="the worker to notice")
            postgresql.start()
            working.result(timeout=60)

    def test_that_is_away_when_scores_are_recorded_costs_no_attempt(
        self,
        service: Service,
        postgresql: Postgresql,
        submission_id: int,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        self.run_with_an_outage(
            service,
            postgresql,
            submission_id,
            before="keep_tallies",
            until=lambda: "could not let go of submission" in caplog.text,
        )

        waiting = service.row(submission_id)
        assert waiting.state is SubmissionState.SCORING
        assert (waiting.attempts, waiting.lease_token) == (0, None)
        assert waiting.lease_until == NOW + LEASE
        (attempt,) = waiting.attempt_log
        assert attempt.outcome is AttemptOutcome.HANDED_BACK
        assert attempt.reason == attempts.DATABASE_UNREACHABLE

        pass_time(service, 2 * LEASE)
        done = service.row(submission_id)
        assert (done.state, done.tries, len(done.scores)) == (SubmissionState.SCORED, 1, 1)

    def test_that_is_away_while_images_are_counted_is_not_even_noticed(
        self,
        service: Service,
        postgresql: Postgresql,
        submission_id: int,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(holding, "REPORT_SECONDS", 0)
        real = SandboxedCounting.count

        def count(counts: SandboxedCounting, *arguments: Any, **named: Any) -> None:
            postgresql.stop()
            real(counts, *arguments, **named)
            postgresql.start()

        monkeypatch.setattr(SandboxedCounting, "count", count)
        scoring.run(service.context, submission_id)

        assert "could not report how far" in caplog.text
        done = service.row(submission_id)
        assert (done.state, done.tries, len(done.scores)) == (SubmissionState.SCORED, 1, 1)

    def test_that_never_takes_the_scores_ends_in_failed(
        self, service: Service, submission_id: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def hang_up(*_: Any, **__: Any) -> None:
            with service.context.database.unit_of_work() as session:
                session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        monkeypatch.setattr(Vault, "keep_tallies", hang_up)
        settings = service.context.settings.model_copy(update={"waiting_limit_hours": 12})
        impatient = replace(service, context=replace(service.context, settings=settings))
        pass_time(impatient, timedelta(days=1), step=timedelta(hours=6))

        failed = service.row(submission_id)
        assert failed.state is SubmissionState.FAILED
        assert failed.tries == 1
        assert {each.reason for each in failed.attempt_log} == {attempts.DATABASE_UNREACHABLE}


def test_a_sandbox_that_does_not_start_costs_no_attempt(
    service: Service, submission_id: int
) -> None:
    allowance = service.context.settings.allowance
    broken = ChildProcesses(allowance, Walls.LIMITS, jobs_module="no.such.module")

    scoring.run(replace(service.context, sandbox=broken), submission_id)

    waiting = service.row(submission_id)
    assert (waiting.attempts, waiting.lease_until) == (0, NOW + LEASE)
    assert [each.reason for each in waiting.attempt_log] == [attempts.SANDBOX_NOT_STARTED]
    pass_time(service, 2 * LEASE)
    done = service.row(submission_id)
    assert (done.state, done.tries) == (SubmissionState.SCORED, 1)


class TestAStore:
    def failing(self, service: Service, *, pauses: tuple[float, ...] = (0.0,)) -> Service:
        """Return the service with both stores failing every third call of a kind."""
        settings = service.context.settings
        store, vault = (
            RetryingStore(FailingStore(open_object_store(url)), pauses=pauses)
            for url in (settings.store, settings.vault)
        )
        return replace(service, context=replace(service.context, store=store, vault=Vault(vault)))

    def test_that_fails_every_third_call_loses_nothing_from_upload_to_score(
        self, service: Service
    ) -> None:
        service = self.failing(service)
        context = service.context
        with context.database.unit_of_work() as session:
            token = tokens.create_for(
                session, email="ada@example.org", scope=Scope.SUBMIT, days=None, now=NOW
            )
        app = create_app(
            context.settings, queue=service.queue, store=context.store, clock=service.clock
        )
        client = TestClient(app, headers={"Authorization": f"Bearer {token}"})
        fields = {"protocol": "fully-unsupervised", "subset": "tiny", "split": "test"}
        fields["declarations"] = json.dumps(NO_TO_ALL)
        ids = []
        for _ in range(4):
            answer = client.post(
                "/api/v1/submissions", data=fields, files={"archive": ("good.zip", GOOD)}
            )
            assert answer.status_code == 201, answer.text
            ids.append(answer.json()["id"])
            scoring.run(context, service.queue.rung[-1].row_id)  # a team has few in flight
        sweep.run(context)

        ended = [client.get(f"/api/v1/submissions/{each}").json() for each in ids]
        assert [(each["state"], each["attempts"]) for each in ended] == [("scored", 1)] * 4
        assert len({json.dumps(each["scores"]) for each in ended}) == 1
        assert len(list(context.store.entries("archives"))) == 4
        app.state.rooms.database.close()

    def test_that_does_not_answer_costs_no_attempt(
        self, service: Service, submission_id: int
    ) -> None:
        scoring.run(self.failing(service, pauses=()).context, submission_id)

        waiting = service.row(submission_id)
        assert waiting.attempts == 0
        assert [each.reason for each in waiting.attempt_log] == [attempts.STORE_UNREACHABLE]
        assert waiting.lease_until == NOW + LEASE

        pass_time(service, 2 * LEASE)
        assert service.row(submission_id).state is SubmissionState.SCORED

    def test_that_has_lost_the_archive_is_our_fault(
        self, service: Service, submission_id: int
    ) -> None:
        key = service.row(submission_id).archive_key
        assert key is not None
        service.context.store.delete(key)

        scoring.run(service.context, submission_id)

        (attempt,) = service.row(submission_id).attempt_log
        assert (attempt.outcome, attempt.reason) == (AttemptOutcome.FAILED, attempts.FILE_MISSING)

    def test_that_gives_other_bytes_is_our_fault(
        self, service: Service, submission_id: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        key = service.row(submission_id).archive_key
        assert key is not None
        service.context.store.put(key, GOOD[:-1] + b"x")

        scoring.run(service.context, submission_id)
        assert service.row(submission_id).attempts == 1
        assert service.row(submission_id).state is SubmissionState.CHECKING
        assert any(
            record.levelname == "ERROR" and "should have the SHA-256" in caplog.text
            for record in caplog.records
        )

        pass_time(service, 5 * LEASE)
        failed = service.row(submission_id)
        assert failed.state is SubmissionState.FAILED
        assert failed.findings == []
        assert {each.reason for each in failed.attempt_log} == {attempts.ARCHIVE_DAMAGED}
        assert attempts.ARCHIVE_DAMAGED in (failed.failure or "")
