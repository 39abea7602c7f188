"""What every store does alike: local disk, memory, a bucket, and one that fails on the way."""

import hashlib
import io
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.storage.retrying import RetryingStore, StoreUnavailable, open_store
from server.storage.store import BlobDamaged, BlobMissing, BlobStore, open_object_store
from tests.support.failing_store import FailingStore
from tests.support.s3 import S3Server

LARGE = bytes(range(256)) * 100_000  # 25 MB: more than one part


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3") / "log")
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["file", "memory", "failing", pytest.param("s3", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    folder = (tmp_path / "blobs").as_uri()
    match request.param:
        case "file":
            return open_store(folder)
        case "memory":
            return open_store("memory://")
        case "failing":
            failing = FailingStore(open_object_store(folder))
            return RetryingStore(failing, pauses=(0.0,))
    s3: S3Server = request.getfixturevalue("s3")
    bucket = f"bucket-{tmp_path.name[-40:].strip('_').replace('_', '-').lower()}"
    s3.make_bucket(bucket)
    return open_store(f"s3://{bucket}/prefix", s3.access)


def keys(store: BlobStore) -> list[str]:
    return sorted(entry.key for entry in store.entries("archives"))


def test_what_was_put_can_be_read(store: BlobStore) -> None:
    store.put("archives/a.zip", io.BytesIO(LARGE))

    with store.as_file("archives/a.zip") as path:
        assert path.read_bytes() == LARGE


def test_a_file_is_put_from_where_it_stands(store: BlobStore) -> None:
    file = io.BytesIO(b"skipped kept")
    file.seek(8)
    store.put("archives/a.zip", file)

    with store.as_file("archives/a.zip") as path:
        assert path.read_bytes() == b"kept"


def test_what_is_there_is_not_put_again_where_absence_was_asked_for(store: BlobStore) -> None:
    store.put_if_absent("seeds/a", b"first")
    store.put_if_absent("seeds/a", b"second")

    with store.as_file("seeds/a") as path:
        assert path.read_bytes() == b"first"


def test_what_is_not_there_is_missing(store: BlobStore) -> None:
    with pytest.raises(BlobMissing, match="none"), store.as_file("archives/none.zip"):
        pass


def test_what_is_read_has_the_checksum_that_was_asked_for(store: BlobStore) -> None:
    store.put("archives/a.zip", LARGE)

    with store.as_file("archives/a.zip", sha256=hashlib.sha256(LARGE).hexdigest()) as path:
        assert path.stat().st_size == len(LARGE)


def test_what_has_another_checksum_is_not_given(store: BlobStore) -> None:
    store.put("archives/a.zip", b"rotten")
    wanted = hashlib.sha256(b"fresh").hexdigest()

    with (
        pytest.raises(BlobDamaged, match=wanted),
        store.as_file("archives/a.zip", sha256=wanted),
    ):
        pass


def test_deleting_twice_is_no_error(store: BlobStore) -> None:
    store.put("archives/a.zip", b"x")

    store.delete("archives/a.zip")
    store.delete("archives/a.zip")

    assert keys(store) == []


def test_entries_lie_under_their_folder_alone(store: BlobStore) -> None:
    for key in ("archives/b.zip", "archives/a.zip", "archives-old/c.zip"):
        store.put(key, b"x")

    assert keys(store) == ["archives/a.zip", "archives/b.zip"]
    assert all(entry.size_bytes == 1 for entry in store.entries("archives"))


def test_what_was_cut_short_is_deleted_when_it_is_old(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    store.put("archives/a.zip", b"x")
    store.put("archives/b#1.zip", b"x")
    old, young = tmp_path / "archives" / "c.zip#1", tmp_path / "archives" / "d.zip#12"
    for path in (old, young):
        path.write_bytes(b"half of it")
    os.utime(old, (0, 0))

    assert store.delete_unfinished(before=datetime(2001, 1, 1, tzinfo=UTC)) == ["archives/c.zip#1"]
    assert not old.exists()
    assert store.delete_unfinished(before=datetime.now(UTC) + timedelta(hours=1)) == [
        "archives/d.zip#12"
    ]
    assert keys(store) == ["archives/a.zip", "archives/b#1.zip"]


class TestTrouble:
    @pytest.fixture
    def failing(self, tmp_path: Path) -> FailingStore:
        return FailingStore(open_object_store(tmp_path.as_uri()))

    def test_no_call_of_many_is_lost(self, failing: FailingStore) -> None:
        store = RetryingStore(failing, pauses=(0.0,))
        for number in range(20):
            store.put(f"archives/{number}", io.BytesIO(b"%d" % number * 5000))
            store.put_if_absent(f"seeds/{number}", b"%d" % number)
        for number in range(20):
            with store.as_file(f"archives/{number}") as path:
                assert path.read_bytes() == b"%d" % number * 5000
            with store.as_file(f"seeds/{number}") as path:
                assert path.read_bytes() == b"%d" % number
            assert len(keys(store)) == 20 - number
            store.delete(f"archives/{number}")

        assert failing.calls["put"] == 30

    def test_the_tries_are_bounded(self, failing: FailingStore) -> None:
        store = RetryingStore(failing, pauses=())

        with pytest.raises(StoreUnavailable, match=r"could not keep archives/a\.zip.*hung up"):
            store.put("archives/a.zip", b"x")

    def test_an_error_of_the_reader_is_not_tried_again(self, failing: FailingStore) -> None:
        store = RetryingStore(failing, pauses=(0.0,))
        store.put("archives/a.zip", b"x")

        with pytest.raises(TimeoutError), store.as_file("archives/a.zip"):
            raise TimeoutError

        assert failing.calls["as_file"] == 2

    @pytest.mark.slow
    def test_a_bucket_that_is_back_in_time(self, tmp_path: Path) -> None:
        """Wake the server while a put is waiting for it."""
        server = S3Server(tmp_path / "log")
        store = open_store("s3://bucket", server.access)
        server.start()
        try:
            server.make_bucket("bucket")
            with ThreadPoolExecutor() as pool:
                with server.hanging():
                    waiting = pool.submit(store.put, "archives/a.zip", b"x")
                    time.sleep(1)
                    assert not waiting.done()
                waiting.result(timeout=60)
            assert keys(store) == ["archives/a.zip"]
        finally:
            server.stop()


def test_a_local_store_is_its_owners_alone(tmp_path: Path) -> None:
    open_store((tmp_path / "blobs").as_uri())

    assert (tmp_path / "blobs").stat().st_mode & 0o077 == 0
