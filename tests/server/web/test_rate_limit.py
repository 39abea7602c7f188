"""Too many requests are refused, everybody is told how many are left, and nothing else changes."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from server.app import create_app
from server.jobs.queue import RecordingQueue
from server.settings import Settings
from tests.support.servers import Redis
from tests.support.serving import serving
from tests.support.site import Site, site_in

BOARDS = "/api/v1/boards"


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path, rate_limit_address=5, rate_limit_token=3) as site:
        yield site


def left(answer: httpx.Response) -> dict[str, int]:
    fields = re.findall(r'"(\w+)";r=(\d+);t=\d+', answer.headers["ratelimit"])
    return {name: int(count) for name, count in fields}


def test_each_answer_tells_what_is_left(limited: Site) -> None:
    program = limited.client({"Authorization": f"Bearer {limited.token()}"})

    answers = [program.get(BOARDS) for _ in range(2)]

    assert [left(answer) for answer in answers] == [
        {"address": 4, "token": 2},
        {"address": 3, "token": 1},
    ]
    assert answers[0].headers["ratelimit-policy"] == '"address";q=5;w=60, "token";q=3;w=60'


def test_who_asks_too_often_is_told_when_to_come_back(limited: Site) -> None:
    program = limited.client({})

    answers = [program.get(BOARDS) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    problem = answers[-1].json()
    assert problem["code"] == "rate_limited"
    assert 1 <= problem["retry_after_seconds"] <= 60
    assert answers[-1].headers["retry-after"] == str(problem["retry_after_seconds"])
    assert left(answers[-1]) == {"address": 0}


def test_a_token_is_limited_wherever_it_is_used(limited: Site) -> None:
    headers = {"Authorization": f"Bearer {limited.token()}"}
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"):
        client = TestClient(limited.app, headers=headers, client=(address, 1))
        last = client.get(BOARDS)

    assert last.status_code == 429
    assert "with this token" in last.json()["detail"]
    assert TestClient(limited.app, client=("192.0.2.1", 1)).get(BOARDS).status_code == 200


def test_a_made_up_token_does_not_get_round_the_limit_of_an_address(limited: Site) -> None:
    answers = [
        limited.client({"Authorization": f"Bearer made-up-{number}"}).get(BOARDS)
        for number in range(6)
    ]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]


def test_people_are_told_on_a_page(limited: Site) -> None:
    browser = limited.browser()
    for _ in range(5):
        browser.get("/docs")

    page = browser.page("/docs", status=429)

    assert "from your address" in page.text


def test_files_and_probes_are_free(limited: Site) -> None:
    browser = limited.browser()
    for _ in range(10):
        assert browser.get("/healthz").status_code == 200
        assert browser.get("/static/css/base.css").status_code == 200


def test_a_limit_of_zero_is_none(tmp_path: Path) -> None:
    with site_in(tmp_path, rate_limit_address=0, rate_limit_token=0) as site:
        answer = site.browser().get(BOARDS)

    assert answer.status_code == 200
    assert "ratelimit" not in answer.headers


@pytest.mark.slow
def test_processes_count_together_in_redis_and_go_on_without_it(
    redis: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(data_dir=tmp_path, rate_limit_url=redis.url, rate_limit_address=3)
    apps = [create_app(settings, queue=RecordingQueue()) for _ in range(2)]

    with serving(apps[0]) as one, serving(apps[1]) as other:
        both = [httpx.get(f"{place}/docs") for place in (one, other, one, other)]
        redis.stop()
        without = [httpx.get(f"{place}/docs") for place in (one, other) for _ in range(3)]
        redis.start()

    assert [answer.status_code for answer in both] == [200, 200, 200, 429]
    assert [answer.status_code for answer in without] == [200] * 6
    told = [line for line in caplog.messages if "requests are not limited" in line]
    assert len(told) == 2, told  # once a process, until the pause is over
