"""What a finished run found, in one line."""

import json
from pathlib import Path
from typing import Any

from reference_model.stages import cluster, predict, threshold


def summary(out: Path, entry: str) -> str:
    """The validation scores of an entry beside the score of no object at all.

    Args:
        out: the run's folder.
        entry: the stage that wrote the entry; after a whole run its clusters and its threshold
            are told, too.
    """
    facts = _facts(out, entry)
    if not facts["scores"]:
        return "Nothing was scored: validation was not predicted, or it has no masks here."
    scores = facts["scores"]
    parts = [
        f"validation mIoU {scores['miou']:.2f} (all other: {facts['all_other_miou']:.2f})",
        f"boundary mIoU {scores['bmiou']:.2f}",
        f"image accuracy {scores['img_acc']:.1f}",
    ]
    if entry == predict.NAME:
        clusters, chosen = _facts(out, cluster.NAME), _facts(out, threshold.NAME)
        if clusters["nmi"] is not None:
            parts.append(f"NMI of clusters and folders {clusters['nmi']:.3f}")
        if chosen["threshold"] is not None:
            parts.append(f"threshold {chosen['threshold']:.2f} ({chosen['choice']})")
    return ", ".join(parts)


def _facts(out: Path, stage: str) -> Any:
    return json.loads((out / stage / "done.json").read_text(encoding="utf-8"))
