"""How fast scoring is, beside merely decoding the same PNGs from the same zip.

Prints one JSON line. Decoding and scoring take turns in one process, with 1 and with 2 jobs, so
that a machine whose speed drifts moves both; medians of the rounds are reported. `decode_scaling`
says how well two bare decoders run beside each other here: below 1.8 the machine was busy, and
`calm` is false.

    python benchmarks/evaluator.py                      its own seeded masks, 1 000 of 500 x 375
    python benchmarks/evaluator.py --truth DIR --prediction ZIP --classes N
    python benchmarks/evaluator.py --memory             peak memory with 2 000 and 20 000 images
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray

sys.path[0] = str(Path(__file__).parents[1])  # this file has the name of the package it measures

from evaluator import IGNORE, encode_mask, open_prediction, open_truth, pack_truth, take_tallies
from evaluator.in_order import in_order
from evaluator.masks import largest_mask_bytes

HEIGHT, WIDTH, CLASSES = 375, 500, 50
CALM_SCALING = 1.8
JOBS = (1, 2)


def blob(rng: np.random.Generator, share: float) -> NDArray[np.bool_]:
    """Draw one wobbly object that covers about this share of the image."""
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    wobble = sum(
        rng.normal(0, 0.15) * np.cos((k + 2) * angles + rng.uniform(0, 6.28)) for k in range(6)
    )
    radius = np.sqrt(share * HEIGHT * WIDTH / np.pi) * (1 + wobble)
    centre = rng.uniform(0.3, 0.7, 2) * (WIDTH, HEIGHT)
    outline = centre + radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(drawn, [outline.astype(np.int32)], 1)
    return drawn.astype(bool)


def pair_of_masks(rng: np.random.Generator) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Draw a truth with one to three objects, and a prediction that is nearly it."""
    truth = np.zeros((HEIGHT, WIDTH), np.uint16)
    for category in rng.choice(CLASSES, size=1 + rng.integers(0, 3), replace=False) + 1:
        truth[blob(rng, rng.choice([0.02, 0.05, 0.12, 0.2, 0.35, 0.6]))] = category
    prediction = np.roll(truth, tuple(rng.integers(-12, 13, 2)), axis=(0, 1))
    prediction[blob(rng, 0.03)] = rng.integers(0, CLASSES + 1)
    truth[blob(rng, 0.005)] = IGNORE
    return truth, prediction


def make_set(folder: Path, images: int, *, noise: bool = False, distinct: int = 200) -> None:
    """Write `images` masks into folder/truth and folder/prediction.zip; some content repeats."""
    rng = np.random.default_rng(1)
    content = []
    for _ in range(min(images, distinct)):
        truth, prediction = pair_of_masks(rng)
        if noise:
            prediction = rng.integers(0, CLASSES + 1, prediction.shape).astype(np.uint16)
        content.append((encode_mask(truth), encode_mask(prediction)))
    masks = folder / "truth" / "n00000001"
    masks.mkdir(parents=True)
    with zipfile.ZipFile(folder / "prediction.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(images):
            truth_png, prediction_png = content[index % len(content)]
            name = f"ILSVRC2012_val_{index:08d}.png"
            (masks / name).write_bytes(truth_png)
            archive.writestr(f"{masks.name}/{name}", prediction_png)


def decode_all(archive: Path, manifest: dict[str, tuple[int, int]], jobs: int) -> None:
    """Read every mask from the zip and decode it, and nothing else."""
    with open_prediction(archive) as prediction:
        layout = prediction.layout(manifest)

        def decode(name: str) -> int:
            height, width = manifest[name]
            png = prediction.read(layout.masks[name], limit_bytes=largest_mask_bytes(height, width))
            return imagecodecs.png_decode(png).size

        for _ in in_order(decode, list(manifest), jobs=jobs):
            pass


def score_all(archive: Path, pack: Path, classes: int, jobs: int) -> None:
    """Score the archive against packed truth, as far as tallies: what costs time."""
    with open_truth(pack, classes=classes) as truth, open_prediction(archive) as prediction:
        take_tallies(prediction, truth, jobs=jobs)


def seconds(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def speed(archive: Path, truth_folder: Path, classes: int, rounds: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "truth.pack"
        pack_truth(truth_folder, pack, classes=classes)
        with open_truth(pack, classes=classes) as truth:
            manifest = dict(truth.manifest)
        works: dict[str, Callable[[], None]] = {}
        for jobs in JOBS:
            works[f"decode_{jobs}"] = lambda jobs=jobs: decode_all(archive, manifest, jobs)
            works[f"score_{jobs}"] = lambda jobs=jobs: score_all(archive, pack, classes, jobs)
        times: dict[str, list[float]] = {name: [] for name in works}
        for work in works.values():
            work()
        for _ in range(rounds):
            for name, work in works.items():
                times[name].append(seconds(work))
    mid = {name: median(values) for name, values in times.items()}
    scaling = mid["decode_1"] / mid["decode_2"]
    return {
        "images": len(manifest),
        "rounds": rounds,
        **{f"{name}_images_per_s": round(len(manifest) / value, 1) for name, value in mid.items()},
        **{
            f"ratio_{jobs}": round(
                median(
                    d / s
                    for d, s in zip(times[f"decode_{jobs}"], times[f"score_{jobs}"], strict=True)
                ),
                3,
            )
            for jobs in JOBS
        },
        "score_scaling": round(mid["score_1"] / mid["score_2"], 2),
        "decode_scaling": round(scaling, 2),
        "calm": scaling >= CALM_SCALING,
    }


def peak_megabytes(images: int, *, noise: bool) -> float:
    """Measure the peak memory of scoring alone, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        make_set(Path(folder), images, noise=noise, distinct=40)
        pack = Path(folder) / "truth.pack"
        pack_truth(Path(folder) / "truth", pack, classes=CLASSES)
        run = subprocess.run(
            [sys.executable, __file__, "--score-once", pack, Path(folder) / "prediction.zip"],
            capture_output=True,
            text=True,
            check=True,
        )
    return float(run.stdout)


def score_once(pack: Path, archive: Path) -> None:
    score_all(archive, pack, CLASSES, jobs=2)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--prediction", type=Path)
    parser.add_argument("--classes", type=int, default=CLASSES)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--score-once", nargs=2, type=Path, metavar=("PACK", "ZIP"))
    asked = parser.parse_args()
    if asked.score_once:
        score_once(*asked.score_once)
        return
    if asked.memory:
        result: dict[str, object] = {
            f"peak_mb_{images}{'_noise' if noise else ''}": round(
                peak_megabytes(images, noise=noise)
            )
            for images, noise in ((2_000, False), (20_000, False), (2_000, True))
        }
    elif asked.truth:
        result = speed(asked.prediction, asked.truth, asked.classes, asked.rounds)
    else:
        with tempfile.TemporaryDirectory() as folder:
            make_set(Path(folder), asked.images, distinct=asked.images)
            archive, truth = Path(folder) / "prediction.zip", Path(folder) / "truth"
            result = speed(archive, truth, CLASSES, asked.rounds)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
