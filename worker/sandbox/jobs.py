"""The work that is done in children: archives are opened here and nowhere else.

`worker.sandbox.counting` asks for it. Arguments and answers are plain JSON values. What a
participant did wrong is an answer, and so is a damaged truth, which is fetched again.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evaluator import BadPrediction, BadTruth, Limits
from worker.counting import Counting, Material, counting
from worker.sandbox.keeper import Job, Report

PROGRESS_STEPS = 50
Work = Callable[[Counting, Mapping[str, Any], Report], dict[str, Any]]


def _with_archive(work: Work) -> Job:
    """Make a job of what is to be done with an archive and its truth."""

    def job(arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
        said = arguments["material"]
        material = Material(
            archive=Path(said["archive"]),
            truth=Path(said["truth"]),
            truth_version=said["truth_version"],
            classes=said["classes"],
            limits=Limits(**said["limits"]),
        )
        try:
            with counting(material) as counts:
                return work(counts, arguments, report)
        except BadPrediction as bad:
            return {"refused": [finding.to_json() for finding in bad.findings]}
        except BadTruth as bad:
            return {"bad_truth": str(bad)}

    return job


def _inspect(counts: Counting, arguments: Mapping[str, Any], _report: Report) -> dict[str, Any]:
    inspection = counts.inspect(
        protocol=arguments["protocol"], method_name=arguments["method_name"]
    )
    return {
        "findings": [finding.to_json() for finding in inspection.findings],
        "images": inspection.images,
        "classes": inspection.classes,
        "card": None if inspection.card is None else inspection.card.to_json(),
        "match_hash": counts.match_hash if inspection.ok else None,
    }


def _match(counts: Counting, _arguments: Mapping[str, Any], _report: Report) -> dict[str, Any]:
    return {"match_hash": counts.match_hash}


def _count(counts: Counting, arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    def seldom(done: int, total: int) -> None:
        if done % max(1, total // PROGRESS_STEPS) == 0:
            report(done, total)

    counts.count(
        Path(arguments["output"]),
        first=arguments["first"],
        stop=arguments["stop"],
        jobs=arguments["jobs"],
        progress=seldom,
    )
    return {}


JOBS: dict[str, Job] = {
    "inspect": _with_archive(_inspect),
    "match": _with_archive(_match),
    "count": _with_archive(_count),
}
