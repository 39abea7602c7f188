import pytest
from prometheus_client import REGISTRY

from server.storage.measured import MeasuredStore
from server.storage.store import BlobMissing, open_object_store
from tests.support.database import NOW


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def calls(operation: str) -> float:
    return sample("luss_store_seconds_count", operation=operation)


def test_every_call_is_measured_and_answered_as_inside() -> None:
    store = MeasuredStore(open_object_store("memory://"))
    operations = ("put", "put_if_absent", "fetch", "delete", "list", "delete_unfinished")
    before = {name: calls(name) for name in operations}

    store.put("archives/a", b"one")
    store.put_if_absent("archives/a", b"two")
    store.put("archives/b", b"three")
    with store.as_file("archives/a") as path:
        assert path.read_bytes() == b"one"
    assert sorted(entry.key for entry in store.entries("archives")) == ["archives/a", "archives/b"]
    store.delete("archives/a")
    store.delete("archives/b")
    assert list(store.entries("archives")) == []
    assert store.delete_unfinished(before=NOW) == []

    assert {name: calls(name) - before[name] for name in operations} == {
        "put": 2,
        "put_if_absent": 1,
        "fetch": 1,
        "delete": 2,
        "list": 2,
        "delete_unfinished": 1,
    }


def test_what_fails_is_counted_and_raised() -> None:
    class Broken:
        def __getattr__(self, name: str) -> object:
            raise ConnectionError("the store is away")

    labels = {"operation": "delete", "error": "ConnectionError"}
    before = sample("luss_store_errors_total", **labels)

    with pytest.raises(ConnectionError, match="away"):
        MeasuredStore(Broken()).delete("archives/a")  # type: ignore[arg-type]

    assert sample("luss_store_errors_total", **labels) - before == 1


def test_a_missing_blob_is_an_answer_and_no_error() -> None:
    labels = {"operation": "fetch", "error": "BlobMissing"}

    with (
        pytest.raises(BlobMissing, match="none"),
        MeasuredStore(open_object_store("memory://")).as_file("archives/none"),
    ):
        pass

    assert sample("luss_store_errors_total", **labels) == 0


def test_an_error_of_the_reader_is_not_one_of_the_store() -> None:
    store = MeasuredStore(open_object_store("memory://"))
    store.put("archives/a", b"one")
    labels = {"operation": "fetch", "error": "ZeroDivisionError"}

    with pytest.raises(ZeroDivisionError), store.as_file("archives/a"):
        raise ZeroDivisionError

    assert sample("luss_store_errors_total", **labels) == 0
