"""Weights, checkpoints, status and losses on the disk."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from reference_model.engine.checkpoints import Checkpoints, Trained
from reference_model.engine.errors import Refused
from reference_model.engine.losses import LossLog
from reference_model.engine.optim import Larc
from reference_model.engine.processes import Processes
from reference_model.engine.run_dir import RunDir, Status
from reference_model.engine.schedules import Cosine, momentum_share
from reference_model.engine.weights import read_facts, read_weights, write_weights


def trained(own: bool = True) -> Trained:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    network.to(memory_format=torch.channels_last)
    return Trained(
        shared={"network": network},
        own={"queue": nn.BatchNorm1d(2)} if own else {},
        optimizer=Larc(network.parameters(), lr=0.1),
    )


def step(training: Trained) -> None:
    training.optimizer.zero_grad()
    training.shared["network"](torch.ones(2, 3, 5, 5)).square().sum().backward()
    training.optimizer.step()


class TestCheckpoints:
    def checkpoints(self, folder: Path, rank: int = 0, ranks: int = 1) -> Checkpoints:
        here = Checkpoints(folder, Processes(torch.device("cpu"), rank=rank, ranks=1))
        here._processes = Processes(torch.device("cpu"), rank=rank, ranks=ranks)
        return here

    def test_bring_back_every_tensor(self, tmp_path: Path) -> None:
        before, after = trained(), trained()
        step(before)
        self.checkpoints(tmp_path).save(before, 1)

        assert self.checkpoints(tmp_path).load(after) == 1
        step(before)
        step(after)

        one, other = (t.shared["network"].state_dict() for t in (before, after))
        assert all(torch.equal(one[name], other[name]) for name in one)

    def test_keep_the_layout_of_memory(self, tmp_path: Path) -> None:
        """Fused optimisers walk through memory: momentum must lie as its parameter does."""
        before, after = trained(), trained()
        step(before)
        self.checkpoints(tmp_path).save(before, 1)
        self.checkpoints(tmp_path).load(after)

        for parameter, state in after.optimizer.state.items():
            assert state["momentum_buffer"].stride() == parameter.stride()

    def test_keep_only_the_newest(self, tmp_path: Path) -> None:
        training = trained()
        for number in (1, 2, 10):
            self.checkpoints(tmp_path).save(training, number)

        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "checkpoint-10.safetensors",
            "own-0-10.safetensors",
        ]

    def test_count_only_when_all_processes_wrote(self, tmp_path: Path) -> None:
        training = trained()
        self.checkpoints(tmp_path).save(training, 3)

        assert self.checkpoints(tmp_path, ranks=2)._newest(with_own=True) == 0

    def test_start_at_nothing(self, tmp_path: Path) -> None:
        assert self.checkpoints(tmp_path).load(trained()) == 0


class TestWeights:
    def test_carry_facts(self, tmp_path: Path) -> None:
        path = tmp_path / "w.safetensors"
        write_weights(path, {"a": torch.ones(2)}, step=3)

        assert read_facts(path) == {"step": 3}
        assert read_weights(path)["a"].tolist() == [1, 1]

    def test_refuse_a_pickle(self, tmp_path: Path) -> None:
        path = tmp_path / "w.pth"
        torch.save({"a": torch.ones(2)}, path)

        with pytest.raises(Refused, match="can run code"):
            read_weights(path)


class TestRunDir:
    def test_status_is_lines_of_json(self, tmp_path: Path) -> None:
        run = RunDir(tmp_path)
        run.report(Status(state="running", stage="pretrain", step=3, steps=9, loss=1.5))
        run.report(Status(state="finished"))

        lines = [json.loads(line) for line in (tmp_path / "status.jsonl").read_text().splitlines()]
        assert [line["state"] for line in lines] == ["running", "finished"]
        assert lines[0]["loss"] == 1.5
        assert set(lines[0]) == {
            *("time", "state", "stage", "step", "steps", "loss", "seconds_left", "message", "fault")
        }

    def test_other_processes_write_nothing(self, tmp_path: Path) -> None:
        RunDir(tmp_path, writes=False).report(Status(state="running"))

        assert list(tmp_path.iterdir()) == []


class TestLosses:
    def test_lines_after_the_checkpoint_are_dropped(self, tmp_path: Path) -> None:
        stage = RunDir(tmp_path).stage("pretrain")
        log = LossLog(stage, 0)
        for number in (1, 2, 3):
            log.add(number, {"total": float(number)})
        with (tmp_path / "pretrain" / "losses.jsonl").open("a") as file:
            file.write('{"step": 4, "to')  # killed while it wrote

        LossLog(stage, 2).add(3, {"total": 9.0})

        lines = (tmp_path / "pretrain" / "losses.jsonl").read_text().splitlines()
        assert [json.loads(line) for line in lines] == [
            {"step": 1, "total": 1.0},
            {"step": 2, "total": 2.0},
            {"step": 3, "total": 9.0},
        ]


class TestSchedules:
    def test_cosine_warms_up_and_ends_at_its_final_rate(self) -> None:
        rate = Cosine(base=1.0, final=0.1, steps=20, warmup=10, start=0.5)

        assert [rate(0), rate(5), rate(10)] == [0.5, 0.75, 1.0]
        assert rate(15) == pytest.approx(0.55)
        assert rate(20) == pytest.approx(0.1)

    def test_momentum_goes_from_its_first_share_to_one(self) -> None:
        assert momentum_share(0, 10) == pytest.approx(0.99)
        assert momentum_share(5, 10) == pytest.approx(0.995)
        assert momentum_share(10, 10) == 1
