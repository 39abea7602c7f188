"""Whole runs: all steps of PASS one after the other, and the protocols that start from weights."""

import hashlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from reference_model.data.folders import BadData, DataFolder
from reference_model.engine.errors import Interrupted, Refused, RunStopped
from reference_model.engine.loop import CHECKPOINT_SECONDS, Rhythm
from reference_model.engine.processes import DeviceName, Processes, started
from reference_model.engine.run_dir import RunDir, Status
from reference_model.recipes import Recipe
from reference_model.stages import (
    attention,
    cluster,
    distance_matching,
    finetune,
    predict,
    pretrain,
    pseudo_labels,
    semi_supervised,
    threshold,
)
from reference_model.stages.place import Place, categories

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

STAGES = (pretrain, attention, cluster, threshold, pseudo_labels, finetune, predict)
"""Modules with a NAME and `run(recipe, place)`, in their order."""

Protocol = Literal["distance-matching", "semi-supervised"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
"""Those that start from weights."""


def run(
    recipe: Recipe,
    *,
    data: Path,
    out: Path,
    device: DeviceName = "auto",
    workers: int | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> None:
    """Run every stage that is not done yet; the entry's zips are in `<out>/predict`.

    Args:
        workers: processes that load images; by default as many as fit the machine.
        checkpoint_seconds: of a training that are lost at most when the process is killed.

    Raises:
        RunStopped: refused, diverged or interrupted; the status file says so, too.
    """
    with place_of(
        recipe,
        data=data,
        out=out,
        device=device,
        workers=workers,
        checkpoint_seconds=checkpoint_seconds,
    ) as at:
        categories(recipe, at)
        for stage in STAGES:
            stage.run(recipe, at)


def pretrain_only(recipe: Recipe, *, data: Path, out: Path, device: DeviceName = "auto") -> None:
    """Run the first stage if it is not done yet, for protocols that start from its weights."""
    with place_of(recipe, data=data, out=out, device=device) as place:
        pretrain.run(recipe, place)


@dataclass(frozen=True, slots=True, kw_only=True)
class FromWeights:
    """What a run that starts from weights depends on, as its folder keeps it."""

    recipe: Recipe
    weights_sha256: str
    method: str
    split: str | None


def run_from_weights(
    protocol: Protocol,
    recipe: Recipe,
    *,
    weights: Path,
    method: str,
    data: Path,
    out: Path,
    device: DeviceName = "auto",
    workers: int | None = None,
    split: str | None = None,
) -> None:
    """Predict by a protocol that starts from a backbone; the zips are in `<out>/<protocol>`.

    Args:
        weights: a safetensors file of any backbone that `networks.foreign` understands.
        method: name of the method, for the entry's card.
        split: the only one to predict; by default all that are there.

    Raises:
        RunStopped: as for `run`.
    """
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    settings = FromWeights(recipe=recipe, weights_sha256=digest, method=method, split=split)
    stage = distance_matching if protocol == distance_matching.NAME else semi_supervised
    with place_of(settings, data=data, out=out, device=device, workers=workers) as place:
        stage.run(recipe, place, weights=weights, name=method, only=split)


@contextmanager
def place_of(
    settings: "DataclassInstance",
    *,
    data: Path,
    out: Path,
    device: DeviceName,
    workers: int | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Iterator[Place]:
    """A place for a run, whose end is told in the status file, whatever it is.

    Args:
        settings: what the run depends on; kept in the folder.
    """
    with started(device) as processes:
        run_dir = RunDir(out, writes=processes.is_first)
        run_dir.open_for(settings)
        place = Place(
            run=run_dir,
            data=DataFolder(data),
            processes=processes,
            workers=default_workers(processes) if workers is None else workers,
            rhythm=Rhythm(
                log_steps=10 if processes.is_cuda else 1, checkpoint_seconds=checkpoint_seconds
            ),
        )
        try:
            with _ended_by_signals():
                yield place
        except BadData as error:
            run_dir.report(Status(state="failed", message=str(error)))
            raise Refused(str(error)) from error
        except Interrupted as stopped:
            run_dir.report(Status(state="interrupted", message=str(stopped)))
            raise
        except RunStopped as stopped:
            run_dir.report(Status(state="failed", message=str(stopped), fault=stopped.fault))
            raise
        except BaseException as error:
            run_dir.report(Status(state="failed", message=repr(error)))
            raise
        run_dir.report(Status(state="finished"))


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Between trainings, SIGTERM ends the run as in them: its stage is begun anew later."""

    def end(number: int, _: object) -> None:
        raise Interrupted(f"Stopped by {signal.Signals(number).name} between two trainings")

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def default_workers(processes: Processes) -> int:
    """Loading beside a GPU takes processes; on the CPU it would only take its time away."""
    if not processes.is_cuda:
        return 0
    return max(1, len(os.sched_getaffinity(0)) // processes.ranks - 1)
