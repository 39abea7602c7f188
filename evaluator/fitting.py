"""From a prediction and the truth to a match map, in one call."""

import os
from dataclasses import dataclass

from evaluator.archive import open_prediction
from evaluator.counting import take_tallies
from evaluator.diagnosis import Diagnosis, diagnosis_of
from evaluator.findings import Code, Finding, shortened
from evaluator.in_order import Progress
from evaluator.matching import Matching, matching_from
from evaluator.overlap import overlap_of
from evaluator.protocol import DEFAULT_LIMITS, MATCH_FILE, Limits
from evaluator.truth import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The default map of a prediction, and what is known about it."""

    matching: Matching
    diagnosis: Diagnosis
    images: int
    classes: int
    scorer_version: str
    truth_version: str
    warnings: tuple[Finding, ...]

    def to_json(self) -> dict[str, object]:
        return {
            **self.matching.to_json(),
            "diagnosis": self.diagnosis.to_json(),
            "images": self.images,
            "classes": self.classes,
            "scorer_version": self.scorer_version,
            "truth_version": self.truth_version,
            "warnings": [finding.to_json() for finding in self.warnings],
        }


def fit_match(
    prediction_path: str | os.PathLike[str],
    truth: Truth,
    *,
    limits: Limits = DEFAULT_LIMITS,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Fit:
    """Fit the default map of a zip archive or a folder of masks.

    A match.json in it is not read: the masks' own ids are what is matched.

    Args:
        limits: what an archive may ask of this machine.
        jobs: threads that decode and count.
        progress: called after each image.

    Raises:
        BadPrediction: it cannot be counted; everything that is wrong is told.
        BadTruth: the packed truth is damaged.
        OSError: a file cannot be read.
    """
    with open_prediction(prediction_path, limits=limits) as prediction:
        tallies = take_tallies(prediction, truth, jobs=jobs, progress=progress)
        layout = prediction.layout(truth.names)
    overlap = overlap_of(tallies)
    matching = matching_from(overlap)
    return Fit(
        matching=matching,
        diagnosis=diagnosis_of(overlap, matching.match),
        images=tallies.images,
        classes=truth.classes,
        scorer_version=tallies.origin.scorer_version,
        truth_version=tallies.origin.truth_version,
        warnings=(
            *shortened(layout.findings()),
            *([] if layout.match_file is None else [_not_read()]),
            *tallies.warnings(),
        ),
    )


def _not_read() -> Finding:
    why = "the prediction's own map was not read: the ids in its masks are matched afresh"
    return Finding.of(Code.MATCH_OVERRIDDEN, why, file=MATCH_FILE)
