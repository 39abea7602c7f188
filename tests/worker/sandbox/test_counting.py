"""A submission scored in children: the same as without them, or failed with a reason."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluator import BadTruth, Limits, encode_mask
from server.models import AttemptOutcome, SubmissionState
from tests.support.golden import S50, golden_files, zipped
from tests.support.service import Service
from worker import scoring, sweep
from worker.counting import Material
from worker.sandbox.allowance import Allowance, Walls
from worker.sandbox.children import ChildProcesses, Sandbox
from worker.sandbox.counting import SandboxedCounting

pytestmark = pytest.mark.slow
GENEROUS = Allowance(memory_bytes=2**31, cpu_seconds=600, wall_seconds=600, file_bytes=2**30)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    opened = ChildProcesses(GENEROUS, Walls.FULL)
    yield opened
    opened.close()


def within(service: Service, sandbox: Sandbox, **settings: Any) -> Service:
    changed = service.context.settings.model_copy(update=settings)
    return replace(service, context=replace(service.context, sandbox=sandbox, settings=changed))


def everything(service: Service, archive: bytes, public_id: str) -> Any:
    """Score an archive; return all that anybody will ever know of it."""
    submission_id = service.enter(archive, public_id=public_id)
    scoring.run(service.context, submission_id)
    row = service.row(submission_id)
    folder = Path(service.context.settings.data_dir) / "vault" / "tallies" / public_id
    return (
        row.state,
        row.findings,
        row.failure,
        (row.method_name, row.networks, row.description),
        [(s.headline(), s.per_class_iou, s.per_class_biou, s.intervals) for s in row.scores],
        [file.read_bytes() for file in folder.glob("*")],
    )


def broken() -> bytes:
    files = golden_files("good.zip")
    names = sorted(name for name in files if name.endswith(".png"))
    files[names[3]] = files[names[3]][:-40] + bytes(40)
    return zipped(files)


def misshapen() -> bytes:
    files = golden_files("good.zip")
    names = sorted(name for name in files if name.endswith(".png"))
    files[names[3]] = encode_mask(np.zeros((3, 5), np.uint16))
    return zipped(files)


@pytest.mark.parametrize(
    ("archive", "state"),
    [
        ((S50 / "messy.zip").read_bytes(), SubmissionState.SCORED),
        ((S50 / "generated.zip").read_bytes(), SubmissionState.SCORED),
        (b"not a zip at all", SubmissionState.REJECTED),
        (misshapen(), SubmissionState.REJECTED),
        (broken(), SubmissionState.REJECTED),
    ],
    ids=["messy", "generated", "no zip", "another size", "broken pixels"],
)
def test_it_ends_as_it_would_without_a_sandbox(
    service: Service, sandbox: Sandbox, archive: bytes, state: SubmissionState
) -> None:
    apart = everything(within(service, sandbox), archive, "apart")

    assert apart[0] is state
    assert apart == everything(service, archive, "plain")


def test_shards_are_counted_in_children(service: Service, sandbox: Sandbox) -> None:
    archive = (S50 / "generated.zip").read_bytes()

    cut = everything(within(service, sandbox, shard_images=25, scoring_jobs=2), archive, "cut")

    assert cut == everything(service, archive, "plain")


def test_a_damaged_truth_is_told_as_such(sandbox: Sandbox, tmp_path: Path) -> None:
    truth = tmp_path / "truth.pack"
    truth.write_bytes(b"no pack")
    material = Material(
        archive=S50 / "good.zip", truth=truth, truth_version="any", classes=50, limits=Limits()
    )

    with pytest.raises(BadTruth, match="neither"):
        SandboxedCounting(sandbox, material).inspect(protocol="free", method_name=None)


def test_a_bomb_fails_its_submission_and_says_why(service: Service) -> None:
    small = replace(GENEROUS, memory_bytes=2**28)
    children = ChildProcesses(small, Walls.FULL, jobs_module="tests.support.hostile_jobs")
    careful = within(service, children)
    submission_id = careful.enter((S50 / "good.zip").read_bytes())
    try:
        for _ in range(3):
            scoring.run(careful.context, submission_id)
            sweep.run(careful.context)
    finally:
        children.close()

    row = careful.row(submission_id)
    why = "reading the archive took more memory than the 0.25 GiB it may take"
    assert [(each.outcome, each.reason) for each in row.attempt_log] == [
        (AttemptOutcome.FAILED, why)
    ] * 3
    assert row.state is SubmissionState.FAILED
    assert why in (row.failure or "")
