import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from client.demo.categories import CATEGORIES
from client.demo.entries import COLOUR, ENTRIES, TEXTURE, Entry, write_entry
from client.demo.scenes import IGNORE

CLASSES = len(CATEGORIES) + 1


@pytest.fixture(scope="module")
def without_test_masks(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a participant has: whoever opens a test mask here fails."""
    copy = tmp_path_factory.mktemp("participant") / "data"
    shutil.copytree(demo, copy, ignore=shutil.ignore_patterns("test-segmentation", "train"))
    return copy


@pytest.fixture(scope="module")
def archives(without_test_masks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archives")
    for entry in ENTRIES:
        write_entry(entry, without_test_masks, folder / f"{entry.slug}.zip")
    return folder


def ids_in(png: bytes) -> NDArray[np.int64]:
    stored = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    assert stored.shape[2] == 3
    assert not stored[..., 0].any()
    return np.asarray(stored[..., 2] + 256 * stored[..., 1].astype(np.int64))


def mean_iou(archive: Path, truth: Path) -> float:
    counts = np.zeros((CLASSES, CLASSES), np.int64)
    with zipfile.ZipFile(archive) as entries:
        for path in truth.rglob("*.png"):
            actual = ids_in(path.read_bytes())
            predicted = ids_in(entries.read(str(path.relative_to(truth))))
            scored = actual != IGNORE
            np.add.at(counts, (actual[scored], predicted[scored]), 1)
    hit = np.diag(counts)
    return float((hit / (counts.sum(axis=0) + counts.sum(axis=1) - hit)).mean())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.slug)
class TestArchive:
    def test_holds_one_mask_of_the_right_size_for_every_image(
        self, demo: Path, archives: Path, entry: Entry
    ) -> None:
        images = {path.relative_to(demo / "test") for path in (demo / "test").rglob("*.JPEG")}
        wanted = {str(image.with_suffix(".png")) for image in images}

        with zipfile.ZipFile(archives / f"{entry.slug}.zip") as archive:
            assert set(archive.namelist()) == wanted | {"method.txt"}
            for name in wanted:
                ids = ids_in(archive.read(name))
                truth = ids_in((demo / "test-segmentation" / name).read_bytes())
                assert ids.shape == truth.shape
                assert ids.max() < CLASSES

    def test_holds_the_six_lines_of_the_method_card(self, archives: Path, entry: Entry) -> None:
        with zipfile.ZipFile(archives / f"{entry.slug}.zip") as archive:
            lines = archive.read("method.txt").decode().splitlines()

        assert [line.split(": ")[0] for line in lines] == [
            "Method name",
            "Training data",
            "Training scheme",
            "Networks",
            "Paper/Project link",
            "Method description",
        ]
        assert lines[0] == f"Method name: {entry.name}"


def test_an_entry_is_the_same_when_made_again(
    without_test_masks: Path, archives: Path, tmp_path: Path
) -> None:
    write_entry(COLOUR, without_test_masks, tmp_path / "again.zip")

    assert (tmp_path / "again.zip").read_bytes() == (archives / "colour-knn.zip").read_bytes()


def test_texture_recognises_what_colour_cannot(demo: Path, archives: Path) -> None:
    texture, colour = (
        mean_iou(archives / f"{entry.slug}.zip", demo / "test-segmentation")
        for entry in (TEXTURE, COLOUR)
    )

    assert texture > 0.4
    assert 0.05 < colour < 0.2
