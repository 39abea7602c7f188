"""How fast PASS trains, loads, reads and writes; prints one JSON line a part.

    python -m benchmarks.pass [--device cpu] [--rounds 9] [--batches 8 16] [--without-compile]

Training steps take turns in one process, so that a machine whose speed drifts moves all of them;
medians of the rounds count, and `ratio` is the median of the rounds' own ratios, to a bare backbone
that has all that PASS has; `ratio_to_plain` is to one as torch runs it by default. `spread` is the
slowest round over the fastest one: above 1.2 the machine was busy, and `calm` is false. Loading is
timed on one core. With CUDA, shares of the device's bfloat16 peak are told, the peak being what a
product of large matrices reaches in the same run.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import torch

from benchmarks.pass_steps import (
    Step,
    finished,
    operations,
    peak_operations_per_s,
    variants,
)
from benchmarks.plain_backbone import plain_backbone
from reference_model.data.folders import DataFolder
from reference_model.data.views import Drawn, MultiCrop
from reference_model.engine.processes import Processes, started
from reference_model.engine.run_dir import RunDir
from reference_model.engine.weights import write_weights
from reference_model.networks.resnet import ResNet
from reference_model.recipes import s50
from reference_model.stages import attention, cluster, distance_matching
from reference_model.stages.building import WEIGHTS, attentive, segmenter
from reference_model.stages.pipeline import default_workers
from reference_model.stages.place import Place
from reference_model.stages.reading import Rule, SegmenterRule, write_masks

CALM_SPREAD = 1.2
CATEGORIES, REGIONS = 50, 1000
"""Of S50: what distance matching compares every position with."""
VECTORS = (3091, 512)
PLAIN = "bare_plain"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batches", type=int, nargs="+", default=[8, 16])
    parser.add_argument("--images", type=int, default=48, help="that are read")
    parser.add_argument("--without-compile", action="store_true", help="a compiler is not needed")
    asked = parser.parse_args()
    with started(asked.device) as processes:
        tell(
            "machine", torch=torch.__version__, threads=torch.get_num_threads(), **named(processes)
        )
        for batch in asked.batches:
            compiled = not asked.without_compile and batch == asked.batches[0]
            tell("step", **steps(processes, batch, rounds=asked.rounds, compiled=compiled))
        with tempfile.TemporaryDirectory() as folder:
            for width, height in ((160, 160), (500, 375)):
                tell("loader", **loader(Path(folder) / f"{width}", width, height, asked.rounds))
            tell("reading", **reading(Path(folder), processes, asked.images))
        tell("k_means", **clustering())


def tell(part: str, **found: object) -> None:
    sys.stdout.write(f"{json.dumps({'part': part, **found})}\n")
    sys.stdout.flush()


def named(processes: Processes) -> dict[str, object]:
    if not processes.is_cuda:
        return {"device": "cpu"}
    peak = peak_operations_per_s(processes, lambda work: best_of(work, processes))
    name = torch.cuda.get_device_name(processes.device)
    return {"device": name, "bfloat16_peak_tflops": round(peak / 1e12, 1)}


def seconds(work: Step, processes: Processes) -> float:
    with finished(processes):
        begin = time.perf_counter()
        work()
    return time.perf_counter() - begin


def best_of(work: Step, processes: Processes, rounds: int = 10) -> float:
    return min(seconds(work, processes) for _ in range(rounds))


def steps(processes: Processes, batch: int, *, rounds: int, compiled: bool) -> dict[str, object]:
    """Images a second of each variant, and of PASS beside the bare backbone."""
    works = dict(variants(batch, processes, compiled=compiled))
    times: dict[str, list[float]] = {name: [] for name in (*works, PLAIN)}
    with plain_backbone(processes, batch) as plain:
        takers = {**works, PLAIN: plain}
        first = {name: round(seconds(work, processes), 2) for name, work in takers.items()}
        for number in range(rounds):
            turns = list(takers)[:: -1 if number % 2 else 1]
            for name in turns:
                times[name].append(seconds(takers[name], processes))
    spread = max(max(taken) / min(taken) for taken in times.values())
    middle = {name: median(taken) for name, taken in times.items()}
    flops = operations(works["pass"])
    found: dict[str, object] = {
        "batch": batch,
        "rounds": rounds,
        "seconds": {name: round(value, 3) for name, value in middle.items()},
        "images_per_s": {name: round(batch / value, 2) for name, value in middle.items()},
        "ratio": round(ratio(times["pass"], times["bare"]), 3),
        "ratio_to_plain": round(ratio(times["pass"], times[PLAIN]), 3),
        "gains": gains(times),
        "tflops_per_s": round(flops / middle["pass"] / 1e12, 3),
        "spread": round(spread, 2),
        "calm": rounds > 1 and spread <= CALM_SPREAD,
    }
    if compiled:
        found["seconds_to_compile"] = {
            name: first[name] for name in works if name.endswith("_compiled")
        }
    if processes.is_cuda:
        peak = peak_operations_per_s(processes, lambda work: best_of(work, processes))
        found["share_of_bfloat16_peak"] = round(flops / middle["pass"] / peak, 3)
    return found


def ratio(one: Iterable[float], other: Iterable[float]) -> float:
    return median(a / b for a, b in zip(one, other, strict=True))


def gains(times: dict[str, list[float]]) -> dict[str, float]:
    """How many times faster each choice makes a step."""
    pairs = {
        "all_that_is_chosen": (PLAIN, "bare"),
        "channels_last": ("bare_channels_first", "bare"),
        "fused_optimizer": ("bare_plain_optimizer", "bare"),
        "compiled_pass": ("pass", "pass_compiled"),
        "compiled_bare": ("bare", "bare_compiled"),
    }
    return {
        name: round(ratio(times[without], times[having]), 3)
        for name, (without, having) in pairs.items()
        if without in times and having in times
    }


def loader(folder: Path, width: int, height: int, rounds: int) -> dict[str, object]:
    """Images a second that one core reads, cuts into eight crops and changes in colour."""
    count = 100
    write_images(folder, "train", count, width=width, height=height)
    pretrain = s50().pretrain
    crops = MultiCrop(
        DataFolder(folder).images("train"),
        large=pretrain.large,
        small=pretrain.small,
        photometric=pretrain.photometric,
        seed=0,
    )
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    taken = []
    for epoch in range(rounds):
        begin = time.process_time()
        for index in range(count):
            crops[Drawn(epoch, index)]
        taken.append(time.process_time() - begin)
    cv2.setNumThreads(threads)
    return {"width": width, "height": height, "images_per_s_per_core": round(count / median(taken))}


def reading(folder: Path, processes: Processes, count: int) -> dict[str, object]:
    """Images a second, files of 500 x 375 pixels to vectors or to masks in PNG files."""
    root = folder / "data"
    for split in ("train", "validation"):
        write_images(root, split, count, width=500, height=375)
    recipe = replace(s50(), categories=None)
    run = RunDir(folder / "run")
    run.open_for(recipe)
    workers = default_workers(processes)
    place = Place(run=run, data=DataFolder(root), processes=processes, workers=workers)
    write_weights(run.stage(attention.NAME) / WEIGHTS, attentive(recipe).state_dict())
    stage = run.stage("benchmark")
    images = place.data.images("validation")

    def masks(rule: Rule) -> Callable[[], None]:
        side = recipe.predict.short_side
        return lambda: write_masks(
            stage / "masks", images, rule, short_side=side, threshold=0, stage=stage, place=place
        )

    network = segmenter(recipe, categories=CATEGORIES).eval()
    processes.place(network)
    backbone = ResNet(recipe.backbone.depth).eval()
    processes.place(backbone)
    rng = torch.Generator().manual_seed(0)
    bank = torch.nn.functional.normalize(torch.randn(REGIONS, 512, generator=rng), dim=1)
    neighbours = distance_matching.NeighbourRule(
        backbone,
        bank.to(processes.device),
        (torch.arange(REGIONS) % (CATEGORIES + 1)).to(processes.device),
        settings=recipe.distance_matching,
        classes=CATEGORIES + 1,
    )
    works: dict[str, Callable[[], object]] = {
        "cluster_vectors": lambda: cluster.image_vectors(recipe, place, stage),
        "prediction": masks(SegmenterRule(network, longest_side=recipe.predict.longest_side)),
        "distance_matching": masks(neighbours),
    }
    return {
        "images": count,
        "images_per_s": {name: round(count / best(work), 1) for name, work in works.items()},
    }


def best(work: Callable[[], object], rounds: int = 2) -> float:
    """Of a first and a second time: the first one starts up what is needed."""
    taken = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def clustering() -> dict[str, object]:
    vectors = np.random.default_rng(0).standard_normal(VECTORS, dtype=np.float32)
    labels = s50().labels
    taken = best(lambda: cluster.k_means(vectors, CATEGORIES, labels=labels, seed=0))
    return {"vectors": list(VECTORS), "clusters": CATEGORIES, "seconds": round(taken, 2)}


def write_images(root: Path, split: str, count: int, *, width: int, height: int) -> None:
    """JPEG files with detail on every scale, in one category's folder."""
    rng = np.random.default_rng(0)
    folder = root / split / "n00000001"
    folder.mkdir(parents=True)
    for number in range(count):
        picture = np.full((height, width, 3), 128, np.float32)
        for cells in (3, 12, 48):
            coarse = rng.uniform(-40, 40, (cells, cells, 3)).astype(np.float32)
            picture += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        _, encoded = cv2.imencode(
            ".jpg", picture.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90]
        )
        (folder / f"{split}_{number:04d}.JPEG").write_bytes(encoded.tobytes())


if __name__ == "__main__":
    main()
