"""The vault where packed truth is not a file already: fetched once, verified, kept read-only."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evaluator import BadTruth, open_truth, pack_truth
from server.storage.retrying import RetryingStore
from server.storage.store import open_object_store
from tests.support.failing_store import FailingStore
from tests.support.service import GOLDEN
from worker.settings import WorkerSettings
from worker.vault import Vault


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("truth") / "s50.pack"
    pack_truth(GOLDEN / "s50" / "masks", path, classes=50)
    return path


@pytest.fixture(scope="module")
def version(pack: Path) -> str:
    with open_truth(pack, classes=50) as truth:
        return truth.version


@pytest.fixture
def store() -> FailingStore:
    return FailingStore(open_object_store("memory://"))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def vault(store: FailingStore, cache: Path) -> Vault:
    return Vault(RetryingStore(store, pauses=(0.0,)), cache=cache)


def images(vault: Vault, version: str) -> int:
    """Open a truth and read every image of it."""
    with vault.truth(version, classes=50) as pack, open_truth(pack, classes=50) as truth:
        return len([truth.label_runs(name) for name in truth.names])


def test_a_truth_is_fetched_once(
    vault: Vault, store: FailingStore, pack: Path, version: str
) -> None:
    vault.keep_truth(pack, version=version)

    assert images(vault, version) == images(vault, version) == 60

    assert store.calls["as_file"] == 2  # the first one failed


def test_the_copy_is_its_owners_to_read(
    vault: Vault, cache: Path, pack: Path, version: str
) -> None:
    vault.keep_truth(pack, version=version)
    images(vault, version)

    (copy,) = cache.iterdir()
    assert copy.read_bytes() == pack.read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o400
    assert cache.stat().st_mode & 0o077 == 0


def test_a_damaged_truth_is_not_kept(
    vault: Vault, store: FailingStore, cache: Path, pack: Path, version: str
) -> None:
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    vault.keep_truth(pack, version=version)
    RetryingStore(store, pauses=(0.0,)).put(f"truth/{version}.pack", bytes(content))

    with pytest.raises(BadTruth, match="damaged"):
        images(vault, version)

    assert list(cache.iterdir()) == []


def test_a_truth_under_the_name_of_another_is_not_used(vault: Vault, pack: Path) -> None:
    vault.keep_truth(pack, version="another")

    with pytest.raises(BadTruth, match="by the name of another"):
        images(vault, "another")


def test_a_copy_that_was_damaged_is_fetched_again(
    vault: Vault, cache: Path, pack: Path, version: str
) -> None:
    vault.keep_truth(pack, version=version)
    images(vault, version)
    (copy,) = cache.iterdir()
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.chmod(0o600)
    copy.write_bytes(bytes(content))

    with pytest.raises(BadTruth, match="damaged"):
        images(vault, version)

    assert images(vault, version) == 60


def test_a_fetch_that_was_killed_is_swept_when_it_is_old(
    vault: Vault, cache: Path, pack: Path, version: str
) -> None:
    vault.keep_truth(pack, version=version)
    images(vault, version)
    old, young = cache / f".{version}.pack.1.partial", cache / f".{version}.pack.2.partial"
    for path in (old, young):
        path.write_bytes(b"half of it")
    os.utime(old, (0, 0))

    assert vault.delete_unfinished(before=datetime(2001, 1, 1, tzinfo=UTC)) == [old.name]
    assert sorted(cache.iterdir()) == sorted([young, cache / f"{version}.pack"])


def test_the_vault_has_keys_of_its_own_where_it_was_given_some() -> None:
    web = {"s3_endpoint": "http://s3", "s3_access_key": "web", "s3_secret_key": "web-secret"}
    own = {"vault_s3_access_key": "vault", "vault_s3_secret_key": "vault-secret"}

    shared = WorkerSettings.model_validate(web)
    split = WorkerSettings.model_validate(web | own)

    assert shared.vault_s3_access == shared.s3_access
    assert split.s3_access.access_key == "web"
    assert split.vault_s3_access.access_key == "vault"
    assert split.vault_s3_access.secret_key.get_secret_value() == "vault-secret"
    assert split.vault_s3_access.endpoint == "http://s3"
    assert "secret" not in repr(split.vault_s3_access).replace("secret_key", "")
