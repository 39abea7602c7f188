import errno
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from sqlalchemy.exc import OperationalError

from server.db import Database
from server.errors import StorageFull
from server.settings import Settings
from server.storage import free_space
from server.storage.free_space import ensure_room, is_disk_full, refused_when_full
from server.storage.store import open_object_store
from tests.support.database import add_user, migrated_database
from tests.support.small_disk import SmallDisk, small_disk

MEGABYTE = 1024**2


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", megabytes=8) as mounted:
        yield mounted


def settings(folder: Path, **named: object) -> Settings:
    return Settings.model_validate({"data_dir": folder, "min_free_bytes": MEGABYTE, **named})


def test_room_is_asked_for_the_staged_and_the_stored_copy(disk: SmallDisk) -> None:
    here = settings(disk.folder)

    ensure_room(here, arriving=3 * MEGABYTE)
    with pytest.raises(StorageFull):
        ensure_room(here, arriving=4 * MEGABYTE)
    ensure_room(here, arriving=0, staged=6 * MEGABYTE)
    with pytest.raises(StorageFull):
        ensure_room(here, arriving=0, staged=8 * MEGABYTE)


def test_a_store_on_another_disk_is_asked_on_its_own(disk: SmallDisk, tmp_path: Path) -> None:
    here = settings(tmp_path, store_url=(disk.folder / "store").as_uri())

    ensure_room(here, arriving=6 * MEGABYTE)
    with pytest.raises(StorageFull):
        ensure_room(here, arriving=8 * MEGABYTE)


def test_a_store_elsewhere_is_not_asked(disk: SmallDisk) -> None:
    ensure_room(settings(disk.folder, store_url="s3://bucket/store"), arriving=6 * MEGABYTE)


def test_the_operator_is_told_which_disk_is_full(
    disk: SmallDisk, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(StorageFull):
        ensure_room(settings(disk.folder), arriving=8 * MEGABYTE)

    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert str(disk.folder) in record.message


class TestAFullDiskIsRecognised:
    def test_from_a_file(self, disk: SmallDisk) -> None:
        disk.fill()
        with pytest.raises(OSError, match="space") as caught:
            (disk.folder / "file").write_bytes(bytes(MEGABYTE))

        assert is_disk_full(caught.value)

    def test_from_a_store(self, disk: SmallDisk) -> None:
        store = open_object_store(disk.folder.as_uri())
        disk.fill(but=MEGABYTE)
        with pytest.raises(obstore.exceptions.BaseError) as caught:
            store.put("archives/a.zip", bytes(2 * MEGABYTE))

        assert is_disk_full(caught.value)
        assert list((disk.folder / "archives").iterdir()) == []

    def test_from_a_database(self, disk: SmallDisk) -> None:
        with migrated_database(disk.folder) as (database, _):
            disk.fill()
            with pytest.raises(OperationalError) as caught:
                self.write_much(database)

        assert is_disk_full(caught.value)

    @staticmethod
    def write_much(database: Database) -> None:
        for number in range(1000):
            with database.unit_of_work() as session:
                add_user(session, f"{number}@example.org")

    def test_behind_another_error(self) -> None:
        with pytest.raises(StorageFull), refused_when_full():
            raise RuntimeError("could not write") from OSError(errno.ENOSPC, "no space")


def test_another_error_stays_what_it_is() -> None:
    with pytest.raises(PermissionError), refused_when_full():
        raise PermissionError(errno.EACCES, "not yours")


def test_a_folder_that_is_still_to_be_made_lies_on_its_parents_disk(disk: SmallDisk) -> None:
    assert free_space.free_bytes(disk.folder / "not" / "yet") == disk.free_bytes()
