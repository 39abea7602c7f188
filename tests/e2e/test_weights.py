"""Weights in place of masks, from `luss submit` and from plain HTTP to the board."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from client.demo.dataset import write_demo_data
from evaluator import HEADLINE_SCORES
from tests.support.database import NO_TO_ALL
from tests.support.model_work import kill_model_worker, processes_told
from tests.support.stack import Stack, stack_in
from tests.support.waiting import eventually

torch = pytest.importorskip("torch")
from reference_model.engine.weights import write_weights  # noqa: E402  # needs torch
from reference_model.networks.resnet import ResNet  # noqa: E402

pytestmark = pytest.mark.slow
ADDRESS = ("--protocol", "distance-matching", "--subset", "shapes", "--split", "test")
BOARD = "distance-matching/shapes/test"
DECLARE = [word for key in NO_TO_ALL for word in ("--declare", f"{key}=no")]
PATIENCE_SECONDS = 600


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "data"
    write_demo_data(folder, seed=0)
    return folder


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A narrow ResNet-18, drawn with a seed."""
    path = tmp_path / "backbone.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        write_weights(path, ResNet(18, width=16).state_dict())
    return path


@pytest.fixture
def stack(tmp_path: Path, demo: Path) -> Iterator[Stack]:
    brisk = {
        "LUSS_LEASE_SECONDS": "6",
        "LUSS_MODEL_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",  # threads wait for one another where the machine is busy
    }
    with stack_in(tmp_path, starts=("serve", "--model"), **brisk) as running:
        truth = ["--truth", demo / "test-segmentation", "--images", demo]
        running.luss("admin", "dataset", "shapes", "--classes", "10", "--split", "test", *truth)
        yield running


def submitted(stack: Stack, weights: Path, method: str) -> str:
    """Submit as a person does, without waiting for the end."""
    words = ["submit", weights, *ADDRESS, *DECLARE, "--method-name", method, "--json"]
    public_id: str = json.loads(stack.luss(*words).stdout)["id"]
    return public_id


def posted(stack: Stack, weights: Path, method: str) -> str:
    """Submit as a program does."""
    said = {"protocol": "distance-matching", "kind": "weights", "method_name": method}
    declared = {"declarations": json.dumps(NO_TO_ALL)}
    return stack.send(weights.read_bytes(), subset="shapes", **said, **declared)


def is_half_way(stack: Stack, public_id: str) -> bool:
    """Tell whether images of the split are being matched; it must not be over by then."""
    body = stack.submission(public_id)
    run = body["weights"]["run"]
    assert (body["state"], run["state"]) in {("received", "waiting"), ("received", "running")}
    return run["total"] == 160 and 0 < run["done"] < 150


def until_half_way(stack: Stack, public_id: str) -> Path:
    """Wait until a run has something to lose; return its folder."""
    eventually(
        lambda: is_half_way(stack, public_id),
        seconds=PATIENCE_SECONDS,
        every=0.05,
        what="images that are matched",
    )
    (folder,) = (stack.folder / "var" / "model-runs").iterdir()
    return folder


def by_hand(stack: Stack, weights: Path, demo: Path, out: Path) -> Any:
    """Make the masks and score them with the commands that participants have."""
    words = ["--data", demo, "--out", out, "--split", "test", "--device", "cpu"]
    stack.luss("pass", "distance-match", "--weights", weights, *words)
    archive = out / "distance-matching" / "test.zip"
    truth = ["--truth", demo / "test-segmentation", "--classes", "10", "--json"]
    return json.loads(stack.luss("score", archive, *truth).stdout)["scores"]


def test_they_are_scored_as_the_masks_made_by_hand(
    stack: Stack, weights: Path, demo: Path, tmp_path: Path
) -> None:
    public_id = submitted(stack, weights, "By luss submit")
    folder = until_half_way(stack, public_id)
    kill_model_worker(stack, folder)

    killed = stack.final(public_id, seconds=PATIENCE_SECONDS)
    other = stack.final(posted(stack, weights, "By HTTP"), seconds=PATIENCE_SECONDS)

    expected = by_hand(stack, weights, demo, tmp_path / "hand")
    for body in (killed, other):
        assert body["state"] == "scored", body
        assert (body["run_here"], body["attempts"]) == (True, 1)
        assert {name: body["scores"][name] for name in HEADLINE_SCORES} == {
            name: expected[name] for name in HEADLINE_SCORES
        }
    assert killed["weights"]["run"]["attempts"] == 2
    assert other["weights"]["run"]["attempts"] == 1
    rows = stack.get(f"/api/v1/boards/{BOARD}")["rows"]
    assert sorted(row["method"] for row in rows) == ["By HTTP", "By luss submit"]
    assert all(row["run_here"] and row["kind"] == "verified" for row in rows)
    assert (stack.files("model-runs"), processes_told(folder)) == ([], [])
    assert len(stack.files("store/archives")) == len(stack.files("store/weights")) == 2


def test_withdrawing_stops_the_process(stack: Stack, weights: Path) -> None:
    public_id = posted(stack, weights, "Withdrawn")
    folder = until_half_way(stack, public_id)
    assert processes_told(folder)

    with httpx.Client(base_url=stack.url, timeout=60) as client:
        token = {"Authorization": f"Bearer {stack.token}"}
        answer = client.delete(f"/api/v1/submissions/{public_id}", headers=token)
    assert answer.status_code == httpx.codes.OK, answer.text

    eventually(lambda: not processes_told(folder), seconds=60, what="the process to end")
    eventually(lambda: not folder.exists(), seconds=60, what="its folder to be deleted")
    body = stack.submission(public_id)
    assert (body["state"], body["weights"]["run"]["state"]) == ("withdrawn", "cancelled")
    assert stack.files("store/archives") == []


def test_broken_ones_are_refused_and_say_why(stack: Stack, tmp_path: Path) -> None:
    network = ResNet(18, width=4)
    network.bn1.weight.data[0] = float("nan")
    weights = tmp_path / "broken.safetensors"
    write_weights(weights, network.state_dict())

    rejected = stack.final(posted(stack, weights, "Broken"), seconds=PATIENCE_SECONDS)
    words = ["submit", weights, *ADDRESS, *DECLARE, "--method-name", "Broken", "--wait"]
    told = stack.luss(*words, check=False)

    assert rejected["state"] == "rejected"
    assert [finding["code"] for finding in rejected["findings"]] == ["weights_unusable"]
    assert told.returncode == 1
    assert "first is bn1.weight [weights_unusable]" in told.stdout
    assert stack.files("store/weights") == []
