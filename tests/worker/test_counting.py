"""Counting by ranges, with nothing of the service around it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluator import BadPrediction, Limits, Tallies, concatenate, open_truth, pack_truth
from tests.support.golden import S50, golden_files, zipped
from worker.counting import Counting, Material, counting


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pack = tmp_path_factory.mktemp("truth") / "truth.pack"
    pack_truth(S50 / "masks", pack, classes=50)
    return pack


def material(archive: Path, truth: Path) -> Material:
    with open_truth(truth, classes=50) as opened:
        version = opened.version
    return Material(
        archive=archive, truth=truth, truth_version=version, classes=50, limits=Limits()
    )


@pytest.fixture(params=["good.zip", "generated.zip"])
def opened(request: pytest.FixtureRequest, truth: Path) -> Iterator[Counting]:
    with counting(material(S50 / request.param, truth)) as counts:
        yield counts


def counted(counts: Counting, output: Path, first: int = 0, stop: int | None = None) -> Tallies:
    counts.count(output, first=first, stop=stop, jobs=1, progress=lambda _done, _total: None)
    return Tallies.read(output)


def test_ranges_put_together_are_the_whole_byte_for_byte(opened: Counting, tmp_path: Path) -> None:
    whole = counted(opened, tmp_path / "whole")
    parts = [
        counted(opened, tmp_path / str(first), first, stop)
        for first, stop in ((0, 1), (1, 40), (40, 60))
    ]

    together = concatenate(parts, output=tmp_path / "together")

    assert together.path.read_bytes() == whole.path.read_bytes()


def test_the_map_is_the_same_with_and_without_an_inspection(truth: Path, tmp_path: Path) -> None:
    found = []
    for inspects in (True, False):
        with counting(material(S50 / "generated.zip", truth)) as counts:
            if inspects:
                assert counts.inspect(protocol="fully-unsupervised", method_name=None).ok
            found.append(counted(counts, tmp_path / str(inspects), 3, 9).path.read_bytes())

    assert found[0] == found[1]


def test_only_the_faults_of_the_range_are_told(truth: Path, tmp_path: Path) -> None:
    files = golden_files("good.zip")
    names = sorted(name for name in files if name.endswith(".png"))
    for name in (names[2], names[30]):
        files[name] = files[name][:-40] + bytes(40)
    archive = tmp_path / "broken.zip"
    archive.write_bytes(zipped(files))

    with counting(material(archive, truth)) as counts, pytest.raises(BadPrediction) as bad:
        counted(counts, tmp_path / "part", 0, 10)

    assert [finding.file for finding in bad.value.findings] == [names[2]]
    assert not (tmp_path / "part").exists()
