"""A submission's work, without Celery: what is recorded, once, whatever happens."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from evaluator import encode_mask, pack_truth, public_seed
from evaluator.uncertainty import basic_interval
from server.jobs.queue import SCORE_SUBMISSION, Job, RecordingQueue
from server.models import (
    HEADLINE_SCORES,
    Protocol,
    ResampledScore,
    Standing,
    Submission,
    SubmissionState,
)
from server.resampled import unpacked
from tests.support.database import LEASE
from tests.support.golden import golden_files, zipped
from tests.support.service import GOLDEN, Service
from worker import scoring, stopping, sweep
from worker.counting import Counting

EXPECTED = json.loads((GOLDEN / "s50" / "expected.json").read_text())["scores"]
Change = Callable[[dict[str, bytes]], None]


@pytest.fixture(autouse=True)
def takes_new_work() -> Iterator[None]:
    yield
    stopping.forget()


def run(service: Service, archive: bytes) -> Submission:
    submission_id = service.enter(archive)
    scoring.run(service.context, submission_id)
    return service.row(submission_id)


@pytest.mark.parametrize("name", ["good", "messy", "generated"])
def test_a_golden_archive_gets_its_scores(service: Service, name: str) -> None:
    submission = run(service, (GOLDEN / "s50" / f"{name}.zip").read_bytes())

    assert submission.state is SubmissionState.SCORED, submission.findings
    assert submission.progress_done == submission.progress_total == 60
    (score,) = submission.scores
    for key in HEADLINE_SCORES:
        assert getattr(score, key) == pytest.approx(EXPECTED[name][key], rel=1e-5), key
    assert score.per_class_iou == pytest.approx(EXPECTED[name]["per_class_iou"], rel=1e-5)


def test_intervals_lie_around_the_scores_and_come_from_a_secret_seed(
    service: Service, tmp_path: Path
) -> None:
    (score,) = run(service, (GOLDEN / "s50" / "good.zip").read_bytes()).scores

    assert set(score.intervals) == set(HEADLINE_SCORES)
    low, high = score.intervals["f_beta"]
    assert score.f_beta is not None
    assert 0 <= low < score.f_beta < high <= 100
    (seed,) = (tmp_path / "vault" / "seeds").iterdir()
    assert len(seed.read_bytes()) == 32
    assert seed.read_bytes() != public_seed(score.truth_version)


def test_a_pack_of_another_truth_is_not_scored_against(
    service: Service, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (kept,) = (tmp_path / "vault" / "truth").iterdir()
    others = tmp_path / "masks"
    for mask in sorted((GOLDEN / "s50" / "masks").rglob("*.png"))[1:]:
        (others / mask.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(mask, others / mask.parent.name)
    pack_truth(others, kept, classes=50)
    submission_id = service.enter((GOLDEN / "s50" / "good.zip").read_bytes())

    scoring.run(service.context, submission_id)

    row = service.row(submission_id)
    assert (row.state, row.scores) == (SubmissionState.CHECKING, [])
    assert f"by the name of {kept.stem}" in caplog.text


def test_all_entries_of_a_truth_share_their_resamples(service: Service) -> None:
    archive = (GOLDEN / "s50" / "good.zip").read_bytes()
    first = run(service, archive)
    again = service.enter(archive, public_id="bbbb")
    scoring.run(service.context, again)

    assert service.row(again).scores[0].intervals == first.scores[0].intervals


def test_the_card_comes_from_method_txt_and_names_the_method(service: Service) -> None:
    submission = run(service, (GOLDEN / "s50" / "good.zip").read_bytes())

    assert submission.method is not None
    assert (submission.method.name, submission.method.slug) == ("good", "good")
    assert submission.training_data == "synthetic"


def test_tallies_are_kept_in_the_vault(service: Service, tmp_path: Path) -> None:
    submission = run(service, (GOLDEN / "s50" / "good.zip").read_bytes())

    kept = list((tmp_path / "vault" / "tallies").rglob("*.parquet"))
    assert [path.parent.name for path in kept] == [submission.public_id]


def test_a_second_ring_does_nothing(service: Service) -> None:
    submission = run(service, (GOLDEN / "s50" / "good.zip").read_bytes())

    scoring.run(service.context, submission.id)

    again = service.row(submission.id)
    assert again.attempts == 1
    assert len(again.scores) == 1


class TestRejected:
    def findings(self, service: Service, submission: Submission) -> list[dict[str, str]]:
        assert submission.state is SubmissionState.REJECTED
        assert list(service.context.store.entries("archives")) == []
        assert submission.scores == []
        return submission.findings

    def test_what_is_missing_and_what_has_another_size_is_named(self, service: Service) -> None:
        files = golden_files("good.zip")
        names = [name for name in files if name.endswith(".png")]
        missing = names[0]
        del files[missing]
        files[names[1]] = encode_mask(np.zeros((3, 5), np.uint16))

        found = self.findings(service, run(service, zipped(files)))

        errors = {each["code"]: each for each in found if each["severity"] == "error"}
        assert errors["image_missing"]["file"] == missing
        assert errors["wrong_size"]["file"] == names[1]

    def test_a_file_that_is_no_zip(self, service: Service) -> None:
        (finding,) = self.findings(service, run(service, b"not a zip at all"))

        assert finding["code"] == "not_a_zip"

    def test_a_mask_whose_pixels_are_broken_is_told_while_scoring(self, service: Service) -> None:
        files = golden_files("good.zip")
        name = next(name for name in files if name.endswith(".png"))
        files[name] = files[name][:-40] + bytes(40)

        found = self.findings(service, run(service, zipped(files)))

        assert any(each["code"] == "mask_damaged" and each["file"] == name for each in found)

    def test_match_json_is_refused_where_ids_are_truth_ids(self, service: Service) -> None:
        archive = (GOLDEN / "s50" / "generated.zip").read_bytes()
        submission_id = service.enter(archive, protocol=Protocol.DISTANCE_MATCHING)
        scoring.run(service.context, submission_id)

        found = self.findings(service, service.row(submission_id))

        assert any(each["code"] == "match_not_allowed" for each in found)


class TestOurFault:
    @pytest.fixture
    def submission_id(self, service: Service) -> int:
        return service.enter((GOLDEN / "s50" / "good.zip").read_bytes())

    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        def fail(*_args: object, **_named: object) -> None:
            raise OSError("the disk is on fire")

        monkeypatch.setattr(Counting, "count", fail)
        return monkeypatch

    def sweep(self, service: Service) -> RecordingQueue:
        service.queue.rung.clear()
        sweep.run(service.context)
        return service.queue

    @pytest.mark.usefixtures("broken")
    def test_an_error_hands_back_and_the_sweep_rings_again(
        self, service: Service, submission_id: int
    ) -> None:
        scoring.run(service.context, submission_id)

        assert service.row(submission_id).state is SubmissionState.SCORING
        assert [job.row_id for job in self.sweep(service).rung] == [submission_id]

    def test_the_next_attempt_succeeds_with_the_same_numbers(
        self, service: Service, submission_id: int, broken: pytest.MonkeyPatch
    ) -> None:
        scoring.run(service.context, submission_id)
        broken.undo()
        scoring.run(service.context, submission_id)

        done = service.row(submission_id)
        assert done.state is SubmissionState.SCORED
        assert done.attempts == 2
        assert done.scores[0].miou == pytest.approx(EXPECTED["good"]["miou"], rel=1e-5)

    @pytest.mark.usefixtures("broken")
    def test_after_three_attempts_it_has_failed(self, service: Service, submission_id: int) -> None:
        for _ in range(3):
            scoring.run(service.context, submission_id)

        assert self.sweep(service).rung == []
        done = service.row(submission_id)
        assert done.state is SubmissionState.FAILED
        assert "our fault" in (done.failure or "")

    def test_a_worker_that_lost_its_lease_records_nothing(
        self, service: Service, submission_id: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Counting.count

        def take_over_meanwhile(*args: object, **named: object) -> object:
            monkeypatch.undo()
            service.clock.time += LEASE
            scoring.run(service.context, submission_id)
            return real(*args, **named)

        monkeypatch.setattr(Counting, "count", take_over_meanwhile)
        scoring.run(service.context, submission_id)

        done = service.row(submission_id)
        assert done.state is SubmissionState.SCORED
        assert done.attempts == 2
        assert len(done.scores) == 1


def test_a_worker_that_stops_costs_no_attempt_and_the_stages_keep_their_first_times(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission_id = service.enter((GOLDEN / "s50" / "good.zip").read_bytes())
    service.queue.rung.clear()
    began, real = service.clock.now(), Counting.count

    def told_to_stop(*args: Any, **named: Any) -> None:
        stopping.ask()
        real(*args, **named)

    monkeypatch.setattr(Counting, "count", told_to_stop)
    scoring.run(service.context, submission_id)
    handed_back = service.row(submission_id)
    assert (handed_back.state, handed_back.attempts) == (SubmissionState.SCORING, 0)
    assert service.queue.rung == [Job(SCORE_SUBMISSION, submission_id)]

    monkeypatch.undo()
    stopping.forget()
    service.clock.time += LEASE
    scoring.run(service.context, submission_id)
    scored = service.row(submission_id)
    assert (scored.state, scored.attempts) == (SubmissionState.SCORED, 1)
    assert (scored.checking_at, scored.scoring_at) == (began, began)
    assert scored.finished_at == began + LEASE


def test_the_score_of_every_resample_is_kept_and_nothing_per_image(service: Service) -> None:
    submission = run(service, (GOLDEN / "s50" / "good.zip").read_bytes())
    with service.context.database.reading() as session:
        kept = session.scalars(select(ResampledScore)).all()
        standing = session.scalars(select(Standing)).one()

    assert {each.name for each in kept} == set(HEADLINE_SCORES)
    assert {len(unpacked(each.packed)) for each in kept} == {1000}
    (score,) = submission.scores
    for each in kept:
        value, values = getattr(score, each.name), np.array(unpacked(each.packed), float)
        interval = basic_interval(value, values, limits=(0, 100))
        assert interval == pytest.approx(score.intervals[each.name], abs=1e-4)
    assert (standing.submission_id, standing.miou) == (submission.id, score.miou)
