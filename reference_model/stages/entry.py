"""From masks to an entry: the text files, the zip, and a check that it would be taken."""

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

from evaluator import (
    OTHER,
    MethodCard,
    check_prediction,
    evaluate,
    matching_of,
    open_prediction,
    open_truth,
    overlap_of,
    take_tallies,
    write_match,
)
from evaluator.atomic_file import replacing
from evaluator.method_card import LABELS
from evaluator.protocol import MATCH_FILE, METHOD_FILE
from reference_model.data.folders import TEST, VALIDATION, DataFolder, ImageFile
from reference_model.data.pictures import OpenPicture
from reference_model.engine.errors import Refused
from reference_model.engine.run_dir import StageDir
from reference_model.stages.place import Place
from reference_model.stages.reading import Rule, write_masks

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip: the same masks make the same bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Where a stage puts masks, and how entries are made of them."""

    stage: StageDir
    data: DataFolder
    classes: int
    protocol: str
    card: MethodCard
    matched: bool
    """Whether ids are the model's own and have to be matched on validation masks."""
    only: str | None = None
    """The split to predict; None for all that are there."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Splits that are predicted."""
        return splits(self.data) if self.only is None else (self.only,)

    def masks(self, split: str) -> Path:
        return self.stage / split

    def predict(self, rule: Rule, *, short_side: int, place: Place, threshold: float = 0.0) -> None:
        """Write this process' share of the masks of every split that is wanted."""
        for split in self.splits:
            write_masks(
                self.masks(split),
                self.data.images(split),
                rule,
                short_side=short_side,
                threshold=threshold,
                stage=self.stage,
                place=place,
            )

    def finish(self) -> dict[str, object]:
        """Write `<split>.zip` for every split that was predicted; returns what validation says.

        That is `scores`, and `all_other_miou`: what a prediction without any object would get.

        Raises:
            Refused: an entry would not be taken, which is a fault of this code.
        """
        if self.matched:
            self._match()
        for split in self.splits:
            (self.masks(split) / METHOD_FILE).write_text(method_text(self.card), encoding="utf-8")
            archive = self.stage / f"{split}.zip"
            zip_folder(self.masks(split), archive)
            self._check(archive, self.data.images(split))
        return self._scores()

    def _match(self) -> None:
        """Match on validation and put the map beside the masks of every split."""
        with (
            open_truth(self.data.masks(VALIDATION), classes=self.classes) as truth,
            open_prediction(self.masks(VALIDATION)) as prediction,
        ):
            match = matching_of(take_tallies(prediction, truth)).match
        for split in self.splits:
            write_match(match, self.masks(split) / MATCH_FILE)

    def _check(self, archive: Path, images: tuple[ImageFile, ...]) -> None:
        manifest = {image.mask_name: _size(image) for image in images}
        with open_prediction(archive) as prediction:
            checked = check_prediction(
                prediction, manifest=manifest, classes=self.classes, protocol=self.protocol
            )
        if not checked.ok:
            faults = "; ".join(finding.message for finding in checked.errors)
            raise Refused(f"{archive} would be rejected: {faults}")

    def _scores(self) -> dict[str, object]:
        if VALIDATION not in self.splits or not self.data.has(f"{VALIDATION}-segmentation"):
            return {"scores": {}}
        with open_truth(self.data.masks(VALIDATION), classes=self.classes) as truth:
            result = evaluate(self.stage / f"{VALIDATION}.zip", truth)
        self.stage.write_json("validation.json", result.to_json())
        pixels = overlap_of(result.tallies).pixels.sum(axis=1)
        return {
            "scores": result.scores.headline(),
            "all_other_miou": float(100 * pixels[OTHER] / pixels.sum() / len(pixels)),
        }


def splits(data: DataFolder) -> tuple[str, ...]:
    """Splits of the data set that are predicted."""
    return tuple(split for split in (VALIDATION, TEST) if data.has(split))


def method_text(card: MethodCard) -> str:
    """A method.txt as the official scripts write it: six lines, no newline at the end."""
    answers = {field.name: getattr(card, field.name) or "null" for field in fields(card)}
    return "\n".join(f"{LABELS[name]}: {answer}" for name, answer in answers.items())


def zip_folder(folder: Path, archive: Path) -> None:
    """Put everything below `folder` at the root of a zip, whole or not at all."""
    with replacing(archive) as partial, zipfile.ZipFile(partial, "w") as target:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            target.writestr(zipfile.ZipInfo(name, _EPOCH), path.read_bytes())


def _size(image: ImageFile) -> tuple[int, int]:
    picture = OpenPicture(image.path)
    return picture.height, picture.width
