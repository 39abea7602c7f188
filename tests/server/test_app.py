from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server.app import create_app
from server.jobs.queue import RecordingQueue
from server.settings import Settings


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data_dir=tmp_path), queue=RecordingQueue())) as client:
        yield client


def test_every_answer_carries_the_security_headers(client: TestClient) -> None:
    headers = client.get("/healthz").headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_what_does_not_exist_is_a_problem_with_a_code(client: TestClient) -> None:
    answer = client.get("/api/v1/nothing")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_a_method_that_is_not_offered_says_which_are(client: TestClient) -> None:
    answer = client.delete("/api/v1/boards")

    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"
    assert "GET" in answer.headers["allow"]
