"""Time and peak memory of resampling, at the size of ImageNet-S test; prints one JSON line.

    python -m benchmarks.uncertainty [--quick]

Each figure is taken in a process of its own that reads tallies from a file: all resamples of one
prediction, a comparison of two, and all resamples of noise (every pixel another category), of
which there are fewer images because what matters there is that memory does not grow.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.simulated_runs import SPLITS, Images, Method, SimulatedTallies, noise, tallies_of
from evaluator import Resamples, Tallies, compare, concatenate, resample, scores_of

TASKS = ("scores", "resamples", "comparison")
NOISY_IMAGES = (500, 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="S50 size instead of S919")
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    found = (
        _measured(chosen.task, chosen.files)
        if chosen.task
        else _everything(*SPLITS["s50" if chosen.quick else "s919"])
    )
    sys.stdout.write(f"{json.dumps(found)}\n")


def _everything(images: int, classes: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        runs = _simulated(Path(folder), images=images, classes=classes)
        noises = [_noise(Path(folder), count, classes=classes) for count in NOISY_IMAGES]
        return {
            "images": images,
            "classes": classes,
            "megabytes": [round(path.stat().st_size / 1e6, 1) for path in runs],
            "scores": _apart("scores", runs[:1]),
            "resamples": _apart("resamples", runs[:1]),
            "comparison": _apart("comparison", runs),
            "noise": {
                count: _apart("resamples", [path])
                for count, path in zip(NOISY_IMAGES, noises, strict=True)
            },
        }


def _simulated(folder: Path, *, images: int, classes: int) -> list[Path]:
    rng = np.random.default_rng(0)
    split = Images.drawn(images, classes=classes, rng=rng)
    a = Method.drawn(classes, missed=0.1, rng=rng)
    paths = [folder / "a", folder / "b"]
    for seed, (method, path) in enumerate(zip((a, a.improved(0.1, rng=rng)), paths, strict=True)):
        groups = tallies_of(split, method, seed=seed)
        concatenate([SimulatedTallies(groups, images=images, classes=classes)], output=path)
    return paths


def _noise(folder: Path, images: int, *, classes: int) -> Path:
    path = folder / f"noise-{images}"
    groups = noise(images, classes=classes, seed=0)
    concatenate([SimulatedTallies(groups, images=images, classes=classes)], output=path)
    return path


def _apart(task: str, files: list[Path]) -> dict[str, object]:
    """What a process of its own measures."""
    command = [sys.executable, "-m", "benchmarks.uncertainty", "--task", task, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def _measured(task: str, files: list[Path]) -> dict[str, object]:
    first, *others = [Tallies.read(path) for path in files]
    start = time.perf_counter()
    if task == "scores":
        scores_of(first)
    elif task == "resamples":
        resample(first, Resamples.of_tallies(first))
    else:
        compare(first, *others)
    seconds = time.perf_counter() - start
    peak_bytes = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": round(seconds, 2), "peak_mb": round(peak_bytes / 1e6)}


if __name__ == "__main__":
    main()
