"""Whether PASS learns on a data set: its protocols beside trivial baselines; prints JSON lines.

    python -m benchmarks.pass_learning --recipe demo --data DIR --out DIR [--seeds 1 2 3]
        [--variants pass untrained] [--protocols fully-unsupervised distance-matching]

`untrained` goes the same way with the weights as drawn: pre-training takes no step. `swav` and
`swav+p2p` leave terms of pre-training out, as the paper's ablation does. A line for each run has
its validation mIoU beside that of "other" everywhere; the last lines have the range over the seeds
of each variant and protocol, and whether it lies above all of those of `untrained`. Runs that are
there already are not run again, so a run that was stopped goes on. Seeds can be shared among
processes; on one thread each (OMP_NUM_THREADS=1) a run is the same again, to the bit.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

from reference_model.engine.processes import DeviceName
from reference_model.recipes import RECIPES, Recipe
from reference_model.stages import predict, pretrain
from reference_model.stages.building import WEIGHTS
from reference_model.stages.pipeline import PROTOCOLS, pretrain_only, run, run_from_weights

UNTRAINED, UNSUPERVISED = "untrained", "fully-unsupervised"
VARIANTS = ("pass", UNTRAINED, "swav", "swav+p2p")
Found = dict[tuple[str, str], list[float]]
"""Validation mIoU of the seeds, by protocol and variant."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", choices=sorted(RECIPES), required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=["pass", UNTRAINED])
    parser.add_argument(
        "--protocols",
        nargs="+",
        choices=(UNSUPERVISED, *PROTOCOLS),
        default=[UNSUPERVISED, *PROTOCOLS],
    )
    parser.add_argument("--device", choices=get_args(DeviceName), default="auto")
    asked = parser.parse_args()
    found: Found = {}
    for seed in asked.seeds:
        for name in asked.variants:
            recipe = variant(replace(RECIPES[asked.recipe](), seed=seed), name)
            folder = asked.out / f"{name}-{seed}"
            for protocol in asked.protocols:
                begun = time.process_time()
                facts = entry(protocol, recipe, data=asked.data, out=folder, device=asked.device)
                miou = facts["scores"]["miou"]
                found.setdefault((protocol, name), []).append(miou)
                tell(
                    variant=name,
                    seed=seed,
                    protocol=protocol,
                    miou=round(miou, 2),
                    all_other=round(facts["all_other_miou"], 2),
                    cpu_seconds=round(time.process_time() - begun, 1),
                )
    for line in ranges(found):
        tell(**line)


def tell(**line: object) -> None:
    sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.flush()


def variant(recipe: Recipe, name: str) -> Recipe:
    """The recipe with some of what its pre-training learns from left out."""
    settings = recipe.pretrain
    if name == UNTRAINED:
        settings = replace(settings, training=replace(settings.training, epochs=0))
    elif name == "swav":
        settings = replace(settings, pixel_term=None, shallow_stages=())
    elif name == "swav+p2p":
        settings = replace(settings, shallow_stages=())
    return replace(recipe, pretrain=settings)


def entry(
    protocol: str, recipe: Recipe, *, data: Path, out: Path, device: DeviceName
) -> Mapping[str, object]:
    """Run a protocol, or go on with it; returns what its entry found."""
    if protocol == UNSUPERVISED:
        run(recipe, data=data, out=out, device=device)
        return facts(out / predict.NAME)
    pretrain_only(recipe, data=data, out=out, device=device)
    folder = out.with_name(f"{out.name}-{protocol}")
    run_from_weights(
        protocol,
        recipe,
        weights=out / pretrain.NAME / WEIGHTS,
        method=f"{recipe.name} {out.name}",
        data=data,
        out=folder,
        device=device,
    )
    return facts(folder / protocol)


def facts(folder: Path) -> Mapping[str, object]:
    found: Mapping[str, object] = json.loads((folder / "done.json").read_text(encoding="utf-8"))
    return found


def ranges(found: Found) -> list[dict[str, object]]:
    """Least and largest mIoU of each variant; whether all of them beat all untrained ones."""
    lines: list[dict[str, object]] = []
    for (protocol, name), mious in found.items():
        line: dict[str, object] = {
            "variant": name,
            "protocol": protocol,
            "seeds": len(mious),
            "least": round(min(mious), 2),
            "largest": round(max(mious), 2),
        }
        untrained = found.get((protocol, UNTRAINED))
        if untrained and name != UNTRAINED:
            line["above_untrained"] = min(mious) > max(untrained)
        lines.append(line)
    return lines


if __name__ == "__main__":
    main()
