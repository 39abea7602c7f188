"""The work that is done in children: archives are opened here and nowhere else.

`worker.sandbox.counting` asks for it.
Arguments and answers are plain JSON values. What a participant did wrong is an answer; exceptions
are ours.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluator import BadPrediction, Limits
from worker.counting import Material, counting
from worker.sandbox.keeper import Job, Report

PROGRESS_STEPS = 50


def _material(said: Mapping[str, Any]) -> Material:
    return Material(
        archive=Path(said["archive"]),
        truth=Path(said["truth"]),
        classes=said["classes"],
        limits=Limits(**said["limits"]),
    )


def _inspect(arguments: Mapping[str, Any], _report: Report) -> dict[str, Any]:
    try:
        with counting(_material(arguments["material"])) as counts:
            inspection = counts.inspect(
                protocol=arguments["protocol"], method_name=arguments["method_name"]
            )
    except BadPrediction as bad:
        return _refusal(bad)
    return {
        "findings": [finding.to_json() for finding in inspection.findings],
        "images": inspection.images,
        "classes": inspection.classes,
        "card": None if inspection.card is None else inspection.card.to_json(),
    }


def _match(arguments: Mapping[str, Any], _report: Report) -> dict[str, Any]:
    try:
        with counting(_material(arguments["material"])) as counts:
            return {"match_hash": counts.match_hash}
    except BadPrediction as bad:
        return _refusal(bad)


def _count(arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    def seldom(done: int, total: int) -> None:
        if done == total or done % max(1, total // PROGRESS_STEPS) == 0:
            report(done, total)

    try:
        with counting(_material(arguments["material"])) as counts:
            counts.count(
                Path(arguments["output"]),
                first=arguments["first"],
                stop=arguments["stop"],
                jobs=arguments["jobs"],
                progress=seldom,
            )
    except BadPrediction as bad:
        return _refusal(bad)
    return {}


def _refusal(bad: BadPrediction) -> dict[str, Any]:
    return {"refused": [finding.to_json() for finding in bad.findings]}


JOBS: dict[str, Job] = {"inspect": _inspect, "match": _match, "count": _count}
