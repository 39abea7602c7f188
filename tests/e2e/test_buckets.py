"""A site whose archives and vault lie in buckets, each opened with keys of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.s3 import S3Server
from tests.support.stack import DECLARE, Stack, stack_in

pytestmark = pytest.mark.slow
S50 = Path(__file__).parents[1] / "golden" / "s50"


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3Server]:
    server = S3Server(tmp_path / "s3.log")
    server.start()
    for bucket in ("archives", "hidden"):
        server.make_bucket(bucket)
    yield server
    server.stop()


@pytest.fixture
def stack(tmp_path: Path, s3: S3Server) -> Iterator[Stack]:
    settings = {
        **s3.environment,
        "LUSS_STORE_URL": "s3://archives/luss",
        "LUSS_VAULT_URL": "s3://hidden/vault",
        "LUSS_VAULT_S3_ACCESS_KEY": "vault-key",
        "LUSS_VAULT_S3_SECRET_KEY": "vault-secret",
    }
    with stack_in(tmp_path, **settings) as started:
        started.register("50", S50 / "masks", classes=50)
        yield started


def test_a_submission_travels_through_buckets(stack: Stack, s3: S3Server) -> None:
    words = ["--protocol", "fully-unsupervised", "--subset", "50", "--split", "test"]
    for _ in range(2):
        run = stack.luss("submit", S50 / "good.zip", *words, *DECLARE, "--wait", "--json")
        body = json.loads(run.stdout)
        assert (body["state"], body["attempts"]) == ("scored", 1)

    expected = json.loads((S50 / "expected.json").read_text())["scores"]["good"]
    assert body["scores"]["miou"] == pytest.approx(expected["miou"], rel=1e-5)
    assert len(s3.keys("archives")) == 2
    assert {key.split("/")[1] for key in s3.keys("hidden")} == {"truth", "tallies", "seeds"}
    for folder in ("store", "vault", "staging"):
        assert stack.files(folder) == []
    assert len(stack.files("truth-cache")) == 1
    log = stack.log.read_text() + s3.log.read_text()
    assert "web-secret" not in log
    assert "vault-secret" not in log
