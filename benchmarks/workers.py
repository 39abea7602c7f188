"""What the service costs beside bare scoring, and what a second worker brings.

    python -m benchmarks.workers [--images 1000] [--archives 12] [--rounds 3] [--s50-images 1682]

Prints three JSON lines in about five minutes: `throughput`, `latency`, and `targets`, which says of
each target what was found, what is wanted and whether that is met.

Throughput compares one core with one core. Two sites run (`luss stack`), one with a worker and one
with two; a worker is one process that scores one archive at a time with one thread. Rounds of the
same archives take turns:

* `luss score --jobs 1`, one archive after another, each from the start of the command to its end;
* the same scoring in one process that has been started before (`warm`): the site need not start
  Python either, so this is the stricter comparison;
* all archives sent to the site with one worker, and to that with two: from the first byte sent to
  the last score recorded. Receiving, database and broker have the other core to themselves while
  one worker scores, and share both cores with two. A round has a beginning and an end in which
  not all workers have work; with few archives, that is what one would measure.

Latency is that of single archives of the size of S50's test split: `luss score` with all cores, and
a site whose one worker scores with all cores, from the first byte sent until the board has the row.
`first` is the first submission that this site ever had.

Medians of the rounds are told. `calm` is false, and the figures mean nothing, if two bare scores
ran beside each other less than 1.8 times as fast as one after the other, or a single one had less
than nine tenths of a core.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

sys.path[0] = str(Path(__file__).parents[1])  # the folder of this file has modules of other names

from benchmarks.evaluator import CALM_SCALING, CLASSES, make_set
from evaluator import evaluate, open_truth
from tests.support.stack import LUSS, NativeStack, native_stack_in
from tests.support.waiting import eventually

SUBSET = "bench"
BOARD = f"/api/v1/boards/fully-unsupervised/{SUBSET}/test"
LONGEST_SECONDS = 900
ASK_EVERY_SECONDS = 0.5  # seldom: asking costs the site what it could score with
CALM_SHARE = 0.9
MOST_OVERHEAD, LEAST_SCALING, MOST_LATENCY, LATENCY_START_SECONDS = 0.15, 1.7, 1.5, 1.0
Times = dict[str, list[float]]
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Masks:
    """A seeded set: an archive, and the truth that it is scored against."""

    archive: Path
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
        yield Masks(folder / "prediction.zip", pack, images)


def bare(masks: Masks, *, jobs: int | None) -> float:
    """Return the seconds that `luss score` takes, start to end; no jobs means all cores."""
    words = [masks.archive, "--truth", masks.pack, "--classes", str(CLASSES), "--json"]
    begin = time.perf_counter()
    subprocess.run(
        [LUSS, "score", *words, *([] if jobs is None else ["--jobs", str(jobs)])],
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - begin


def share_of_a_core(masks: Masks) -> float:
    """Return what part of a core one bare score gets: all of it on a calm machine."""
    before = _processor_seconds()
    taken = bare(masks, jobs=1)
    return (_processor_seconds() - before) / taken


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def two_bare(masks: Masks) -> float:
    """Return the seconds that two of them take beside each other."""
    begin = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: bare(masks, jobs=1), range(2)))
    return time.perf_counter() - begin


def warm(masks: Masks, archives: int) -> float:
    """Return the seconds that scoring takes in a process that has started and scored before."""
    words = [str(masks.pack), str(masks.archive), str(archives)]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.workers", "--score-warm", *words],
        cwd=Path(__file__).parents[1],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(run.stdout)


def score_warm(pack: str, archive: str, archives: int) -> float:
    def score() -> None:
        with open_truth(pack, classes=CLASSES) as truth:
            evaluate(archive, truth, jobs=1)

    score()
    begin = time.perf_counter()
    for _ in range(archives):
        score()
    return time.perf_counter() - begin


def through(stack: NativeStack, masks: Masks, archives: int) -> float:
    """Return the seconds from the first byte sent until the last of so many has its scores."""
    content = masks.archive.read_bytes()
    begin = time.time()
    sent = [stack.send(content, subset=SUBSET, method_name="bench") for _ in range(archives)]
    ended = [stack.final(each, seconds=LONGEST_SECONDS, every=ASK_EVERY_SECONDS) for each in sent]
    if wrong := [each for each in ended if each["state"] != "scored"]:
        raise AssertionError(wrong[0])
    return max(datetime.fromisoformat(each["finished_at"]).timestamp() for each in ended) - begin


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
    """Run a site whose workers have reported, and which has scored nothing yet."""
    with native_stack_in(workers=workers, **settings) as stack:
        stack.register(SUBSET, masks.pack, classes=CLASSES)
        eventually(
            lambda: stack.get("/api/v1/status")["workers"] == workers,
            seconds=LONGEST_SECONDS,
            what="the workers",
        )
        yield stack


def throughput(images: int, archives: int, rounds: int) -> Figures:
    with ExitStack() as running:
        masks = running.enter_context(masks_of(images))
        sites = {
            count: running.enter_context(site(masks, workers=count, LUSS_SCORING_JOBS="1"))
            for count in (1, 2)
        }
        for count, stack in sites.items():
            through(stack, masks, 2 * count)  # first times are not what is measured here
        works: dict[str, Callable[[], float]] = {
            "share": lambda: share_of_a_core(masks),
            "alone": lambda: bare(masks, jobs=1),
            "beside": lambda: two_bare(masks),
            "bare": lambda: sum(bare(masks, jobs=1) for _ in range(archives)),
            "warm": lambda: warm(masks, archives),
            "1": lambda: through(sites[1], masks, archives),
            "2": lambda: through(sites[2], masks, archives),
        }
        times: Times = {name: [] for name in works}
        for _ in range(rounds):
            for name, work in works.items():
                times[name].append(work())
    scaling = 2 * ratio(times, "alone", "beside")
    share = median(times["share"])
    told = ("bare", "warm", "1", "2")
    per_second = {name: archives * images / median(times[name]) for name in told}
    return {
        "images": images,
        "archives": archives,
        "rounds": rounds,
        "images_per_s": {name: round(per_second[name], 1) for name in told},
        "submissions_per_minute": {name: round(60 * per_second[name] / images, 1) for name in told},
        "overhead": round(ratio(times, "1", "bare") - 1, 3),
        "overhead_beside_warm": round(ratio(times, "1", "warm") - 1, 3),
        "worker_scaling": round(ratio(times, "1", "2"), 2),
        "bare_scaling": round(scaling, 2),
        "share_of_a_core": round(share, 2),
        "calm": scaling >= CALM_SCALING and share >= CALM_SHARE,
    }


def latency(images: int, rounds: int) -> Figures:
    with masks_of(images) as masks, site(masks, workers=1) as stack:
        first = to_the_board(stack, masks, method="first")
        times: Times = {"bare": [], "board": []}
        for number in range(rounds):
            times["bare"].append(bare(masks, jobs=None))
            times["board"].append(to_the_board(stack, masks, method=f"method {number}"))
    bare_seconds = median(times["bare"])
    times["beyond_1_s"] = [each - LATENCY_START_SECONDS for each in times["board"]]
    return {
        "images": images,
        "rounds": rounds,
        "bare_s": round(bare_seconds, 2),
        "board_s": round(median(times["board"]), 2),
        "first_s": round(first, 2),
        "board_less_1_s_by_bare": round(ratio(times, "beyond_1_s", "bare"), 2),
        "first_less_1_s_by_bare": round((first - LATENCY_START_SECONDS) / bare_seconds, 2),
    }


def ratio(times: Times, above: str, below: str) -> float:
    """Return the median of the rounds' ratios: what slows a whole round changes none of them."""
    return median(a / b for a, b in zip(times[above], times[below], strict=True))


def targets(found: Figures, waited: Figures) -> Figures:
    """Hold the figures against what is wanted of them."""
    scaling = found["worker_scaling"]
    return {
        "overhead": _below(MOST_OVERHEAD, found["overhead"]),
        "worker_scaling": {
            "found": scaling,
            "at_least": LEAST_SCALING,
            "met": scaling >= LEAST_SCALING,
        },
        **{
            f"{each}_less_1_s_by_bare": _below(MOST_LATENCY, waited[f"{each}_less_1_s_by_bare"])
            for each in ("board", "first")
        },
        "calm": found["calm"],
    }


def _below(most: float, found: float) -> Figures:
    return {"found": found, "below": most, "met": found < most}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--archives", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--s50-images", type=int, default=1682)
    parser.add_argument("--score-warm", nargs=3, metavar=("PACK", "ZIP", "TIMES"))
    asked = parser.parse_args()
    if asked.score_warm:
        pack, archive, archives = asked.score_warm
        print(score_warm(pack, archive, int(archives)))
        return
    if asked.archives % 2:
        parser.error("two workers need an even number of archives to be busy alike")
    found = throughput(asked.images, asked.archives, asked.rounds)
    print(json.dumps({"throughput": found}), flush=True)
    waited = latency(asked.s50_images, asked.rounds)
    print(json.dumps({"latency": waited}), flush=True)
    print(json.dumps({"targets": targets(found, waited)}))


if __name__ == "__main__":
    main()
