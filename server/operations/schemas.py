"""The state of the service as JSON."""

from datetime import datetime
from typing import Literal

from server.operations.contexts import StatusPage
from server.payload import Payload, example

Answer = Literal["answers", "silent"]


class Queue(Payload):
    length: int
    age_seconds: float


class LastDay(Payload):
    """Of the last 24 hours: the median from upload to score, and what became of what arrived."""

    median_seconds: float | None
    submissions: dict[str, int]


class StatusPayload(Payload):
    """Workers, queue and last day are null while the database is silent."""

    model_config = example(
        at="2026-11-20T12:00:00Z",
        parts={"database": "answers", "queue": "answers", "store": "answers"},
        workers=2,
        workers_by_queue={"score": 2},
        queue={"length": 1, "age_seconds": 4.2},
        last_day={"median_seconds": 12.5, "submissions": {"scored": 17, "rejected": 3}},
    )

    at: datetime
    parts: dict[str, Answer]
    workers: int | None
    workers_by_queue: dict[str, int] | None
    queue: Queue | None
    last_day: LastDay | None


def payload_of(status: StatusPage) -> StatusPayload:
    work = status.work
    return StatusPayload(
        at=status.at,
        parts={part.key: "answers" if part.is_up else "silent" for part in status.parts},
        workers=work and work.workers,
        workers_by_queue=work and dict(work.workers_by_queue),
        queue=work and Queue(length=work.queue_length, age_seconds=work.queue_age_seconds),
        last_day=work
        and LastDay(median_seconds=work.median_seconds, submissions=dict(work.by_outcome)),
    )
