"""What the service costs beside bare scoring, and what a second worker brings.

Prints one JSON line. `luss stack` runs twice, with one worker and with two, each of which scores
with one thread. Rounds of the same archives take turns: scored by `luss score` one after another,
through the site with one worker, through the site with two; medians of the rounds are reported.
Then single archives of the size of S50's test split, all processors for each: from the first byte
sent to the row on the board.

`bare_scaling` says how well two bare scores run beside each other here: below 1.8 the machine was
busy, and `calm` is false.

    python benchmarks/workers.py [--images 1000] [--archives 6] [--rounds 3] [--s50-images 1682]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path[0] = str(Path(__file__).parents[1])  # the folder of this file has modules of other names

from benchmarks.evaluator import CALM_SCALING, CLASSES, make_set
from tests.support.stack import LUSS, NativeStack, native_stack_in
from tests.support.waiting import eventually

SUBSET = "bench"
BOARD = f"/api/v1/boards/fully-unsupervised/{SUBSET}/test"
LONGEST_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Masks:
    """A seeded set: the archive, and its truth as a folder and packed."""

    archive: Path
    folder: Path
    pack: Path
    images: int


@contextmanager
def masks_of(images: int) -> Iterator[Masks]:
    with tempfile.TemporaryDirectory(prefix="luss-bench-") as name:
        folder = Path(name)
        make_set(folder, images)
        pack = folder / "truth.pack"
        words = [folder / "truth", "--classes", str(CLASSES), "-o", pack]
        subprocess.run([LUSS, "pack", *words], check=True, capture_output=True)
        yield Masks(folder / "prediction.zip", folder / "truth", pack, images)


def bare(masks: Masks, *, jobs: int | None) -> float:
    """Return the seconds that `luss score` takes, start to end; no jobs means all processors."""
    words = [masks.archive, "--truth", masks.pack, "--classes", str(CLASSES), "--json"]
    begin = time.perf_counter()
    subprocess.run(
        [LUSS, "score", *words, *([] if jobs is None else ["--jobs", str(jobs)])],
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - begin


def bare_in_a_row(masks: Masks, archives: int) -> float:
    return sum(bare(masks, jobs=1) for _ in range(archives))


def two_bare(masks: Masks) -> float:
    """Return the seconds that two of them take beside each other."""
    begin = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: bare(masks, jobs=1), range(2)))
    return time.perf_counter() - begin


def through(stack: NativeStack, masks: Masks, archives: int) -> float:
    """Return the seconds from the first byte sent until all of so many submissions are scored."""
    content = masks.archive.read_bytes()
    begin = time.perf_counter()
    sent = [stack.send(content, subset=SUBSET, method_name="bench") for _ in range(archives)]
    ended = [stack.final(each, seconds=LONGEST_SECONDS) for each in sent]
    taken = time.perf_counter() - begin
    if wrong := [each for each in ended if each["state"] != "scored"]:
        raise AssertionError(wrong[0])
    return taken


def to_the_board(stack: NativeStack, masks: Masks, *, method: str) -> float:
    """Return the seconds from the first byte sent until the board has the row."""
    content = masks.archive.read_bytes()
    begin = time.perf_counter()
    public_id = stack.send(content, subset=SUBSET, method_name=method)
    eventually(
        lambda: any(row["submission"] == public_id for row in stack.get(BOARD)["rows"]),
        seconds=LONGEST_SECONDS,
        what="the row on the board",
    )
    return time.perf_counter() - begin


@contextmanager
def site(masks: Masks, *, workers: int, **settings: str) -> Iterator[NativeStack]:
    """Run a site that has scored something already: first times are not what is measured."""
    with native_stack_in(workers=workers, **settings) as stack:
        stack.register(SUBSET, masks.folder, classes=CLASSES)
        through(stack, masks, 2 * workers)
        yield stack


def throughput(images: int, archives: int, rounds: int) -> dict[str, object]:
    with ExitStack() as running:
        masks = running.enter_context(masks_of(images))
        sites = [
            running.enter_context(site(masks, workers=count, LUSS_SCORING_JOBS="1"))
            for count in (1, 2)
        ]
        times: dict[str, list[float]] = {"alone": [], "beside": [], "bare": [], "1": [], "2": []}
        for _ in range(rounds):
            times["alone"].append(bare(masks, jobs=1))
            times["beside"].append(two_bare(masks))
            times["bare"].append(bare_in_a_row(masks, archives))
            for count, stack in zip(("1", "2"), sites, strict=True):
                times[count].append(through(stack, masks, archives))
    middle = {name: median(values) for name, values in times.items()}
    scaling = 2 * middle["alone"] / middle["beside"]
    return {
        "images": images,
        "archives": archives,
        "rounds": rounds,
        "bare_images_per_s": round(archives * images / middle["bare"], 1),
        **{
            key: value
            for count in ("1", "2")
            for key, value in {
                f"images_per_s_{count}": round(archives * images / middle[count], 1),
                f"submissions_per_minute_{count}": round(60 * archives / middle[count], 1),
            }.items()
        },
        "overhead": round(_ratio(times["1"], times["bare"]) - 1, 3),
        "worker_scaling": round(_ratio(times["1"], times["2"]), 2),
        "bare_scaling": round(scaling, 2),
        "calm": scaling >= CALM_SCALING,
    }


def latency(images: int, rounds: int) -> dict[str, object]:
    with masks_of(images) as masks, site(masks, workers=1) as stack:
        scored, boarded = [], []
        for number in range(rounds):
            scored.append(bare(masks, jobs=None))
            boarded.append(to_the_board(stack, masks, method=f"method {number}"))
    return {
        "s50_images": images,
        "s50_bare_s": round(median(scored), 2),
        "s50_board_s": round(median(boarded), 2),
        "s50_board_after_1_s": round(_ratio([each - 1 for each in boarded], scored), 2),
    }


def _ratio(above: list[float], below: list[float]) -> float:
    """Return the median of the rounds' ratios: what slows a whole round changes none of them."""
    return median(a / b for a, b in zip(above, below, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--archives", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--s50-images", type=int, default=1682)
    asked = parser.parse_args()
    result = throughput(asked.images, asked.archives, asked.rounds)
    print(json.dumps({**result, **latency(asked.s50_images, asked.rounds)}))


if __name__ == "__main__":
    main()
