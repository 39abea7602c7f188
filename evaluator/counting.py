"""From masks to tallies: every image of a prediction counted against the truth."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial

import numpy as np

from evaluator.archive import Layout, Prediction, missing_image
from evaluator.errors import BadPrediction
from evaluator.findings import Finding, Severity, shortened
from evaluator.in_order import Progress, in_order
from evaluator.label_map import LabelRuns, half_width
from evaluator.masks import IdPlane
from evaluator.match_map import ClassTable, MatchMap, table_of
from evaluator.pixel_passes import NotDistinct, classes_of, tally_columns
from evaluator.protocol import IGNORE, MAX_GENERATED_ID, SCORER_VERSION
from evaluator.tally import ImageTally, Origin, Tallies, written
from evaluator.truth import Truth

_THEMSELVES = np.arange(MAX_GENERATED_ID + 1, dtype=np.uint16)


def take_tallies(
    prediction: Prediction,
    truth: Truth,
    *,
    match: MatchMap | None = None,
    names: Sequence[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Tallies:
    """Count a prediction against the truth, image by image.

    Args:
        match: what generated ids stand for; without it ids are truth ids.
        names: images to count, a shard of the split; all of them by default.
        output: where the tallies go, whole or not at all; by default a temporary file that goes
            with the returned object.
        jobs: threads that decode and count.

    Raises:
        BadPrediction: images are missing or cannot be read; all of them are told.
        BadTruth: the packed truth is damaged.
    """
    layout = prediction.layout(truth.names)
    wanted = truth.names if names is None else tuple(names)
    _refuse_incomplete(prediction, layout, wanted)
    table = table_of(match, truth.classes)
    origin = Origin(
        classes=truth.classes,
        scorer_version=SCORER_VERSION,
        truth_version=truth.version,
        match_hash="" if match is None else match.content_hash,
        archive_hash=prediction.content_hash,
    )
    work = partial(_taken, prediction=prediction, layout=layout, truth=truth, table=table)
    with closing(in_order(work, wanted, jobs=jobs)) as taken:
        return written(_sound(taken, total=len(wanted), progress=progress), origin, output)


def _taken(
    name: str, *, prediction: Prediction, layout: Layout, truth: Truth, table: ClassTable
) -> ImageTally | Finding:
    """The tally of one image, or why there is none."""
    ids = prediction.mask(layout.masks[name], name=name, size=truth.manifest[name])
    if isinstance(ids, Finding):
        return ids
    return _tally(name, truth.label_runs(name), ids, table)


def _tally(name: str, truth: LabelRuns, ids: IdPlane, table: ClassTable) -> ImageTally:
    reach = half_width(*ids.shape)
    runs = truth.lengths, truth.cells, truth.labels
    classes, outside = table.classes, table.outside
    try:
        columns = tally_columns(*runs, ids, reach, classes, table.distinct, outside, IGNORE)
    except NotDistinct:
        joined, themselves = classes_of(ids, classes), _THEMSELVES
        columns = tally_columns(*runs, joined, reach, themselves, themselves.size, outside, IGNORE)
    return ImageTally(name, *columns)


def _sound(
    taken: Iterable[ImageTally | Finding], *, total: int, progress: Progress | None
) -> Iterator[ImageTally]:
    """The tallies, and at the end an exception if any image had a fault instead of one."""
    faults: list[Finding] = []
    for done, tally in enumerate(taken, start=1):
        if isinstance(tally, Finding):
            faults.append(tally)
        elif not faults:
            yield tally
        if progress is not None:
            progress(done, total)
    if faults:
        raise BadPrediction(shortened(faults))


def _refuse_incomplete(prediction: Prediction, layout: Layout, wanted: Sequence[str]) -> None:
    lacking = set(wanted).difference(layout.masks)
    faults = [fault for fault in prediction.findings if fault.severity is Severity.ERROR]
    faults += shortened(missing_image(name) for name in sorted(lacking))
    if faults:
        raise BadPrediction(faults)
