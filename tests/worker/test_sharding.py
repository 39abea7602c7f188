"""Large submissions in shards: the same numbers and findings as in one piece, whatever happens."""

import logging
import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluator import Tallies, concatenate, scores_of
from server.jobs.queue import SCORE_SHARD, SCORE_SUBMISSION, Job
from server.models import AttemptOutcome, Submission, SubmissionState
from server.submissions import attempts
from tests.support.database import LEASE
from tests.support.golden import S50, golden_files, zipped
from tests.support.service import Service, service_in
from worker import scoring, sharding, stopping, sweep
from worker.counting import Counting, Material, counting
from worker.settings import WorkerSettings
from worker.work import opened

IMAGES, SHARD_IMAGES, SHARDS = 60, 13, 5
GOOD = (S50 / "good.zip").read_bytes()
TASKS = {SCORE_SUBMISSION: scoring.run, SCORE_SHARD: scoring.run_shards}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_in(tmp_path) as built:
        yield built.with_shards_of(SHARD_IMAGES)


def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody go on with the next shard, so that each message counts one."""
    real = sharding._claim_next
    claimed: list[object] = []

    def claim_once(context: Any, submission_id: int) -> Any:
        if claimed:
            claimed.clear()
            return None
        held = real(context, submission_id)
        claimed.extend([held] if held else [])
        return held

    monkeypatch.setattr(sharding, "_claim_next", claim_once)


def deliver(service: Service, job: Job) -> None:
    TASKS[job.task](service.context, job.row_id)


def tallies_of(service: Service, submission: Submission) -> bytes:
    folder = Path(service.context.settings.data_dir) / "vault" / "tallies" / submission.public_id
    (file,) = folder.iterdir()
    return file.read_bytes()


def shard_files(service: Service) -> list[Path]:
    folder = Path(service.context.settings.data_dir) / "vault" / "shards"
    return sorted(path for path in folder.rglob("*") if path.is_file())


def scores(submission: Submission) -> tuple[Any, ...]:
    assert submission.state is SubmissionState.SCORED, (submission.state, submission.failure)
    (score,) = submission.scores
    return score.headline(), score.per_class_iou, score.per_class_biou, score.intervals


def broken_archive(*places: int) -> bytes:
    """Return the good archive with masks that break when they are decoded."""
    files = golden_files("good.zip")
    names = sorted(name for name in files if name.endswith(".png"))
    for place in places:
        files[names[place]] = files[names[place]][:-40] + bytes(40)
    return zipped(files)


class TestTheSameNumbers:
    @pytest.mark.parametrize("name", ["good", "messy", "generated"])
    def test_as_in_one_piece(self, service: Service, name: str) -> None:
        archive = (S50 / f"{name}.zip").read_bytes()
        whole = service.with_shards_of(IMAGES)
        in_one = whole.enter(archive, public_id="whole")
        scoring.run(whole.context, in_one)
        cut = service.enter(archive, public_id="cut")

        scoring.run(service.context, cut)

        done, expected = service.row(cut), service.row(in_one)
        assert [row.shard for row in expected.attempt_log] == [None]
        assert [row.shard for row in done.attempt_log] == [None, *range(SHARDS), None]
        assert scores(done) == scores(expected)
        assert tallies_of(service, done) == tallies_of(service, expected)
        assert done.findings == expected.findings
        assert (done.images_done, done.progress_total) == (IMAGES, IMAGES)
        assert done.method_name == expected.method_name

    @pytest.mark.parametrize("seed", range(4))
    def test_with_every_message_three_times_in_any_order(
        self, service: Service, monkeypatch: pytest.MonkeyPatch, seed: int
    ) -> None:
        one_at_a_time(monkeypatch)
        whole = service.with_shards_of(IMAGES)
        in_one = whole.enter(GOOD, public_id="whole")
        scoring.run(whole.context, in_one)
        cut = service.enter(GOOD, public_id="cut")
        order, waiting = random.Random(seed), [Job(SCORE_SUBMISSION, cut)] * 3

        while waiting:
            deliver(service, waiting.pop(order.randrange(len(waiting))))
            waiting += service.queue.rung * 3 if service.queue.rung else []
            service.queue.rung.clear()

        assert scores(service.row(cut)) == scores(service.row(in_one))
        assert shard_files(service) == []

    def test_nothing_of_the_shards_is_left(self, service: Service) -> None:
        submission_id = service.enter(GOOD)

        scoring.run(service.context, submission_id)

        assert service.row(submission_id).shards == []
        assert shard_files(service) == []


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counting]:
    with service_in(tmp_path_factory.mktemp("whole")) as service:
        submission_id = service.enter(GOOD)
        scoring.run(service.context, submission_id)
        (pack,) = (Path(service.context.settings.data_dir) / "vault" / "truth").iterdir()
        material = Material(
            archive=S50 / "good.zip",
            truth=pack,
            truth_version=pack.stem,
            classes=50,
            limits=WorkerSettings().limits,
        )
        with counting(material) as counts:
            yield counts


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_partition_in_any_order_with_repeats_is_the_whole_byte_for_byte(
    entry: Counting, tmp_path: Path, data: st.DataObject
) -> None:
    def counted(name: str, first: int, stop: int) -> Path:
        output = tmp_path / name
        entry.count(output, first=first, stop=stop, jobs=1, progress=lambda _done, _all: None)
        return output

    whole = Tallies.read(counted("whole", 0, IMAGES))
    inner = data.draw(st.sets(st.integers(1, IMAGES - 1), max_size=8))
    cuts = [0, *sorted(inner), IMAGES]
    parts = list(pairwise(cuts))
    repeated = data.draw(st.lists(st.sampled_from(parts), max_size=4))
    kept: dict[tuple[int, int], bytes] = {}

    for first, stop in data.draw(st.permutations([*parts, *repeated])):
        written = counted(f"part-{first}", first, stop).read_bytes()
        assert kept.setdefault((first, stop), written) == written

    shards = [Tallies.read(tmp_path / f"part-{first}") for first, _ in parts]
    together = concatenate(shards, output=tmp_path / "together")
    assert together.path.read_bytes() == whole.path.read_bytes()
    assert scores_of(together) == scores_of(whole)


class TestRejected:
    @pytest.mark.parametrize("places", [(3, 4, 30, 59), tuple(range(2, 58, 2))])
    def test_all_shards_tell_what_one_piece_would_have_told(
        self, service: Service, places: tuple[int, ...]
    ) -> None:
        whole = service.with_shards_of(IMAGES)
        in_one = whole.enter(broken_archive(*places), public_id="whole")
        scoring.run(whole.context, in_one)
        cut = service.enter(broken_archive(*places), public_id="cut")

        scoring.run(service.context, cut)

        done, expected = service.row(cut), service.row(in_one)
        assert done.state is expected.state is SubmissionState.REJECTED
        assert done.findings == expected.findings
        assert sum(finding["count"] for finding in done.findings) == len(places)
        assert shard_files(service) == []
        assert list(service.context.store.entries("archives")) == []


class TestOurFault:
    @pytest.fixture
    def submission_id(self, service: Service) -> int:
        return service.enter(GOOD)

    def sweep(self, service: Service) -> list[Job]:
        service.queue.rung.clear()
        sweep.run(service.context)
        return list(service.queue.rung)

    def test_a_shard_that_fails_three_times_fails_the_submission(
        self,
        service: Service,
        submission_id: int,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def fail(*_args: object, **_named: object) -> None:
            raise OSError("the disk is on fire")

        monkeypatch.setattr(Counting, "count", fail)
        scoring.run(service.context, submission_id)
        for _ in range(2):
            assert Job(SCORE_SHARD, submission_id) in self.sweep(service)
            scoring.run_shards(service.context, submission_id)
        caplog.clear()
        self.sweep(service)

        done = service.row(submission_id)
        assert done.state is SubmissionState.FAILED
        assert attempts.DISK_TROUBLE in (done.failure or "")
        assert done.shards == []
        (notice,) = caplog.messages
        assert caplog.records[0].levelno == logging.ERROR
        assert str(submission_id) in notice
        assert attempts.DISK_TROUBLE in notice
        assert [(row.shard, row.number, row.reason) for row in done.attempt_log[1:]] == [
            (0, number, attempts.DISK_TROUBLE) for number in (1, 2, 3)
        ]

    def test_a_worker_that_was_lost_amid_a_shard_costs_that_shard(
        self, service: Service, submission_id: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Counting.count

        def die(counts: Counting, output: Path, *, first: int = 0, **named: Any) -> None:
            if first:
                raise KeyboardInterrupt  # nothing of ours runs after it, as after a SIGKILL
            real(counts, output, first=first, **named)

        monkeypatch.setattr(Counting, "count", die)
        with pytest.raises(KeyboardInterrupt):
            scoring.run(service.context, submission_id)
        monkeypatch.undo()
        assert service.row(submission_id).images_done == IMAGES // SHARDS
        service.clock.time += LEASE
        assert Job(SCORE_SHARD, submission_id) in self.sweep(service)
        other = replace(service.context, worker="worker-other")

        scoring.run_shards(other, submission_id)

        done = service.row(submission_id)
        assert done.state is SubmissionState.SCORED
        told = [(row.shard, row.number, row.outcome, row.reason) for row in done.attempt_log]
        assert (1, 1, AttemptOutcome.LOST, attempts.WORKER_LOST) in told
        assert (1, 2, AttemptOutcome.DONE, None) in told
        assert sum(row.images for row in done.attempt_log) == IMAGES

    def test_a_worker_whose_lease_ran_out_records_nothing(
        self, service: Service, submission_id: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Counting.count

        def take_over_meanwhile(*args: Any, **named: Any) -> None:
            monkeypatch.undo()
            service.clock.time += LEASE
            scoring.run_shards(service.context, submission_id)
            real(*args, **named)

        monkeypatch.setattr(Counting, "count", take_over_meanwhile)
        scoring.run(service.context, submission_id)

        done = service.row(submission_id)
        assert len(scores(done)) == 4
        assert sum(row.images for row in done.attempt_log) == IMAGES
        sweep.run(service.context)
        assert shard_files(service) == []  # what the loser wrote too late

    def test_a_merge_that_was_lost_is_done_by_another(
        self, service: Service, submission_id: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_args: object, **_named: object) -> None:
            raise OSError("no such luck")

        monkeypatch.setattr(scoring, "concatenate", fail)
        scoring.run(service.context, submission_id)
        monkeypatch.undo()
        assert service.row(submission_id).state is SubmissionState.SCORING
        assert service.row(submission_id).images_done == IMAGES
        assert self.sweep(service) == [Job(SCORE_SUBMISSION, submission_id)]

        scoring.run(service.context, submission_id)

        assert service.row(submission_id).state is SubmissionState.SCORED

    def test_another_scorer_starts_over_instead_of_mixing(
        self, service: Service, submission_id: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one_at_a_time(monkeypatch)
        scoring.run(service.context, submission_id)
        assert [shard.is_done for shard in service.row(submission_id).shards].count(True) == 1
        monkeypatch.undo()
        monkeypatch.setattr(sharding, "SCORER_VERSION", "another")

        service.queue.rung.clear()
        scoring.run_shards(service.context, submission_id)
        assert Job(SCORE_SUBMISSION, submission_id) in service.queue.rung
        scoring.run(service.context, submission_id)

        assert service.row(submission_id).state is SubmissionState.SCORED


class TestStopping:
    @pytest.fixture(autouse=True)
    def forgotten(self) -> Iterator[None]:
        yield
        stopping.forget()

    @pytest.mark.parametrize("images", [IMAGES, SHARD_IMAGES], ids=["whole", "cut"])
    def test_hands_back_what_it_holds_and_another_goes_on(
        self, service: Service, monkeypatch: pytest.MonkeyPatch, images: int
    ) -> None:
        service = service.with_shards_of(images)
        submission_id, real = service.enter(GOOD), Counting.count
        service.queue.rung.clear()

        def told_to_stop(*args: Any, **named: Any) -> None:
            stopping.ask()
            real(*args, **named)

        monkeypatch.setattr(Counting, "count", told_to_stop)
        scoring.run(service.context, submission_id)
        monkeypatch.undo()

        interrupted = service.row(submission_id)
        assert interrupted.attempt_log[-1].reason == attempts.WORKER_STOPPED
        assert interrupted.attempts == 0
        assert all(shard.attempts == 0 for shard in interrupted.shards)
        scoring.run(service.context, submission_id)
        assert service.row(submission_id).state is SubmissionState.SCORING
        stopping.forget()

        deliver(service, service.queue.rung[-1])

        assert service.row(submission_id).state is SubmissionState.SCORED


def test_an_archive_is_opened_once_for_all_shards_that_a_worker_counts(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[object] = []

    def counted_opening(*args: Any, **named: Any) -> Any:
        times.append(args)
        return opened(*args, **named)

    monkeypatch.setattr(scoring, "opened", counted_opening)
    monkeypatch.setattr(sharding, "opened", counted_opening)
    submission_id = service.enter(GOOD)

    scoring.run(service.context, submission_id)

    assert service.row(submission_id).state is SubmissionState.SCORED
    assert len(times) == 1
