"""Time of the default matching at the size of ImageNet-S validation; prints one JSON line.

    python -m benchmarks.matching [--rounds 5] [--noise-images 2000]

Tallies are read from a file and matched; medians of the rounds, in seconds. `sane` is a method that
errs as methods do; `noise` (every pixel another id) makes each image hold every id, which is the
most that reading and solving can cost an image.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.simulated_runs import Images, Method, SimulatedTallies, noise, tallies_of
from evaluator import Tallies, concatenate, matching_of
from evaluator.tally import TallyGroup

IMAGES, CLASSES = 12_419, 919


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--noise-images", type=int, default=2_000)
    asked = parser.parse_args()
    rng = np.random.default_rng(0)
    split = Images.drawn(IMAGES, classes=CLASSES, rng=rng)
    sane = tallies_of(split, Method.drawn(CLASSES, missed=0.1, rng=rng), seed=0)
    noisy = noise(asked.noise_images, classes=CLASSES, seed=0)
    found = {
        "categories": CLASSES,
        "sane": _timed(sane, images=IMAGES, rounds=asked.rounds),
        "noise": _timed(noisy, images=asked.noise_images, rounds=1),
    }
    sys.stdout.write(f"{json.dumps(found)}\n")


def _timed(groups: Iterator[TallyGroup], *, images: int, rounds: int) -> dict[str, object]:
    simulated = SimulatedTallies(groups, images=images, classes=CLASSES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tallies"
        concatenate([simulated], output=path)
        seconds = []
        for _ in range(rounds):
            begin = time.perf_counter()
            matching_of(Tallies.read(path))
            seconds.append(time.perf_counter() - begin)
        megabytes = round(path.stat().st_size / 1e6, 1)
    return {"images": images, "megabytes": megabytes, "seconds": round(median(seconds), 2)}


if __name__ == "__main__":
    main()
