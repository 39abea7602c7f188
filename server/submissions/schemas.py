"""The submission as JSON."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import Field, model_validator

from server.disclosure import per_class
from server.models import (
    CARD_FIELDS,
    Attempt,
    AttemptOutcome,
    Board,
    Protocol,
    Score,
    SplitName,
    Submission,
    SubmissionState,
)
from server.payload import Payload
from server.protocols import FACT_KEYS
from server.submissions.editing import Changes
from server.submissions.stages import postponed_because
from server.submissions.waiting import Place
from server.visibility import Reader, method_called, team_called

FIXED = frozenset({"protocol", "subset", "split", "declarations", "team", "archive", *FACT_KEYS})
"""What is entered once: the fields of `POST` that `PATCH` refuses."""


class Progress(Payload):
    """Images done and images in all; both 0 until the archive has been looked at."""

    done: int
    total: int


class Queue(Payload):
    """Submissions in front of this one, and in about how long it has its scores, if we can say."""

    position: int
    estimated_seconds: int | None


class AttemptPayload(Payload):
    """One try at the whole, or at a shard; the outcome is null while it runs."""

    shard: int | None
    number: int
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: AttemptOutcome | None
    reason: str | None


class Finding(Payload):
    code: str
    severity: str
    file: str | None
    expected: str | None
    found: str | None
    message: str
    count: int


class SubmissionPayload(Payload):
    """A submission; while names are withheld from the reader, so are card, findings and hash."""

    id: str
    state: SubmissionState
    protocol: Protocol
    subset: str
    split: SplitName
    method: str | None
    team: str
    public: bool
    anonymous_until: datetime | None
    created_at: datetime
    finished_at: datetime | None
    declarations: dict[str, bool]
    card: dict[str, str | None]
    archive_sha256: str | None
    archive_bytes: int
    archive_expired_at: datetime | None
    progress: Progress
    queue: Queue | None
    attempts: int
    postponed_because: str | None
    attempt_log: list[AttemptPayload]
    findings: list[Finding]
    failure: str | None
    scores: dict[str, Any] | None
    intervals: dict[str, Any] | None
    scorer_version: str | None
    truth_version: str | None
    url: str


class SubmissionList(Payload):
    submissions: list[SubmissionPayload]
    next_cursor: str | None


class SubmissionChanges(Payload):
    """What its team may change of a submission; fields that are left out stay as they are.

    ``anonymous_until`` is a date in the year to come, and null shows names at once. The fields of
    the method card, null or empty where there is nothing to say, can be changed once it is scored.
    """

    public: bool | None = None
    anonymous_until: str | None = Field(None, max_length=40, examples=["2027-03-01"])
    method_name: str | None = None
    training_data: str | None = None
    training_scheme: str | None = None
    networks: str | None = None
    link: str | None = None
    description: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_open_to_change(cls, said: Any) -> Any:
        fixed = sorted(FIXED.intersection(said)) if isinstance(said, dict) else []
        if fixed:
            raise ValueError(
                f"{', '.join(fixed)}: what was entered for the protocol is what the scores stand "
                "for, and cannot be changed; withdraw the submission and enter it again"
            )
        return said


def changes_of(said: SubmissionChanges) -> Changes:
    given = said.model_fields_set
    return Changes(
        is_public=said.public,
        anonymous_until=(said.anonymous_until or "") if "anonymous_until" in given else None,
        card={name: getattr(said, name) or "" for name in CARD_FIELDS if name in given},
    )


def payload_of(
    submission: Submission, reader: Reader, *, place: Place | None, site_url: str
) -> SubmissionPayload:
    """Write a submission as JSON; ``place`` is where it stands in the queue."""
    is_known = reader.knows(submission)
    split = submission.board.split
    score = submission.scores[-1] if submission.scores else None
    return SubmissionPayload(
        id=submission.public_id,
        state=submission.state,
        protocol=submission.board.protocol,
        subset=split.subset.slug,
        split=split.name,
        method=method_called(submission, reader),
        team=team_called(submission, reader),
        public=submission.is_public,
        anonymous_until=submission.anonymous_until,
        created_at=submission.created_at,
        finished_at=submission.finished_at,
        declarations=submission.declarations,
        card={name: getattr(submission, name) if is_known else None for name in CARD_FIELDS},
        archive_sha256=submission.archive_sha256 if is_known else None,
        archive_bytes=submission.archive_bytes,
        archive_expired_at=submission.archive_expired_at,
        postponed_because=postponed_because(submission),
        progress=Progress(done=submission.images_done, total=submission.progress_total),
        queue=None if place is None else Queue(**asdict(place)),
        attempts=submission.tries,
        attempt_log=[_attempt(each) for each in submission.attempt_log],
        findings=[Finding(**finding) for finding in submission.findings if is_known],
        failure=submission.failure,
        scores=None if score is None else scores_of(score, submission.board),
        intervals=None if score is None else score.intervals,
        scorer_version=None if score is None else score.scorer_version,
        truth_version=None if score is None else score.truth_version,
        url=f"{site_url}/submissions/{submission.public_id}",
    )


def _attempt(attempt: Attempt) -> AttemptPayload:
    fields = {name: getattr(attempt, name) for name in AttemptPayload.model_fields}
    return AttemptPayload(**fields)


def scores_of(score: Score, board: Board) -> dict[str, Any]:
    """Return every score that the board shows under its name in the benchmark's definition."""
    classes = per_class(score, board)
    return {
        **score.headline(),
        "miou_no_other": score.miou_no_other,
        "bmiou_no_other": score.bmiou_no_other,
        "per_class_iou": None if classes is None else list(classes.iou),
        "per_class_biou": None if classes is None else list(classes.boundary_iou),
    }
