"""What the status page shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    key: str
    title: str
    meaning: str
    is_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the workers do: counts of the last day are of submissions that arrived in it."""

    workers: int
    workers_by_queue: tuple[tuple[str, int], ...]
    queue_length: int
    queue_age_seconds: float
    median_seconds: float | None
    by_outcome: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    """How the service is; without the database nothing is known of its work."""

    template: ClassVar[str] = "operations/status.html"

    parts: tuple[Part, ...]
    work: Work | None
    at: datetime
