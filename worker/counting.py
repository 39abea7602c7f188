"""What touches a participant's bytes: here the archive is read and its masks are counted.

Paths and plain values go in, plain values and files come out. No database, store or setting is
known here, so that all of it can run in a process that has none of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evaluator import (
    BadTruth,
    Inspection,
    Limits,
    MatchMap,
    Prediction,
    Truth,
    inspect_prediction,
    open_prediction,
    open_truth,
    read_match,
    take_tallies,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a submission is scored from."""

    archive: Path
    truth: Path
    """The pack, not a folder of masks."""
    truth_version: str
    classes: int
    limits: Limits


class Counting:
    """An archive opened beside its truth; `counting` makes it."""

    def __init__(self, prediction: Prediction, truth: Truth) -> None:
        self._prediction = prediction
        self._truth = truth
        self._match: MatchMap | None = None
        self._is_match_read = False

    @property
    def match_hash(self) -> str:
        """Content hash of the match map, empty when there is none."""
        match = self._match_map()
        return "" if match is None else match.content_hash

    def inspect(self, *, protocol: str, method_name: str | None) -> Inspection:
        """Tell everything that shows without decoding pixels; ``method_name`` is the form's."""
        inspection = inspect_prediction(
            self._prediction,
            manifest=self._truth.manifest,
            classes=self._truth.classes,
            protocol=protocol,
            method_name=method_name,
        )
        self._match, self._is_match_read = inspection.match, True
        return inspection

    def count(
        self,
        output: Path,
        *,
        first: int = 0,
        stop: int | None = None,
        jobs: int,
        progress: Callable[[int, int], None],
    ) -> None:
        """Write the tallies of the images from ``first`` to before ``stop``, in sorted order.

        Raises:
            evaluator.BadPrediction: images cannot be read; all of the range are told.
        """
        take_tallies(
            self._prediction,
            self._truth,
            match=self._match_map(),
            names=self._truth.names[first:stop],
            output=output,
            jobs=jobs,
            progress=progress,
        )

    def _match_map(self) -> MatchMap | None:
        if not self._is_match_read:
            manifest, classes = self._truth.manifest, self._truth.classes
            self._match = read_match(self._prediction, manifest=manifest, classes=classes)
            self._is_match_read = True
        return self._match


def open_pack(pack: Path, *, classes: int, version: str) -> Truth:
    """Open a packed truth, and see that it is the one by whose version it is kept.

    Its version is a hash of what its images say; that they still say so is seen as they are read.

    Raises:
        evaluator.BadTruth: it is no pack, or another truth.
    """
    truth = open_truth(pack, classes=classes)
    if truth.version != version:
        truth.close()
        raise BadTruth(
            f"the vault has truth {truth.version} by the name of {version}; "
            "`luss admin dataset` puts the right one there"
        )
    return truth


@contextmanager
def counting(material: Material) -> Iterator[Counting]:
    """Open an archive for as much inspecting and counting as is wanted.

    Raises:
        evaluator.BadPrediction: it is no zip, or its table of contents cannot be trusted.
        evaluator.BadTruth: the pack is damaged, or another truth.
    """
    with (
        open_pack(
            material.truth, classes=material.classes, version=material.truth_version
        ) as truth,
        open_prediction(material.archive, limits=material.limits) as prediction,
    ):
        yield Counting(prediction, truth)
