import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluator import BadTruth, open_truth, pack_truth
from tests.support.masks import Ids, boundary_of, label_plane, write_folder


@pytest.fixture
def masks() -> dict[str, Ids]:
    """Three masks; one holds more ids than a byte can tell apart."""
    rng = np.random.default_rng(0)
    return {
        "n2/c.png": np.full((3, 9), 1000, np.uint16),
        "n1/b.png": rng.integers(0, 900, (40, 50)).astype(np.uint16),
        "n1/a.png": np.eye(30, 20, dtype=np.uint16),
    }


@pytest.fixture
def folder(masks: dict[str, Ids], tmp_path: Path) -> Path:
    """`masks` as PNG files."""
    return write_folder(tmp_path / "masks", masks)


class TestReading:
    def test_names_are_sorted_and_sizes_public(self, folder: Path) -> None:
        with open_truth(folder, classes=919) as truth:
            assert truth.names == ("n1/a.png", "n1/b.png", "n2/c.png")
            assert truth.manifest == {
                "n1/a.png": (30, 20),
                "n1/b.png": (40, 50),
                "n2/c.png": (3, 9),
            }

    @pytest.mark.parametrize("jobs", [1, 3])
    def test_ids_and_boundaries_come_back(
        self, folder: Path, masks: dict[str, Ids], jobs: int
    ) -> None:
        with open_truth(folder, classes=919, jobs=jobs) as truth:
            for name, ids in masks.items():
                labels = label_plane(truth.label_runs(name), ids.shape)
                np.testing.assert_array_equal(labels >> 1, ids)
                np.testing.assert_array_equal(labels & 1, boundary_of(ids))

    def test_progress_counts_the_masks(self, folder: Path, tmp_path: Path) -> None:
        seen: list[tuple[int, int]] = []

        pack_truth(
            folder,
            tmp_path / "pack",
            classes=919,
            progress=lambda done, total: seen.append((done, total)),
        )

        assert seen == [(1, 3), (2, 3), (3, 3)]


class TestVersion:
    def test_a_folder_and_its_pack_have_the_same(self, folder: Path, tmp_path: Path) -> None:
        pack_truth(folder, tmp_path / "pack", classes=919)

        with (
            open_truth(folder, classes=919) as one,
            open_truth(tmp_path / "pack", classes=919) as other,
        ):
            assert one.version == other.version
            assert one.manifest == other.manifest

    def test_compression_does_not_matter(self, folder: Path, masks: dict[str, Ids]) -> None:
        with open_truth(folder, classes=919) as truth:
            before = truth.version
        for name in masks:
            file = folder / name
            stream = io.BytesIO()
            Image.open(file).save(stream, "PNG", compress_level=0)
            file.write_bytes(stream.getvalue())

        with open_truth(folder, classes=919) as truth:
            assert truth.version == before

    def test_one_pixel_a_name_or_the_number_of_classes_does(
        self, folder: Path, masks: dict[str, Ids], tmp_path: Path
    ) -> None:
        versions = set()
        with open_truth(folder, classes=919) as truth:
            versions.add(truth.version)
        with open_truth(folder, classes=918) as truth:
            versions.add(truth.version)
        masks["n1/a.png"][0, 0] = 2
        with open_truth(write_folder(tmp_path / "pixel", masks), classes=919) as truth:
            versions.add(truth.version)
        masks["n1/d.png"] = masks.pop("n1/a.png")
        with open_truth(write_folder(tmp_path / "name", masks), classes=919) as truth:
            versions.add(truth.version)

        assert len(versions) == 4


class TestRefusals:
    @pytest.mark.parametrize(
        ("file", "content", "message"),
        [
            ("n1/x.png", b"", "n1/x.png: this is not a PNG image .an empty file."),
            ("n1/x.txt", b"", "n1/x.txt is not a mask; a truth folder holds"),
            ("x.png", b"", "x.png is not a mask"),
            ("n1/deep/x.png", b"", "n1/deep/x.png is not a mask"),
            (os.fsdecode(b"n1/\xff.png"), b"", r"the name 'n1/\\udcff.png' is not UTF-8; give"),
            ("N1/A.png", b"", "n1/a.png and N1/A.png are masks of one image"),
        ],
    )
    def test_a_file_that_is_no_mask_is_named(
        self, folder: Path, file: str, content: bytes, message: str
    ) -> None:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes(content)

        with pytest.raises(BadTruth, match=message):
            open_truth(folder, classes=919)

    def test_an_id_above_the_classes_is_named(self, folder: Path, tmp_path: Path) -> None:
        write_folder(folder, {"n1/x.png": np.full((2, 2), 920, np.uint16)})

        with pytest.raises(BadTruth, match=r"n1/x.png: the mask holds the id 920; ids are"):
            pack_truth(folder, tmp_path / "pack", classes=919)
        assert [path.name for path in tmp_path.iterdir()] == ["masks"]

    def test_an_empty_folder_is_no_truth(self, tmp_path: Path) -> None:
        with pytest.raises(BadTruth, match="holds no masks"):
            open_truth(tmp_path, classes=5)

    @pytest.mark.parametrize("classes", [0, 1000])
    def test_there_are_1_to_999_categories(self, folder: Path, classes: int) -> None:
        with pytest.raises(BadTruth, match="1 to 999 categories"):
            open_truth(folder, classes=classes)

    def test_a_pack_knows_its_number_of_classes(self, folder: Path, tmp_path: Path) -> None:
        pack_truth(folder, tmp_path / "pack", classes=919)

        with pytest.raises(BadTruth, match="was packed with 919 categories, not 300"):
            open_truth(tmp_path / "pack", classes=300)

    @pytest.mark.parametrize("content", [b"", b"not arrow", b"ARROW1\0\0" + bytes(100)])
    def test_another_file_is_no_pack(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "pack").write_bytes(content)

        with pytest.raises(BadTruth, match="neither a folder of masks nor packed truth"):
            open_truth(tmp_path / "pack", classes=5)

    def test_a_damaged_pack_is_noticed(self, folder: Path, tmp_path: Path) -> None:
        pack_truth(folder, tmp_path / "pack", classes=919)
        content = bytearray((tmp_path / "pack").read_bytes())
        with open_truth(tmp_path / "pack", classes=919) as truth:
            at = content.index(bytes(truth._rows["n1/b.png"].packed)) + 100
        content[at] ^= 1
        (tmp_path / "pack").write_bytes(content)

        with (
            open_truth(tmp_path / "pack", classes=919) as truth,
            pytest.raises(BadTruth, match=r"n1/b\.png: the packed truth is damaged"),
        ):
            truth.label_runs("n1/b.png")

    def test_a_missing_file_is_an_os_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            open_truth(tmp_path / "nothing", classes=5)
