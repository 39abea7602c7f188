"""Submitted weights in a worker's hands: real processes on a handful of images."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from server.clock import SetClock
from server.jobs.queue import RUN_MODEL, SCORE_SUBMISSION, Job
from server.models import ModelRunState, SubmissionState
from server.submissions import attempts
from server.submissions.withdrawal import withdraw
from tests.support.model_work import Working, run_of
from tests.support.service import Service, service_in
from tests.support.tiny_data import write_tiny_data
from tests.support.weights import RESNET18
from worker import model_runs, scoring, stopping, sweep, tidying

torch = pytest.importorskip("torch")
from reference_model.engine.weights import write_weights  # noqa: E402  # needs torch
from reference_model.networks.resnet import ResNet  # noqa: E402
from reference_model.recipes import s50  # noqa: E402
from reference_model.stages.pipeline import run_from_weights  # noqa: E402

pytestmark = pytest.mark.slow
S, R = SubmissionState, ModelRunState


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set whose test split is the one of which there are masks."""
    folder = write_tiny_data(tmp_path_factory.mktemp("tiny") / "data")
    shutil.rmtree(folder / "test")
    (folder / "validation").rename(folder / "test")
    (folder / "validation-segmentation").rename(folder / "test-segmentation")
    return folder


def drawn(path: Path, *, spoiled: bool = False) -> Path:
    """Write a narrow ResNet-18 with weights from a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = ResNet(18, width=4)
    if spoiled:
        network.layer1[0].conv1.weight.data[0] = float("nan")
    write_weights(path, network.state_dict())
    return path


@pytest.fixture
def service(tmp_path: Path, images: Path) -> Iterator[Service]:
    with service_in(tmp_path, masks=images / "test-segmentation", classes=3) as built:
        brisk = {"lease_seconds": 1, "model_device": "cpu", "archive_retention_days": 1}
        settings = built.context.settings.model_copy(update=brisk)
        yield replace(built, context=replace(built.context, settings=settings))
    stopping.forget()


def stored(service: Service) -> list[str]:
    entries = service.context.store.entries
    return [entry.key for folder in ("archives", "weights") for entry in entries(folder)]


def folders(service: Service) -> list[Path]:
    return list(service.context.settings.model_runs.glob("*"))


def test_they_are_scored_as_the_masks_made_by_hand(
    service: Service, images: Path, tmp_path: Path
) -> None:
    weights = drawn(tmp_path / "weights.safetensors")
    submission_id, run_id = service.enter_weights(weights.read_bytes(), images=images)

    model_runs.run(service.context, run_id)
    made = service.row(submission_id)
    assert (made.state, run_of(service, run_id).state) == (S.RECEIVED, R.FINISHED)
    assert service.queue.rung[-1] == Job(SCORE_SUBMISSION, submission_id)
    assert folders(service) == []
    scoring.run(service.context, submission_id)

    run_from_weights(
        "distance-matching",
        s50(),
        weights=weights,
        method="by hand",
        data=images,
        out=tmp_path / "hand",
        device="cpu",
    )
    by_hand = service.enter((tmp_path / "hand" / "distance-matching" / "test.zip").read_bytes())
    scoring.run(service.context, by_hand)
    ((ours,), (other,)) = (service.row(each).scores for each in (submission_id, by_hand))
    assert (ours.headline(), ours.per_class_iou) == (other.headline(), other.per_class_iou)
    scored = service.row(submission_id)
    assert (scored.method_name, scored.training_data, scored.networks) == ("Ours", None, None)
    assert scored.findings == []


def test_broken_ones_are_rejected_with_a_finding_and_deleted(
    service: Service, images: Path, tmp_path: Path
) -> None:
    weights = drawn(tmp_path / "weights.safetensors", spoiled=True)
    submission_id, run_id = service.enter_weights(weights.read_bytes(), images=images)

    model_runs.run(service.context, run_id)

    ended = service.row(submission_id)
    assert (ended.state, ended.attempts) == (S.REJECTED, 0)
    (finding,) = ended.findings
    assert finding["code"] == "weights_unusable"
    assert "first is layer1.0.conv1.weight" in finding["message"]
    assert str(tmp_path) not in finding["message"]
    assert (stored(service), folders(service)) == ([], [])


def test_ones_with_tensors_missing_are_rejected_too(service: Service, images: Path) -> None:
    submission_id, run_id = service.enter_weights(RESNET18, images=images)

    model_runs.run(service.context, run_id)

    (finding,) = service.row(submission_id).findings
    assert "tensors of the backbone are missing" in finding["message"]


def test_a_run_that_breaks_three_times_fails_and_keeps_quiet_about_this_machine(
    service: Service, tmp_path: Path
) -> None:
    (tmp_path / "no data set").mkdir()
    weights = drawn(tmp_path / "weights.safetensors")
    submission_id, run_id = service.enter_weights(
        weights.read_bytes(), images=tmp_path / "no data set"
    )

    for attempt in range(1, 4):
        service.queue.rung.clear()
        model_runs.run(service.context, run_id)
        assert run_of(service, run_id).attempts == attempt
        service.clock.time += timedelta(seconds=2)
        sweep.run(service.context)
        rung = [job for job in service.queue.rung if job.task == RUN_MODEL]
        assert len(rung) == (attempt < 3)

    ended = service.row(submission_id)
    assert (ended.state, run_of(service, run_id).state) == (S.FAILED, R.FAILED)
    assert attempts.WEIGHTS_NOT_RUN in (ended.failure or "")
    assert str(tmp_path) not in (ended.failure or "")
    assert "a data set has a folder train" in (run_of(service, run_id).failure or "")


def test_images_that_this_worker_does_not_see_are_our_fault(
    service: Service, tmp_path: Path
) -> None:
    submission_id, run_id = service.enter_weights(RESNET18, images=tmp_path / "nowhere")

    model_runs.run(service.context, run_id)

    assert service.row(submission_id).state is S.FAILED
    assert str(tmp_path / "nowhere") in (run_of(service, run_id).failure or "")


def test_masks_of_ours_that_are_no_entry_are_our_fault(
    service: Service, images: Path, tmp_path: Path
) -> None:
    """The images that are registered are not those of the truth: nobody else could mend that."""
    other = tmp_path / "other"
    shutil.copytree(images, other)
    next((other / "test").glob("*/*")).unlink()
    weights = drawn(tmp_path / "weights.safetensors")
    submission_id, run_id = service.enter_weights(weights.read_bytes(), images=other)

    model_runs.run(service.context, run_id)
    for _ in range(3):
        scoring.run(service.context, submission_id)
        service.clock.time += timedelta(seconds=2)
        sweep.run(service.context)

    ended = service.row(submission_id)
    assert (ended.state, ended.findings) == (S.FAILED, [])


def test_withdrawing_ends_the_process_and_leaves_nothing(
    service: Service, images: Path, tmp_path: Path
) -> None:
    weights = drawn(tmp_path / "weights.safetensors")
    submission_id, run_id = service.enter_weights(weights.read_bytes(), images=images)
    working = Working(service, run_id)

    with service.context.database.unit_of_work() as session:
        row = service.row(submission_id)
        withdraw(session, row.public_id, team_ids=(row.team_id,), now=service.clock.now())
    working.join()

    assert working.processes() == []
    assert (service.row(submission_id).state, run_of(service, run_id).state) == (
        S.WITHDRAWN,
        R.CANCELLED,
    )
    assert folders(service) == []
    assert stored(service) == [f"weights/{row.public_id}.safetensors"]
    tidy_up_later(service)
    assert stored(service) == []


def tidy_up_later(service: Service) -> None:
    clock = SetClock(service.clock.now())
    clock.time = (
        max(entry.modified_at for entry in service.context.store.entries("weights"))
        + 2 * tidying.ORPHAN_AGE
    )
    tidying.run(replace(service.context, clock=clock))


def test_a_worker_that_stops_hands_them_back_without_counting_an_attempt(
    service: Service, images: Path, tmp_path: Path
) -> None:
    weights = drawn(tmp_path / "weights.safetensors")
    submission_id, run_id = service.enter_weights(weights.read_bytes(), images=images)
    working = Working(service, run_id)

    stopping.announce()
    working.join()
    assert (run_of(service, run_id).state, run_of(service, run_id).attempts) == (R.RUNNING, 0)
    assert service.row(submission_id).state is S.RECEIVED

    stopping.forget()
    model_runs.run(service.context, run_id)
    assert run_of(service, run_id).state is R.FINISHED


def test_weights_are_kept_for_as_long_as_archives_are(
    service: Service, images: Path, tmp_path: Path
) -> None:
    weights = drawn(tmp_path / "weights.safetensors")
    submission_id, run_id = service.enter_weights(weights.read_bytes(), images=images)
    service.clock.time += timedelta(days=2)
    sweep.run(service.context)
    assert len(stored(service)) == 1

    model_runs.run(service.context, run_id)
    scoring.run(service.context, submission_id)
    tidy_up_later(service)
    assert len(stored(service)) == 2

    service.clock.time += timedelta(days=1, minutes=1)
    sweep.run(service.context)

    assert stored(service) == []
    expired = service.row(submission_id)
    assert (expired.archive_key, expired.weights_key) == (None, None)
    assert expired.archive_expired_at == service.clock.now()
