"""The production topology on two buckets, archives and vault, each with a key of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.storage.retrying import StoreUnavailable, open_store
from tests.support.s3 import S3Server
from tests.support.stack import DECLARE, NativeStack, native_stack_in

pytestmark = pytest.mark.slow
S50 = Path(__file__).parents[1] / "golden" / "s50"


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3Server]:
    server = S3Server(tmp_path / "s3.log", users={"web": "archives", "worker": "hidden"})
    server.start()
    yield server
    server.stop()


@pytest.fixture
def stack(s3: S3Server) -> Iterator[NativeStack]:
    web, worker = s3.access_of["web"], s3.access_of["worker"]
    settings = {
        "LUSS_SHARD_IMAGES": "20",
        "LUSS_STORE_URL": "s3://archives/luss",
        "LUSS_VAULT_URL": "s3://hidden/vault",
        "LUSS_S3_ENDPOINT": s3.endpoint,
        "LUSS_S3_ACCESS_KEY": web.access_key,
        "LUSS_S3_SECRET_KEY": web.secret_key.get_secret_value(),
        "LUSS_VAULT_S3_ACCESS_KEY": worker.access_key,
        "LUSS_VAULT_S3_SECRET_KEY": worker.secret_key.get_secret_value(),
    }
    with native_stack_in(**settings) as started:
        started.register("50", S50 / "masks", classes=50)
        yield started


def test_a_sharded_submission_travels_through_buckets(stack: NativeStack, s3: S3Server) -> None:
    web, worker = s3.access_of["web"], s3.access_of["worker"]
    words = ["--protocol", "fully-unsupervised", "--subset", "50", "--split", "test"]
    for _ in range(2):
        run = stack.luss("submit", S50 / "good.zip", *words, *DECLARE, "--wait", "--json")
        body = json.loads(run.stdout)
        assert (body["state"], body["attempts"]) == ("scored", 1)
        assert {each["shard"] for each in body["attempt_log"]} == {None, 0, 1, 2}

    expected = json.loads((S50 / "expected.json").read_text())["scores"]["good"]
    assert body["scores"]["miou"] == pytest.approx(expected["miou"], rel=1e-5)
    assert len(s3.keys("archives", web)) == 2
    hidden = s3.keys("hidden", worker)
    assert {key.split("/")[1] for key in hidden} == {"truth", "tallies", "seeds"}
    told = (stack.folder / "var" / "stack.env").read_text()
    assert web.secret_key.get_secret_value() in told  # `luss admin` in another shell needs both
    assert worker.secret_key.get_secret_value() in told
    for folder in ("store", "vault", "staging"):
        assert stack.files(folder) == []
    assert len(stack.files("truth-cache")) == 1

    seed = next(key for key in hidden if "/seeds/" in key)
    with pytest.raises(StoreUnavailable), open_store("s3://hidden", web).as_file(seed):
        pass
    for access in (web, worker):
        assert access.secret_key.get_secret_value() not in stack.log.read_text()
