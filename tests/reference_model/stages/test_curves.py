"""Losses as they were when they were last looked at: a refactoring must not move them.

The numbers are those of one thread on x86-64; other machines add in another order, hence the
tolerance. A change of the mathematics writes new ones (python
tests/reference_model/stages/test_curves.py) and a record in DECISIONS.md.
"""

import json
import tempfile
from pathlib import Path

import pytest
import torch

from client.demo.dataset import write_demo_data
from reference_model.data.folders import DataFolder
from reference_model.engine.errors import Interrupted
from reference_model.engine.loop import Rhythm
from reference_model.recipes import Recipe, demo
from reference_model.stages import attention, cluster, finetune, pretrain, pseudo_labels, threshold
from tests.support.places import place_at
from tests.support.tiny_data import write_tiny_data
from tests.support.tiny_recipe import tiny_recipe

GOLDEN = Path(__file__).parents[2] / "golden" / "pass" / "curves.json"
DEMO_STEPS = 4


def curve(folder: Path) -> list[float]:
    lines = (folder / "losses.jsonl").read_text().splitlines()
    return [json.loads(line)["total"] for line in lines]


def tiny_curves(recipe: Recipe, data: DataFolder, folder: Path) -> dict[str, list[float]]:
    place = place_at(folder, data, recipe)
    for stage in (pretrain, attention, cluster, threshold, pseudo_labels, finetune):
        stage.run(recipe, place)
    return {stage.NAME: curve(folder / stage.NAME) for stage in (pretrain, attention, finetune)}


def demo_curve(folder: Path) -> list[float]:
    """The first steps of `luss pass run --recipe demo` on the demo data set."""
    write_demo_data(folder / "data", seed=0)
    place = place_at(
        folder / "run", DataFolder(folder / "data"), demo(), Rhythm(stop_after=DEMO_STEPS)
    )
    with pytest.raises(Interrupted):
        pretrain.run(demo(), place)
    return curve(folder / "run" / "pretrain")


def test_every_training_of_a_tiny_run(tiny: Recipe, data: DataFolder, tmp_path: Path) -> None:
    pinned = json.loads(GOLDEN.read_text())["tiny"]

    curves = tiny_curves(tiny, data, tmp_path)

    assert curves.keys() == pinned.keys()
    for name, losses in curves.items():
        assert losses == pytest.approx(pinned[name], rel=2e-3), name


@pytest.mark.slow
def test_the_demo_recipe(tmp_path: Path) -> None:
    pinned = json.loads(GOLDEN.read_text())["demo"]

    assert demo_curve(tmp_path) == pytest.approx(pinned, rel=2e-3)


def write_golden() -> None:
    """Pin what the code does now."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        data = DataFolder(write_tiny_data(root / "tiny"))
        curves = {
            "tiny": tiny_curves(tiny_recipe(), data, root / "tiny-run"),
            "demo": demo_curve(root / "demo"),
        }
    GOLDEN.write_text(f"{json.dumps(curves, indent=1)}\n")


if __name__ == "__main__":
    write_golden()
