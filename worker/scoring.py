"""One submission, from its claim to its scores: claim, check, count, record.

No transaction is open while an archive is read. What an archive does wrong is a rejection; whatever
else goes wrong hands the submission back, and the sweeper rings it again.
"""

import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluator import (
    BadPrediction,
    Finding,
    Inspection,
    Limits,
    MethodCard,
    Resamples,
    Tallies,
    inspect_prediction,
    open_prediction,
    resample,
    scores_of,
    take_tallies,
)
from server.log_config import about, tell
from server.methods.service import method_of
from server.models import CARD_FIELDS, Protocol, Submission
from server.submissions import leases, outcomes, queries
from server.submissions.leases import Claim
from server.submissions.outcomes import ScoreSheet
from worker import stopping
from worker.context import Context
from worker.heartbeat import Heartbeat, LeaseLost
from worker.stopping import Stopping

log = logging.getLogger(__name__)
PROGRESS_STEPS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a worker needs to know of a submission, read once under its claim."""

    public_id: str
    team_id: int
    archive_key: str
    form_card: Mapping[str, str | None]
    protocol: Protocol
    classes: int
    truth_version: str


def run(context: Context, submission_id: int) -> None:
    """Work on a submission to its end, unless somebody else does or it has one already."""
    if stopping.is_asked():
        return
    held = _claim(context, submission_id)
    if held is None:
        log.info("submission %d is done or held elsewhere", submission_id)
        return
    with about(row=submission_id):
        _work_on(context, held)


def _work_on(context: Context, held: Claim) -> None:
    try:
        with Heartbeat(context, held) as heartbeat:
            _Task(context, held, heartbeat).work()
    except LeaseLost as lost:
        log.warning("%s; nothing was recorded", lost)
    except Stopping:
        log.warning("handing submission %d back: this worker stops", held.submission_id)
        with context.database.unit_of_work() as session:
            leases.hand_back(session, held, now=context.clock.now(), is_faultless=True)
    except Exception:  # the task boundary: logged here, tried again by the sweeper
        log.exception("submission %d could not be scored, handing it back", held.submission_id)
        with context.database.unit_of_work() as session:
            leases.hand_back(session, held, now=context.clock.now())


def _claim(context: Context, submission_id: int) -> Claim | None:
    settings = context.settings
    with context.database.unit_of_work() as session:
        return leases.claim(
            session,
            submission_id,
            now=context.clock.now(),
            lease=settings.lease,
            max_attempts=settings.max_attempts,
        )


class _Task:
    """A claimed submission on its way."""

    def __init__(self, context: Context, held: Claim, heartbeat: Heartbeat) -> None:
        self._context = context
        self._held = held
        self._heartbeat = heartbeat

    def work(self) -> None:
        work = self._read()
        try:
            self._score(work)
        except BadPrediction as bad:
            self._reject(work, bad.findings)

    def _read(self) -> Work:
        with self._context.database.reading() as session:
            submission = queries.to_score(session, self._held.submission_id)
            tell(submission=submission.public_id, attempt=submission.attempts)
            return _work_of(submission)

    def _score(self, work: Work) -> None:
        with (
            self._context.vault.truth(work.truth_version, classes=work.classes) as truth,
            self._context.store.as_file(work.archive_key) as archive,
            tempfile.TemporaryDirectory(prefix="luss-") as scratch,
            open_prediction(archive, limits=self._limits()) as prediction,
        ):
            inspection = inspect_prediction(
                prediction,
                manifest=truth.manifest,
                classes=work.classes,
                protocol=work.protocol,
                method_name=work.form_card["method_name"],
            )
            if not inspection.ok:
                raise BadPrediction(inspection.findings)
            self._begin_scoring(len(truth.names))
            tallies = take_tallies(
                prediction,
                truth,
                match=inspection.match,
                output=Path(scratch) / "tallies",
                jobs=self._context.settings.scoring_jobs or os.cpu_count() or 1,
                progress=self._progress,
            )
            self._heartbeat.check()
            self._context.vault.keep_tallies(tallies, submission=work.public_id)
            self._record(work, inspection, tallies)

    def _limits(self) -> Limits:
        settings = self._context.settings
        return Limits(
            max_entries=settings.archive_max_entries,
            max_total_bytes=settings.archive_max_unpacked_bytes,
            max_ratio=settings.archive_max_ratio,
        )

    def _begin_scoring(self, images: int) -> None:
        with self._context.database.unit_of_work() as session:
            now = self._context.clock.now()
            if not outcomes.begin_scoring(session, self._held, images=images, now=now):
                raise LeaseLost(self._held)

    def _progress(self, done: int, total: int) -> None:
        """Report every fiftieth of the way; a lost lease stops the counting."""
        self._heartbeat.check()
        if done % max(1, total // PROGRESS_STEPS) == 0:
            with self._context.database.unit_of_work() as session:
                outcomes.report_progress(session, self._held, done=done)

    def _record(self, work: Work, inspection: Inspection, tallies: Tallies) -> None:
        now = self._context.clock.now()
        card = _merged_card(work.form_card, inspection.card)
        sheet = self._sheet(tallies)
        self._heartbeat.check()
        with self._context.database.unit_of_work() as session:
            method = method_of(
                session, team_id=work.team_id, name=card["method_name"] or "", now=now
            )
            recorded = outcomes.record_scores(
                session,
                self._held,
                sheet,
                method_id=method.id,
                card=card,
                warnings=_as_json([*inspection.warnings, *tallies.warnings()]),
                now=now,
            )
            if not recorded:
                raise LeaseLost(self._held)

    def _sheet(self, tallies: Tallies) -> ScoreSheet:
        """Score the tallies, with intervals from the resamples that all entries share."""
        origin, scores = tallies.origin, scores_of(tallies)
        seed = self._context.vault.resampling_seed(origin.truth_version)
        resampled = resample(tallies, Resamples.of_tallies(tallies, seed=seed))
        return ScoreSheet(
            scorer_version=origin.scorer_version,
            truth_version=origin.truth_version,
            images=tallies.images,
            headline=scores.headline(),
            miou_no_other=scores.miou_no_other,
            bmiou_no_other=scores.bmiou_no_other,
            per_class_iou=list(scores.per_class_iou),
            per_class_biou=list(scores.per_class_biou),
            intervals={name: list(ends) for name, ends in resampled.intervals(scores).items()},
        )

    def _reject(self, work: Work, findings: Sequence[Finding]) -> None:
        with self._context.database.unit_of_work() as session:
            rejected = outcomes.reject(
                session, self._held, findings=_as_json(findings), now=self._context.clock.now()
            )
        if rejected:
            self._context.store.delete(work.archive_key)


def _work_of(submission: Submission) -> Work:
    split = submission.board.split
    if submission.archive_key is None or split.truth_version is None:
        raise ValueError(
            f"submission {submission.public_id} has "
            f"{'no archive' if submission.archive_key is None else 'no truth to score against'}"
        )
    return Work(
        public_id=submission.public_id,
        team_id=submission.team_id,
        archive_key=submission.archive_key,
        form_card={name: getattr(submission, name) for name in CARD_FIELDS},
        protocol=submission.board.protocol,
        classes=split.subset.classes,
        truth_version=split.truth_version,
    )


def _merged_card(form: Mapping[str, str | None], file: MethodCard | None) -> dict[str, str | None]:
    """Join what the form and method.txt say of the method; the form wins line by line."""
    said = {} if file is None else file.to_json()
    said["method_name"] = said.pop("name", None)
    return {name: form[name] or said.get(name) for name in CARD_FIELDS}


def _as_json(findings: Sequence[Finding]) -> list[dict[str, str | int | None]]:
    return [finding.to_json() for finding in findings]
