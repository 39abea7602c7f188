"""Where training was when it was written down, to the bit.

One safetensors file holds the state of every module and the momentum of every parameter; what a
rank keeps for itself (its queue) goes into a file of its own. Names carry the step, and a
checkpoint counts only when all its files are there, so a process may die at any moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from reference_model.engine.optim import laid_out
from reference_model.engine.processes import Processes
from reference_model.engine.weights import read_facts, read_weights, write_weights


@dataclass(frozen=True, slots=True)
class Trained:
    """Everything that a step changes."""

    shared: Mapping[str, nn.Module]
    """Alike in all processes."""
    own: Mapping[str, nn.Module]
    """Of this process alone."""
    optimizer: Optimizer


class Checkpoints:
    """The newest checkpoint in a folder."""

    def __init__(self, folder: Path, processes: Processes) -> None:
        self._folder, self._processes = folder, processes

    def save(self, trained: Trained, step: int) -> None:
        """Write down the state after `step` steps, and drop older ones."""
        if trained.own:
            write_weights(self._own(step, self._processes.rank), _state(trained.own), step=step)
        self._processes.wait()
        if self._processes.is_first:
            tensors, numbers = _optimizer_state(trained.optimizer)
            tensors.update(_state(trained.shared))
            write_weights(self._main(step), tensors, step=step, optimizer=numbers)
            self._drop_all_but(step)
        self._processes.wait()

    def load(self, trained: Trained) -> int:
        """Bring everything to the newest checkpoint; returns the steps taken, 0 without one."""
        step = self._newest(with_own=bool(trained.own))
        if step == 0:
            return 0
        tensors = read_weights(self._main(step))
        _restore(trained.shared, tensors)
        if trained.own:
            _restore(trained.own, read_weights(self._own(step, self._processes.rank)))
        _restore_optimizer(trained.optimizer, tensors, read_facts(self._main(step))["optimizer"])
        return step

    def _newest(self, *, with_own: bool) -> int:
        steps = [int(path.stem.rpartition("-")[2]) for path in self._folder.glob("checkpoint-*")]
        whole = [
            step
            for step in steps
            if not with_own
            or all(self._own(step, rank).exists() for rank in range(self._processes.ranks))
        ]
        return max(whole, default=0)

    def _drop_all_but(self, step: int) -> None:
        kept = {self._main(step), *self._folder.glob(f"own-*-{step}.safetensors")}
        for path in (*self._folder.glob("checkpoint-*"), *self._folder.glob("own-*")):
            if path not in kept:
                path.unlink()

    def _main(self, step: int) -> Path:
        return self._folder / f"checkpoint-{step}.safetensors"

    def _own(self, step: int, rank: int) -> Path:
        return self._folder / f"own-{rank}-{step}.safetensors"


def _state(modules: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    return {
        f"{name}.{key}": tensor
        for name, module in modules.items()
        for key, tensor in module.state_dict().items()
    }


def _restore(modules: Mapping[str, nn.Module], tensors: Mapping[str, Tensor]) -> None:
    for name, module in modules.items():
        start = f"{name}."
        module.load_state_dict(
            {key.removeprefix(start): t for key, t in tensors.items() if key.startswith(start)}
        )


def _optimizer_state(optimizer: Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by name, and the numbers that are no tensors."""
    tensors, numbers = {}, {}
    for index, state in optimizer.state_dict()["state"].items():
        for key, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
            elif value is not None:
                numbers[f"optimizer.{index}.{key}"] = value
    return tensors, numbers


def _restore_optimizer(
    optimizer: Optimizer, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]
) -> None:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    restored: dict[int, dict[str, Any]] = {}
    for name, value in (*tensors.items(), *numbers.items()):
        origin, _, rest = name.partition(".")
        if origin == "optimizer":
            index, _, key = rest.partition(".")
            parameter = parameters[int(index)]
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                value = laid_out(value, like=parameter)  # noqa: PLW2901
            restored.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": restored})
