"""Runs of the reference model in a worker's hands: real processes, ended before they learn much."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from server.accounts.queries import teams_of
from server.jobs.queue import RUN_MODEL
from server.model_runs import service as organizing
from server.model_runs.service import Order, Starter
from server.models import ModelRun, ModelRunState, Split, SplitName, Submission
from tests.support.database import LEASE, NOW
from tests.support.model_work import Working, run_of
from tests.support.service import Service, service_in
from tests.support.tiny_data import write_tiny_data
from worker import model_runs, stopping, sweep
from worker.model_process import FolderInUse, ModelProcess, environment, locked


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_in(tmp_path) as built:
        brisk = built.context.settings.model_copy(update={"lease_seconds": 1})
        yield replace(built, context=replace(built.context, settings=brisk))
    stopping.forget()


def started(service: Service, images: Path) -> ModelRun:
    with service.context.database.unit_of_work() as session:
        session.execute(
            update(Split).where(Split.name == SplitName.TEST).values(image_folder=str(images))
        )
        team = teams_of(session, service.user.id)[0]
        return organizing.start(
            session,
            Order(recipe="tiny", subset="tiny", split=SplitName.TEST),
            Starter(user_id=service.user.id, team_id=team.id),
            now=NOW,
            lease=LEASE,
        )


def row(service: Service, run: ModelRun) -> ModelRun:
    return run_of(service, run.id)


def test_one_whose_images_are_not_there_fails_and_says_where_they_were_sought(
    service: Service, tmp_path: Path
) -> None:
    run = started(service, tmp_path / "nothing")

    model_runs.run(service.context, run.id)

    ended = row(service, run)
    assert ended.state is ModelRunState.FAILED
    assert str(tmp_path / "nothing") in (ended.failure or "")
    assert ended.lease_token is None


@pytest.mark.slow
def test_one_that_the_model_refuses_fails_with_its_sentence(
    service: Service, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    (tmp_path / "empty").mkdir()
    run = started(service, tmp_path / "empty")

    model_runs.run(service.context, run.id)

    ended = row(service, run)
    assert (ended.state, ended.attempts) == (ModelRunState.FAILED, 1)
    assert "a data set has a folder train" in (ended.failure or "")


def test_an_entry_keeps_its_archive_when_the_commit_went_unanswered(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started(service, tmp_path)
    context = service.context
    place = context.settings.model_runs / run.public_id / "predict" / "test.zip"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"masks")
    monkeypatch.setattr(ModelProcess, "__init__", lambda *_, **__: None)
    monkeypatch.setattr(ModelProcess, "__exit__", lambda *_: None)
    monkeypatch.setattr(ModelProcess, "ended_within", lambda *_: True)
    monkeypatch.setattr(ModelProcess, "exit_code", 0)
    real = context.database.engine.dialect.do_commit

    def commit_and_lose_the_answer(connection: Any) -> None:
        real(connection)
        if next(iter(context.store.entries("archives")), None) is not None:
            monkeypatch.setattr(context.database.engine.dialect, "do_commit", real)
            lost = sqlite3.OperationalError("the connection broke")
            lost.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise lost

    monkeypatch.setattr(context.database.engine.dialect, "do_commit", commit_and_lose_the_answer)

    model_runs.run(context, run.id)

    assert row(service, run).state is ModelRunState.FINISHED
    (kept,) = context.store.entries("archives")
    with context.database.reading() as session:
        assert session.scalars(select(Submission.archive_key)).all() == [kept.key]


@pytest.mark.slow
def test_a_cancelled_one_ends_its_process_and_leaves_no_folder(
    service: Service, tmp_path: Path
) -> None:
    run = started(service, write_tiny_data(tmp_path / "data"))
    working = Working(service, run.id)

    with service.context.database.unit_of_work() as session:
        assert organizing.cancel(session, run, now=NOW)
    working.join()

    assert working.processes() == []
    assert not working.folder.exists()
    assert row(service, run).state is ModelRunState.CANCELLED


@pytest.mark.parametrize(("retention_days", "is_left"), [(0, True), (3, False)])
def test_the_folder_of_one_that_has_ended_is_kept_as_long_as_the_operator_says(
    service: Service, tmp_path: Path, retention_days: int, *, is_left: bool
) -> None:
    settings = service.context.settings.model_copy(
        update={"model_run_retention_days": retention_days}
    )
    context = replace(service.context, settings=settings)
    run = started(service, tmp_path)
    folder = settings.model_runs / run.public_id
    folder.mkdir(parents=True)
    with service.context.database.unit_of_work() as session:
        ended = {"state": ModelRunState.FAILED, "finished_at": service.clock.time}
        session.execute(update(ModelRun).values(ended))

    service.clock.time += timedelta(days=3) - timedelta(seconds=1)
    model_runs.run(context, run.id)
    assert folder.exists()
    service.clock.time += timedelta(seconds=1)
    model_runs.run(context, run.id)
    assert folder.exists() == is_left


@pytest.mark.slow
def test_a_worker_that_stops_hands_it_back_without_counting_an_attempt(
    service: Service, tmp_path: Path
) -> None:
    run = started(service, write_tiny_data(tmp_path / "data"))
    working = Working(service, run.id)

    stopping.announce()
    working.join()

    left = row(service, run)
    assert (left.state, left.attempts, left.lease_token) == (ModelRunState.RUNNING, 0, None)
    assert left.interrupted_because == model_runs.WORKER_STOPPED
    assert working.processes() == []
    assert working.folder.exists()


def test_one_whose_earlier_process_still_lives_waits(service: Service, tmp_path: Path) -> None:
    run = started(service, write_tiny_data(tmp_path / "data"))

    with locked(service.context.settings.model_runs / run.public_id):
        model_runs.run(service.context, run.id)

    left = row(service, run)
    assert (left.state, left.attempts) == (ModelRunState.RUNNING, 0)
    assert left.interrupted_because == model_runs.STILL_IN_USE


def test_a_process_knows_how_to_compute_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUSS_SECRET_KEY", "do not tell")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)

    found = environment()

    assert found["OMP_NUM_THREADS"] == "3"
    assert "do not tell" not in found.values()
    assert found["GOMP_SPINCOUNT"] == "10000"


def test_an_operator_may_say_how_threads_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")

    assert environment()["GOMP_SPINCOUNT"] == "7"


def test_a_folder_has_one_holder(tmp_path: Path) -> None:
    with locked(tmp_path / "run"), pytest.raises(FolderInUse), locked(tmp_path / "run"):
        pass


def test_the_sweep_rings_for_one_that_nobody_works_on_and_ends_what_takes_too_long(
    service: Service, tmp_path: Path
) -> None:
    run = started(service, tmp_path)
    service.queue.rung.clear()

    service.clock.time += LEASE
    sweep.run(service.context)
    assert [(job.task, job.row_id) for job in service.queue.rung] == [(RUN_MODEL, run.id)]

    service.clock.time += service.context.settings.waiting_limit
    sweep.run(service.context)
    assert row(service, run).state is ModelRunState.FAILED
