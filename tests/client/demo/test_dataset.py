import csv
import json
from collections import Counter
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from client.demo import dataset
from client.demo.categories import CATEGORIES
from client.demo.scenes import IGNORE

Ids = NDArray[np.int64]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    splits = tuple(
        dataset.Split(folder=split.folder, images_per_category=2, masks_per_category=1)
        for split in dataset.SPLITS
    )
    monkeypatch.setattr(dataset, "SPLITS", splits)
    monkeypatch.setattr(dataset, "TRAIN", splits[0])


def files(root: Path, folder: str) -> list[Path]:
    return sorted(path for path in (root / folder).rglob("*") if path.is_file())


def ids_of(path: Path) -> Ids:
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    assert stored.dtype == np.uint8
    assert stored.shape[2] == 3
    assert not stored[..., 0].any()
    return np.asarray(stored[..., 2] + 256 * stored[..., 1].astype(np.int64))


def image_of(root: Path, mask: Path) -> NDArray[np.uint8]:
    folder = mask.parts[-3].removesuffix("-segmentation")
    image = cv2.imread(str(root / folder / mask.parts[-2] / f"{mask.stem}.JPEG"))
    assert image is not None
    return np.asarray(image, np.uint8)


def digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


class TestLayout:
    @pytest.mark.parametrize(
        ("folder", "number"),
        [
            ("train", 1200),
            ("train-semi", 80),
            ("train-semi-segmentation", 80),
            ("validation", 120),
            ("validation-segmentation", 120),
            ("test", 160),
            ("test-segmentation", 160),
        ],
    )
    def test_every_folder_has_its_images_in_one_folder_per_tag(
        self, demo: Path, folder: str, number: int
    ) -> None:
        found = files(demo, folder)
        suffix = ".png" if folder.endswith("segmentation") else ".JPEG"

        assert len(found) == number
        assert {path.suffix for path in found} == {suffix}
        assert {path.parent.name for path in found} == {c.tag for c in CATEGORIES}

    def test_the_rank_of_a_sorted_tag_is_the_category_id(self) -> None:
        ranked = sorted(CATEGORIES, key=lambda category: category.tag)

        assert [category.id for category in ranked] == list(range(1, len(CATEGORIES) + 1))

    def test_annotated_training_images_are_training_images(self, demo: Path) -> None:
        for path in files(demo, "train-semi"):
            twin = demo / "train" / path.relative_to(demo / "train-semi")

            assert path.read_bytes() == twin.read_bytes()

    def test_names_give_each_tag_its_name_and_id(self, demo: Path) -> None:
        with (demo / "names.csv").open(newline="") as lines:
            rows = [(row["wnid"], row["name"], int(row["id"])) for row in csv.DictReader(lines)]

        assert rows == [(c.tag, c.name, c.id) for c in CATEGORIES]

    def test_the_origin_says_how_to_make_it_again(self, demo: Path) -> None:
        origin = json.loads((demo / "origin.json").read_text())

        assert origin == {"made_by": "luss demo-data", "version": dataset.VERSION, "seed": 0}

    def test_images_have_sides_of_96_to_160_pixels_and_masks_of_their_size(
        self, demo: Path
    ) -> None:
        for mask in files(demo, "test-segmentation"):
            image = image_of(demo, mask)

            assert image.shape[:2] == ids_of(mask).shape
            assert min(image.shape[:2]) >= 96
            assert max(image.shape[:2]) <= 160


class TestMasks:
    @pytest.mark.parametrize("folder", ["train-semi", "validation", "test"])
    def test_hold_their_own_category_and_nothing_unknown(self, demo: Path, folder: str) -> None:
        known = {0, IGNORE, *(category.id for category in CATEGORIES)}
        id_of = {category.tag: category.id for category in CATEGORIES}

        for path in files(demo, f"{folder}-segmentation"):
            found = set(np.unique(ids_of(path)).tolist())
            assert id_of[path.parent.name] in found, path
            assert found <= known
            assert len(found - {0, IGNORE}) in {1, 2}

    @pytest.mark.parametrize("folder", ["validation", "test"])
    def test_hold_ignore_strips_but_not_everywhere(self, demo: Path, folder: str) -> None:
        masks = [ids_of(path) for path in files(demo, f"{folder}-segmentation")]
        with_strips = sum(bool((ids == IGNORE).any()) for ids in masks)
        share = sum((ids == IGNORE).sum() for ids in masks) / sum(ids.size for ids in masks)

        assert 0.4 < with_strips / len(masks) < 0.9
        assert 0.001 < share < 0.05

    @pytest.mark.parametrize("folder", ["validation", "test"])
    def test_all_four_object_sizes_are_well_represented(self, demo: Path, folder: str) -> None:
        bins: Counter[str] = Counter()
        for path in files(demo, f"{folder}-segmentation"):
            ids = ids_of(path)
            scored = int((ids != IGNORE).sum())
            for category in set(np.unique(ids).tolist()) - {0, IGNORE}:
                percent = -(-100 * int((ids == category).sum()) // scored)
                limits = {"S": 5, "MS": 25, "ML": 50, "L": 100}
                bins[next(name for name, limit in limits.items() if percent <= limit)] += 1

        assert min(bins[name] for name in ("S", "MS", "ML", "L")) >= 12, bins

    def test_training_images_are_taken_for_their_object(self, demo: Path) -> None:
        id_of = {category.tag: category.id for category in CATEGORIES}
        masks = {path: ids_of(path) for path in files(demo, "train-semi-segmentation")}
        shares = [float((ids == id_of[path.parent.name]).mean()) for path, ids in masks.items()]
        alone = [len(set(np.unique(ids).tolist()) - {0, IGNORE}) == 1 for ids in masks.values()]

        assert min(shares) > 0.1
        assert 0.3 < np.mean(shares) < 0.45
        assert np.mean(alone) > 0.8


class TestSeed:
    @pytest.mark.usefixtures("tiny")
    def test_the_same_seed_makes_the_same_bytes(self, tmp_path: Path) -> None:
        dataset.write_demo_data(tmp_path / "one", seed=3)
        dataset.write_demo_data(tmp_path / "two", seed=3)

        assert digests(tmp_path / "one") == digests(tmp_path / "two")

    @pytest.mark.usefixtures("tiny")
    def test_another_seed_makes_other_images(self, tmp_path: Path) -> None:
        dataset.write_demo_data(tmp_path / "one", seed=3)
        dataset.write_demo_data(tmp_path / "two", seed=4)

        one, two = (set(digests(tmp_path / name).values()) for name in ("one", "two"))
        assert len(one & two) == 1  # names.csv


class TestInterruption:
    @pytest.mark.usefixtures("tiny")
    def test_leaves_nothing_that_looks_finished(self, tmp_path: Path) -> None:
        def interrupt(done: int, _total: int) -> None:
            if done == 7:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            dataset.write_demo_data(tmp_path / "data", seed=0, progress=interrupt)

        assert list(tmp_path.iterdir()) == []

    def test_a_full_folder_is_never_written_into(self, tmp_path: Path) -> None:
        (tmp_path / "mine.txt").write_text("keep me")

        with pytest.raises(dataset.DestinationExistsError, match="not an empty folder"):
            dataset.write_demo_data(tmp_path, seed=0)
        assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

    @pytest.mark.usefixtures("tiny")
    def test_an_empty_folder_is_filled(self, tmp_path: Path) -> None:
        folder = tmp_path / "empty"
        folder.mkdir()

        dataset.write_demo_data(folder, seed=0)

        assert (folder / "names.csv").exists()
        assert [path.name for path in tmp_path.iterdir()] == ["empty"]


Examples = tuple[NDArray[np.float64], NDArray[np.int64]]


def described(demo: Path, folder: str) -> dict[str, Examples]:
    """Three descriptions of each main object, cut out by its mask: position, colour, texture."""
    rows: dict[str, list[NDArray[np.float64]]] = {"position": [], "colour": [], "texture": []}
    labels = []
    id_of = {category.tag: category.id for category in CATEGORIES}
    for path in files(demo, f"{folder}-segmentation"):
        image = image_of(demo, path)
        inside = ids_of(path) == id_of[path.parent.name]
        rows["position"].append(np.argwhere(inside).mean(axis=0) / inside.shape)
        rows["colour"].append(image[inside].mean(axis=0))
        rows["texture"].append(binary_patterns(image, inside))
        labels.append(id_of[path.parent.name])
    return {kind: (np.array(vectors), np.array(labels)) for kind, vectors in rows.items()}


def binary_patterns(image: NDArray[np.uint8], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Histogram of local binary patterns at two radii: which neighbours are brighter."""
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (0, 0), 0.8)
    histograms = []
    for radius in (1, 3):
        code = np.zeros(grey.shape, np.int64)
        for bit, (down, right) in enumerate(
            [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]
        ):
            neighbour = np.roll(grey, (down * radius, right * radius), (0, 1))
            code |= (neighbour.astype(int) > grey.astype(int) + 3).astype(np.int64) << bit
        codes = rotation_invariant(code[inside])
        histograms.append(np.bincount(codes, minlength=256) / codes.size)
    return np.sqrt(np.concatenate(histograms))


def rotation_invariant(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    turns = [(codes >> k | codes << (8 - k)) & 255 for k in range(8)]
    return np.asarray(np.minimum.reduce(turns))


def whole_colours(demo: Path, folder: str) -> Examples:
    paths = files(demo, folder)
    images = [cv2.imread(str(path)) for path in paths]
    id_of = {category.tag: category.id for category in CATEGORIES}
    return (
        np.array([image.mean(axis=(0, 1)) for image in images if image is not None]),
        np.array([id_of[path.parent.name] for path in paths]),
    )


def nearest_mean_accuracy(train: Examples, test: Examples) -> float:
    means = np.array([train[0][train[1] == c.id].mean(axis=0) for c in CATEGORIES])
    distances = ((test[0][:, None] - means[None]) ** 2).sum(axis=2)
    return float((distances.argmin(axis=1) + 1 == test[1]).mean())


def nearest_neighbour_accuracy(train: Examples, test: Examples) -> float:
    distances = ((test[0][:, None] - train[0][None]) ** 2).sum(axis=2)
    return float((train[1][distances.argmin(axis=1)] == test[1]).mean())


@pytest.fixture(scope="module")
def examples(demo: Path) -> dict[str, tuple[Examples, Examples]]:
    train = described(demo, "train-semi")
    parts = [described(demo, folder) for folder in ("validation", "test")]
    return {
        kind: (
            train[kind],
            (
                np.concatenate([part[kind][0] for part in parts]),
                np.concatenate([part[kind][1] for part in parts]),
            ),
        )
        for kind in train
    }


class TestWhatTellsCategoriesApart:
    """Chance is 10 %; 280 images are classified by the 80 annotated training images."""

    @pytest.mark.parametrize("kind", ["position", "colour"])
    def test_position_and_mean_colour_tell_nothing(
        self, examples: dict[str, tuple[Examples, Examples]], kind: str
    ) -> None:
        assert nearest_mean_accuracy(*examples[kind]) < 0.17
        assert nearest_neighbour_accuracy(*examples[kind]) < 0.17

    def test_the_mean_colour_of_a_whole_image_tells_nothing(self, demo: Path) -> None:
        train, test = (whole_colours(demo, folder) for folder in ("train", "test"))

        assert nearest_mean_accuracy(train, test) < 0.17
        assert nearest_neighbour_accuracy(train, test) < 0.17

    def test_texture_tells_a_lot(self, examples: dict[str, tuple[Examples, Examples]]) -> None:
        assert nearest_neighbour_accuracy(*examples["texture"]) > 0.5
