from pathlib import Path

import pytest

from server.jobs.celery_queue import CeleryQueue, celery_settings
from server.jobs.queue import SCORE_SUBMISSION, Job, JobQueue, RecordingQueue
from server.settings import Settings

JOB = Job(SCORE_SUBMISSION, 7)


@pytest.fixture(params=["celery", "recording"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> JobQueue:
    if request.param == "celery":
        return CeleryQueue(Settings(data_dir=tmp_path))
    return RecordingQueue()


def test_ringing_raises_nothing(queue: JobQueue) -> None:
    queue.ring(JOB)
    queue.ring(JOB)


def test_a_message_carries_the_id_of_the_row(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)

    CeleryQueue(settings).ring(JOB)

    (message,) = (settings.broker_folder / "messages").iterdir()
    assert SCORE_SUBMISSION in message.read_text()


def test_an_unreachable_broker_is_logged_and_not_raised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    queue = CeleryQueue(Settings(data_dir=tmp_path))
    (tmp_path / "broker" / "messages").rmdir()
    (tmp_path / "broker" / "messages").write_text("no folder any more")

    queue.ring(JOB)

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
