"""`luss pass`: what it says before any work, a run that is stopped, and one of two processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import save_file
from typer.testing import CliRunner

from client.cli import app
from reference_model.networks.resnet import ResNet
from tests.support.tiny_data import write_tiny_data

ROOT = Path(__file__).parents[3]
LUSS = Path(sys.executable).with_name("luss")
TINY = """
import sys
from pathlib import Path

from reference_model.stages import pipeline
from tests.support.tiny_recipe import tiny_recipe

pipeline.run(tiny_recipe(), data=Path(sys.argv[1]), out=Path(sys.argv[2]), device="cpu")
"""


def test_an_unknown_recipe_is_told(tmp_path: Path) -> None:
    words = ["pass", "run", "--recipe", "s51", "--data", str(tmp_path), "--out", str(tmp_path)]

    ended = CliRunner().invoke(app, words)

    assert ended.exit_code == 2
    assert "there are s50, s300" in " ".join(ended.output.split())


def test_data_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    words = ["pass", "run", "--recipe", "demo", "--data", str(tmp_path / "data")]

    ended = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "run"), "--device", "cpu"])

    assert ended.exit_code == 1
    assert "a data set has a folder train/<category>/" in " ".join(ended.output.split())


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("reference_model")]:
        monkeypatch.delitem(sys.modules, name)
    words = ["pass", "run", "--recipe", "demo", "--data", str(tmp_path), "--out", str(tmp_path)]

    ended = CliRunner().invoke(app, words)

    assert ended.exit_code == 2
    assert "pip install 'lussbench[model]'" in ended.output


def test_distance_matching_of_a_file_of_weights(tmp_path: Path) -> None:
    """The zip passes `luss check`, and the folder takes no other weights."""
    data = write_tiny_data(tmp_path / "data")
    save_file(ResNet(18, width=4).state_dict(), tmp_path / "one.safetensors")
    save_file(ResNet(18, width=8).state_dict(), tmp_path / "other.safetensors")
    words = ["pass", "distance-match", "--recipe", "demo", "--data", str(data)]
    words += ["--out", str(tmp_path / "run"), "--device", "cpu", "--weights"]

    one, other = (
        CliRunner().invoke(app, [*words, str(tmp_path / f"{name}.safetensors")])
        for name in ("one", "other")
    )
    entry = str(tmp_path / "run" / "distance-matching" / "validation.zip")
    truth = ["--classes", "3", "--truth", str(data / "validation-segmentation")]
    checked = CliRunner().invoke(
        app, ["check", entry, *truth, "--protocol", "distance-matching", "--json"]
    )

    assert one.exit_code == 0, one.output
    assert json.loads(checked.stdout)["ok"]
    assert other.exit_code == 1
    assert "holds a run of another recipe (weights_sha256)" in " ".join(other.output.split())


def test_weights_at_fault_are_told_to_whoever_watches(tmp_path: Path) -> None:
    data = write_tiny_data(tmp_path / "data")
    network = ResNet(18, width=4)
    network.conv1.weight.data[:] = float("nan")
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    words = ["pass", "distance-match", "--recipe", "tiny", "--data", str(data), "--split", "val"]
    words += ["--out", str(tmp_path / "run"), "--device", "cpu", "--weights"]

    ended = CliRunner().invoke(app, [*words, str(tmp_path / "weights.safetensors")])

    assert ended.exit_code == 1
    assert "1 tensors hold values that are not finite" in " ".join(ended.output.split())
    last = status(tmp_path / "run")[-1]
    assert (last["state"], last["fault"]) == ("failed", "weights")


def status(run: Path) -> list[dict[str, object]]:
    path = run / "status.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.slow
def test_a_run_that_is_told_to_end_leaves_a_checkpoint(tmp_path: Path) -> None:
    """SIGTERM within the pre-training: exit code 143, a checkpoint, a status that says so."""
    data = write_tiny_data(tmp_path / "data", train=90)
    words = [LUSS, "pass", "run", "--recipe", "demo", "--data", data, "--out", tmp_path / "run"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # noqa: TID251  # for the child
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 200
        while not any(line["step"] for line in status(tmp_path / "run")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=120)

    assert process.returncode == 143
    assert "the same command goes on from there" in said
    assert status(tmp_path / "run")[-1]["state"] == "interrupted"
    assert list((tmp_path / "run" / "pretrain").glob("checkpoint-*.safetensors"))


@pytest.mark.slow
def test_two_processes_end_in_one_entry(tmp_path: Path) -> None:
    """Under torchrun: gradients, norms and queues of two, and files written once."""
    data = write_tiny_data(tmp_path / "data")
    script = tmp_path / "tiny.py"
    script.write_text(TINY, encoding="utf-8")

    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
            *(script, data, tmp_path / "run"),
        ],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},  # noqa: TID251  # for the child
        check=True,
        timeout=280,
    )

    assert (tmp_path / "run" / "predict" / "test.zip").exists()
    steps = (tmp_path / "run" / "pretrain" / "losses.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in steps] == [1, 2, 3, 4]
    assert status(tmp_path / "run")[-1]["state"] == "finished"
