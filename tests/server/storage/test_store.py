import io
from pathlib import Path

import pytest

from server.storage.store import BlobMissing, BlobStore, open_store


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    url = (tmp_path / "blobs").as_uri() if request.param == "file" else "memory://"
    return open_store(url)


def keys(store: BlobStore) -> list[str]:
    return sorted(entry.key for entry in store.entries("archives"))


def test_what_was_put_can_be_read(store: BlobStore) -> None:
    content = bytes(range(256)) * 100_000
    store.put("archives/a.zip", io.BytesIO(content))

    with store.as_file("archives/a.zip") as path:
        assert path.read_bytes() == content


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


def test_a_local_store_is_its_owners_alone(tmp_path: Path) -> None:
    open_store((tmp_path / "blobs").as_uri())

    assert (tmp_path / "blobs").stat().st_mode & 0o077 == 0
