"""The submission as JSON."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from server.disclosure import per_class
from server.models import (
    CARD_FIELDS,
    Attempt,
    AttemptOutcome,
    Board,
    ModelRunState,
    Protocol,
    Score,
    SplitName,
    Submission,
    SubmissionState,
)
from server.payload import Payload, example
from server.protocols import FACTS
from server.quota import Quota
from server.submissions.stages import postponed_because
from server.submissions.waiting import Place
from server.visibility import Reader, method_called, team_called


class Progress(Payload):
    """Images done and images in all; both 0 until the archive has been looked at."""

    done: int
    total: int


class Queue(Payload):
    """Submissions in front of this one, and in about how long it has its scores, if we can say."""

    position: int
    estimated_seconds: int | None


class WeightsRun(Payload):
    """Where the run is that makes the masks; images done and in all are of the part under way."""

    state: ModelRunState
    attempts: int
    done: int
    total: int
    seconds_left: float | None


class Weights(Payload):
    """What was submitted in place of masks, and how far their masks are."""

    sha256: str | None
    bytes: int
    run: WeightsRun


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


class CountPayload(Payload):
    """A limit, null where there is none; resets_at is when some of what is used stops to count."""

    limit: int | None
    used: int
    resets_at: datetime | None


class QuotaPayload(Payload):
    """A team's entries on a board, of this UTC day, in all and in flight.

    Rejected and failed ones count nowhere but against the cap of an hour.
    """

    model_config = example(
        daily={"limit": 5, "used": 2, "resets_at": "2026-11-21T00:00:00Z"},
        total={"limit": None, "used": 31, "resets_at": None},
        in_flight={"limit": 2, "used": 1, "resets_at": None},
        hourly={"limit": 20, "used": 1, "resets_at": "2026-11-20T12:15:00Z"},
    )

    daily: CountPayload
    total: CountPayload
    in_flight: CountPayload
    hourly: CountPayload


_EXAMPLE: dict[str, Any] = {
    "id": "k3v9mzt2qyxw7adh",
    "state": "scored",
    "protocol": "fully-unsupervised",
    "subset": "50",
    "split": "test",
    "method": "PASS",
    "team": "Ada Example",
    "public": True,
    "late": False,
    "anonymous_until": None,
    "run_here": False,
    "created_at": "2026-11-20T12:00:00Z",
    "finished_at": "2026-11-20T12:00:09Z",
    "declarations": {fact.key: False for fact in FACTS},
    "card": {**dict.fromkeys(CARD_FIELDS), "method_name": "PASS", "networks": "ResNet-18"},
    "archive_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "archive_bytes": 1_048_576,
    "archive_expired_at": None,
    "weights": None,
    "progress": {"done": 1682, "total": 1682},
    "queue": None,
    "attempts": 1,
    "postponed_because": None,
    "attempt_log": [
        {
            "shard": None,
            "number": 1,
            "worker": "worker-4f2a",
            "started_at": "2026-11-20T12:00:02Z",
            "ended_at": "2026-11-20T12:00:09Z",
            "outcome": "done",
            "reason": None,
        }
    ],
    "findings": [
        {
            "code": "extra_file",
            "severity": "warning",
            "file": "notes.txt",
            "expected": None,
            "found": None,
            "message": "notes.txt is not asked for and was ignored.",
            "count": 1,
        }
    ],
    "failure": None,
    "scores": {"miou": 29.3, "bmiou": 7.6, "per_class_iou": None},
    "intervals": {"miou": [28.1, 30.4]},
    "scorer_version": "1",
    "truth_version": "5f0c3a9d",
    "url": "https://luss.example.org/submissions/k3v9mzt2qyxw7adh",
}


class SubmissionPayload(Payload):
    """A submission; while names are withheld from the reader, so are card, findings and hashes.

    weights is null unless they were submitted; until their masks are made the archive has 0 bytes.
    """

    model_config = example(**_EXAMPLE)

    id: str
    state: SubmissionState
    protocol: Protocol
    subset: str
    split: SplitName
    method: str | None
    team: str
    public: bool
    late: bool
    anonymous_until: datetime | None
    run_here: bool
    created_at: datetime
    finished_at: datetime | None
    declarations: dict[str, bool]
    card: dict[str, str | None]
    archive_sha256: str | None
    archive_bytes: int
    archive_expired_at: datetime | None
    weights: Weights | None
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
    model_config = example(submissions=[_EXAMPLE], next_cursor="k3v9mzt2qyxw7adh")

    submissions: list[SubmissionPayload]
    next_cursor: str | None


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
        late=submission.is_late,
        anonymous_until=submission.anonymous_until,
        run_here=submission.is_run_here,
        created_at=submission.created_at,
        finished_at=submission.finished_at,
        declarations=submission.declarations,
        card={name: getattr(submission, name) if is_known else None for name in CARD_FIELDS},
        archive_sha256=(submission.archive_sha256 or None) if is_known else None,
        archive_bytes=submission.archive_bytes,
        archive_expired_at=submission.archive_expired_at,
        weights=_weights(submission, is_known=is_known),
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


def quota_payload(quota: Quota) -> QuotaPayload:
    return QuotaPayload(**asdict(quota))


def _weights(submission: Submission, *, is_known: bool) -> Weights | None:
    run = submission.model_run
    if submission.weights_bytes is None or run is None:
        return None
    return Weights(
        sha256=submission.weights_sha256 if is_known else None,
        bytes=submission.weights_bytes,
        run=WeightsRun(
            state=run.state,
            attempts=run.attempts,
            done=run.step,
            total=run.steps,
            seconds_left=run.seconds_left,
        ),
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
