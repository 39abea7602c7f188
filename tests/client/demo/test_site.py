import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.administration import has_truth
from client.demo import dataset, site
from server.models import SplitName
from worker.context import context_of_process
from worker.settings import WorkerSettings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerSettings]:
    """A service in a folder, whose demo data set has two images a category."""
    splits = tuple(
        dataset.Split(folder=split.folder, images_per_category=2, masks_per_category=2)
        for split in dataset.SPLITS
    )
    monkeypatch.setattr(dataset, "SPLITS", splits)
    monkeypatch.setattr(dataset, "TRAIN", splits[0])
    monkeypatch.setenv("LUSS_DATA_DIR", str(tmp_path / "var"))
    context_of_process.cache_clear()
    yield WorkerSettings()
    context_of_process().database.close()
    context_of_process.cache_clear()


def test_prepares_data_truth_and_a_login_once(settings: WorkerSettings) -> None:
    told: list[str] = []
    first = site.prepare(settings, told.append)
    told_first, made = list(told), (settings.data_dir / "demo-data").stat().st_mtime_ns
    second = site.prepare(settings, told.append)

    assert len(told_first) == 3
    assert told == told_first
    assert second == first
    assert (settings.data_dir / "demo-data").stat().st_mtime_ns == made
    assert all(has_truth(settings, slug="demo", split=split) for split in SplitName)


def test_the_password_lies_where_only_its_owner_can_read_it(settings: WorkerSettings) -> None:
    login = site.prepare(settings, lambda _: None)

    assert stat.S_IMODE(login.file.stat().st_mode) == 0o600
    assert login.file.read_text().strip() == login.password
    assert len(login.password) >= 16


def test_an_interrupted_preparation_is_continued(
    settings: WorkerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_settings: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(site, "_login", interrupt)
        with pytest.raises(KeyboardInterrupt):
            site.prepare(settings, lambda _: None)
    told: list[str] = []
    site.prepare(settings, told.append)

    assert told == []
