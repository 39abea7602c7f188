"""The job queue: a message is a doorbell, the row in the database is the job.

Jobs are collected while a transaction is open and rung only after its commit returned
(`db.Database.unit_of_work`), so that nobody is told of a row that does not exist.
"""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

SCORE_SUBMISSION = "submissions.score"
SCORE_SHARD = "submissions.score_shard"
SWEEP = "submissions.sweep"
TIDY = "submissions.tidy"
SEND_MAIL = "mail.send"

SCORE_QUEUE = "score"
UPKEEP_QUEUE = "upkeep"
"""Sweeps have one of their own: behind many submissions each of them would expire unread."""


@dataclass(frozen=True, slots=True)
class Job:
    """A task's name and the id of the submission that it is about."""

    task: str
    row_id: int


class JobQueue(Protocol):
    """Where doorbells ring."""

    def ring(self, job: Job) -> None:
        """Announce a job. Never raises for an unreachable broker: the sweeper rings again."""

    def check(self) -> None:
        """Ask the broker for a sign of life; whatever is raised says that there is none."""


class RecordingQueue:
    """The null twin: remembers what was rung, in order."""

    def __init__(self) -> None:
        self.rung: list[Job] = []

    def ring(self, job: Job) -> None:
        self.rung.append(job)

    def check(self) -> None:
        """Answer: memory does."""


def ring_after_commit(session: Session, job: Job) -> None:
    session.info.setdefault("jobs", []).append(job)


def collected_jobs(session: Session) -> list[Job]:
    """Take the jobs that the session's transaction asked for."""
    jobs: list[Job] = session.info.pop("jobs", [])
    return jobs
