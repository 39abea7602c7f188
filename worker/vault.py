"""The vault: packed truth, tallies and seeds, which no web process can reach."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path

from evaluator import BadTruth, Tallies
from evaluator.atomic_file import replacing
from server.storage.retrying import open_store
from server.storage.store import BlobStore, local_folder
from worker.counting import open_pack
from worker.settings import WorkerSettings

SEED_BYTES = 32
SHARD_FOLDER = "shards"


class Vault:
    def __init__(self, store: BlobStore, *, cache: Path | None = None) -> None:
        """Keep a folder for packed truth where the store has no files of its own to open."""
        self._store = store
        self._cache = cache

    def keep_truth(self, pack: Path, *, version: str) -> None:
        """Keep a packed truth under its content hash; the same content is the same blob."""
        with pack.open("rb") as file:
            self._store.put(_truth_key(version), file)

    @contextmanager
    def truth(self, version: str, *, classes: int) -> Iterator[Path]:
        """Give a packed truth as a file, fetched from a vault elsewhere once a machine.

        Raises:
            BadTruth: what was fetched is damaged, or another truth. A copy that turns out to be
                damaged within the context is forgotten, so that the next attempt fetches it again.
        """
        if self._cache is None:
            with self._store.as_file(_truth_key(version)) as path:
                yield path
            return
        cached = self._cache / f"{version}.pack"
        if not cached.exists():
            self._fetch(version, cached, classes=classes)
        try:
            yield cached
        except BadTruth:
            cached.unlink(missing_ok=True)
            raise

    def _fetch(self, version: str, cached: Path, *, classes: int) -> None:
        """Copy a truth into the cache, where it appears whole and verified, to be read only."""
        cached.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._store.as_file(_truth_key(version)) as path, replacing(cached) as copy:
            shutil.copyfile(path, copy)
            with open_pack(copy, classes=classes, version=version) as truth:
                for name in truth.names:
                    truth.label_runs(name)  # compares the image's checksum
        cached.chmod(0o400)

    def resampling_seed(self, version: str) -> bytes:
        """Return the secret seed of a truth's resamples, drawn when it is first asked for.

        With a known seed, resampled values of several entries would tell of single images.
        """
        key = f"seeds/{version}"
        self._store.put_if_absent(key, secrets.token_bytes(SEED_BYTES))
        with self._store.as_file(key) as path:
            return path.read_bytes()

    def keep_tallies(self, tallies: Tallies, *, submission: str) -> None:
        """Keep what a submission was counted to: every later score is a function of it."""
        origin = tallies.origin
        key = f"tallies/{submission}/{origin.scorer_version}-{origin.truth_version}.parquet"
        with tallies.path.open("rb") as file:
            self._store.put(key, file)

    def keep_shard(self, tallies: Path, *, submission: str, key: str) -> None:
        """Keep the tallies of a shard until they are merged; the same shard is the same blob."""
        with tallies.open("rb") as file:
            self._store.put(_shard_key(submission, key), file)

    def shard(self, *, submission: str, key: str) -> AbstractContextManager[Path]:
        """Give the tallies of a shard as a file, until the context ends."""
        return self._store.as_file(_shard_key(submission, key))

    def submissions_with_shards(self) -> frozenset[str]:
        keys = (entry.key for entry in self._store.entries(SHARD_FOLDER))
        return frozenset(key.split("/")[1] for key in keys)

    def drop_shards(self, submission: str) -> None:
        for entry in list(self._store.entries(f"{SHARD_FOLDER}/{submission}")):
            self._store.delete(entry.key)

    def delete_unfinished(self, *, before: datetime) -> list[str]:
        """Delete puts and fetches that were cut short before a moment; return the names."""
        deleted = self._store.delete_unfinished(before=before)
        for path in [] if self._cache is None else self._cache.glob("*.partial"):
            if path.stat().st_mtime < before.timestamp():
                path.unlink()
                deleted.append(path.name)
        return deleted


def open_vault(settings: WorkerSettings) -> Vault:
    """Open the vault that the settings name, with keys of its own where it has some."""
    local = local_folder(settings.vault) is not None
    return Vault(
        open_store(settings.vault, settings.vault_s3_access),
        cache=None if local else settings.truth_cache,
    )


def _shard_key(submission: str, key: str) -> str:
    return f"{SHARD_FOLDER}/{submission}/{key}.parquet"


def _truth_key(version: str) -> str:
    return f"truth/{version}.pack"
