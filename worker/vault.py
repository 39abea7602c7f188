"""The vault: packed truth, tallies and seeds, which no web process can reach."""

import secrets
from contextlib import AbstractContextManager
from pathlib import Path

from evaluator import Tallies
from server.storage.store import BlobStore

SEED_BYTES = 32
SHARD_FOLDER = "shards"


class Vault:
    def __init__(self, store: BlobStore) -> None:
        self._store = store

    def keep_truth(self, pack: Path, *, version: str) -> None:
        """Keep a packed truth under its content hash; the same content is the same blob."""
        with pack.open("rb") as file:
            self._store.put(_truth_key(version), file)

    def truth(self, version: str) -> AbstractContextManager[Path]:
        """Give a packed truth as a file, until the context ends."""
        return self._store.as_file(_truth_key(version))

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


def _shard_key(submission: str, key: str) -> str:
    return f"{SHARD_FOLDER}/{submission}/{key}.parquet"


def _truth_key(version: str) -> str:
    return f"truth/{version}.pack"
