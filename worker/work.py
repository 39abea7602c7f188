"""What a worker needs to know of a submission, and its files."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from server.log_config import tell
from server.models import CARD_FIELDS, Protocol, Submission
from server.submissions import queries
from worker.context import Context
from worker.counting import Material
from worker.sandbox.counting import SandboxedCounting


@dataclass(frozen=True, slots=True)
class Counted:
    """A shard that is counted: where its tallies lie, or why it has none."""

    tallies_key: str
    findings: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A submission as its row described it when it was claimed."""

    submission_id: int
    public_id: str
    archive_key: str
    archive_sha256: str
    card: Mapping[str, str | None]
    protocol: Protocol
    classes: int
    truth_version: str
    shards: tuple[Counted, ...]
    is_of_weights: bool


def read_work(context: Context, submission_id: int) -> Work:
    """Read what there is to do.

    Raises:
        ValueError: the submission has no archive any more, or its split no truth.
    """
    with context.database.reading() as session:
        submission = queries.to_score(session, submission_id)
        tell(submission=submission.public_id)
        return _work_of(submission)


@contextmanager
def opened(context: Context, work: Work, *, truth_version: str) -> Iterator[SandboxedCounting]:
    """Fetch archive and truth, to be opened in the sandbox alone."""
    limits = context.settings.limits
    with (
        context.vault.truth(truth_version, classes=work.classes) as truth,
        context.store.as_file(work.archive_key, sha256=work.archive_sha256) as archive,
    ):
        material = Material(
            archive=archive,
            truth=truth,
            truth_version=truth_version,
            classes=work.classes,
            limits=limits,
        )
        yield SandboxedCounting(context.sandbox, material)


def threads(context: Context) -> int:
    return context.settings.scoring_jobs or os.cpu_count() or 1


def _work_of(submission: Submission) -> Work:
    split = submission.board.split
    if submission.archive_key is None or split.truth_version is None:
        raise ValueError(
            f"submission {submission.public_id} has "
            f"{'no archive' if submission.archive_key is None else 'no truth to score against'}"
        )
    return Work(
        submission_id=submission.id,
        public_id=submission.public_id,
        archive_key=submission.archive_key,
        archive_sha256=submission.archive_sha256,
        card={name: getattr(submission, name) for name in CARD_FIELDS},
        protocol=submission.board.protocol,
        classes=split.subset.classes,
        truth_version=split.truth_version,
        shards=tuple(
            Counted(shard.tallies_key, tuple(shard.findings)) for shard in submission.shards
        ),
        is_of_weights=submission.weights_sha256 is not None,
    )
