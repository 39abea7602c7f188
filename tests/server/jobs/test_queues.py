import json
import time
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from redis import Redis as Client

from server.jobs import celery_queue
from server.jobs.celery_queue import CeleryQueue, celery_settings
from server.jobs.queue import (
    SCORE_QUEUE,
    SCORE_SUBMISSION,
    SWEEP,
    UPKEEP_QUEUE,
    Job,
    JobQueue,
    RecordingQueue,
)
from server.settings import Settings
from tests.support.servers import Redis

JOB = Job(SCORE_SUBMISSION, 7)


@pytest.fixture(params=["files", "redis", "recording"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> JobQueue:
    if request.param == "files":
        return CeleryQueue(Settings(data_dir=tmp_path))
    if request.param == "redis":
        return CeleryQueue(on_redis(request.getfixturevalue("redis"), tmp_path))
    return RecordingQueue()


def on_redis(redis: Redis, folder: Path) -> Settings:
    return Settings(data_dir=folder, broker_url=redis.url)


def waiting(redis: Redis) -> int:
    with Client.from_url(redis.url) as client:
        return int(client.llen("score"))


def test_ringing_raises_nothing(queue: JobQueue) -> None:
    queue.ring(JOB)
    queue.ring(JOB)


def test_a_message_carries_the_id_of_the_row(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)

    CeleryQueue(settings).ring(JOB)

    (message,) = (settings.broker_folder / "messages").iterdir()
    assert SCORE_SUBMISSION in message.read_text()


def test_no_worker_sees_a_message_before_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path)
    queue = CeleryQueue(settings)
    rename, seen = Path.rename, []

    def look_and_rename(unseen: Path, place: Path) -> Path:
        seen.append(list(unseen.parent.glob("*.msg")))
        assert json.loads(unseen.read_text())
        return rename(unseen, place)

    monkeypatch.setattr(Path, "rename", look_and_rename)
    queue.ring(JOB)

    assert seen == [[]]
    (message,) = (settings.broker_folder / "messages").iterdir()
    assert message.name.endswith(f".{SCORE_QUEUE}.msg")


def test_messages_of_the_file_broker_arrive(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    for row_id in range(3):
        CeleryQueue(settings).ring(Job(SCORE_SUBMISSION, row_id))
    app = Celery("listener")
    app.conf.update(celery_settings(settings))

    with app.connection_for_read() as connection, connection.SimpleQueue(SCORE_QUEUE) as tray:
        arrived = [tray.get(timeout=5) for _ in range(3)]

    assert sorted(message.payload[0][0] for message in arrived) == [0, 1, 2]


def test_an_unreachable_broker_is_logged_and_not_raised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    queue = CeleryQueue(Settings(data_dir=tmp_path))
    (tmp_path / "broker" / "messages").rmdir()
    (tmp_path / "broker" / "messages").write_text("no folder any more")

    queue.ring(JOB)

    assert "the sweeper will ring" in caplog.text


@pytest.mark.parametrize("broker", ["files", "redis"])
def test_a_sweep_does_not_wait_behind_the_submissions(
    broker: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path)
    if broker == "redis":
        settings = on_redis(request.getfixturevalue("redis"), tmp_path)
    app = Celery()
    app.conf.update(celery_settings(settings))
    queue = CeleryQueue(settings)
    for _ in range(20):
        queue.ring(JOB)
    app.send_task(SWEEP)

    taken = first_messages(app, 2)

    assert SWEEP in taken


def first_messages(app: Celery, count: int) -> list[str]:
    """Take messages one by one, as a worker does that listens to both queues."""
    taken: list[str] = []

    def take(_body: Any, message: Any) -> None:
        taken.append(message.headers["task"])
        message.ack()

    queues = [app.amqp.queues[name] for name in (SCORE_QUEUE, UPKEEP_QUEUE)]
    with app.connection_for_read() as connection:
        consumer = connection.Consumer(queues, callbacks=[take], accept=["json"])
        consumer.qos(prefetch_count=1)
        with consumer:
            while len(taken) < count:
                connection.drain_events(timeout=10)
    return taken


@pytest.mark.slow
def test_a_redis_that_comes_back_empty_is_rung_again(
    redis: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    queue = CeleryQueue(on_redis(redis, tmp_path))
    queue.ring(JOB)

    redis.kill()
    queue.ring(JOB)
    redis.start()

    assert "the sweeper will ring" in caplog.text
    assert waiting(redis) == 0
    queue.ring(JOB)
    assert waiting(redis) == 1


@pytest.mark.slow
def test_a_redis_that_hangs_holds_nobody_up(
    redis: Redis,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(celery_queue, "PATIENCE_SECONDS", 1)
    queue = CeleryQueue(on_redis(redis, tmp_path))
    with redis.hanging():
        began = time.monotonic()
        queue.ring(JOB)

        assert time.monotonic() - began < 15
    assert "the sweeper will ring" in caplog.text


def test_a_message_outlives_the_longest_task_on_a_broker_that_redelivers(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, broker_url="redis://127.0.0.1:1/0", scoring_limit_seconds=100
    )

    celery = celery_settings(settings)

    assert celery["task_time_limit"] == 100
    assert celery["broker_transport_options"]["visibility_timeout"] == 110


def test_nothing_but_json_is_accepted(tmp_path: Path) -> None:
    assert celery_settings(Settings(data_dir=tmp_path))["accept_content"] == ["json"]
