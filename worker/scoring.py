"""One submission, from its claim to its scores: claim, check, count, record.

A small submission is counted under the claim that checked it. A large one is cut into shards
(`sharding`) and let go of; whoever counts the last one claims it again to merge. No transaction is
open while an archive is read. What an archive does wrong is a rejection; whatever else goes wrong
hands the submission back, and the sweeper rings it again.
"""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from evaluator import (
    BadPrediction,
    Finding,
    Inspection,
    MethodCard,
    Tallies,
    concatenate,
    shortened_again,
)
from server.log_config import about
from server.models import CARD_FIELDS
from server.submissions import leases, outcomes, shards
from server.submissions.leases import Claim
from server.submissions.shards import Part
from worker import sharding, stopping, trouble
from worker.context import Context
from worker.heartbeat import LeaseLost
from worker.holding import Holding, holding
from worker.recording import as_json, record
from worker.sandbox.counting import SandboxedCounting
from worker.sharding import parts_of
from worker.work import Work, opened, read_work, threads

log = logging.getLogger(__name__)


class OwnMasksBad(Exception):
    """Masks that this server has made of submitted weights are no valid entry: our fault."""


def run(context: Context, submission_id: int) -> None:
    """Work on a submission as far as there is something to do that nobody else does."""
    if stopping.is_asked():
        return
    with about(row=submission_id):
        was_cut = _work_on(context, submission_id)
    if was_cut:
        run(context, submission_id)  # merges, if nobody else counts any more


def run_shards(context: Context, submission_id: int) -> None:
    """Count shards of a submission until none is free, and merge if they were the last ones."""
    with about(row=submission_id):
        if trouble.puts_off(context, submission_id):
            return
        counted = sharding.count_free_shards(context, submission_id)
    if counted:
        run(context, submission_id)


def _work_on(context: Context, submission_id: int) -> bool:
    """Work under one claim; True if the submission was cut and some of its shards are counted."""
    if trouble.puts_off(context, submission_id):
        return False
    held = _claim(context, submission_id)
    if held is None:
        log.info("submission %d is done or held elsewhere", submission_id)
        return False
    planned: tuple[Work, SandboxedCounting] | None = None
    with ExitStack() as files:
        with holding(context, held) as hold:
            planned = _Task(context, held, hold, files).work()
        if planned is None:
            return False
        return sharding.count_free_shards(context, submission_id, planned)


def _claim(context: Context, submission_id: int) -> Claim | None:
    with context.database.unit_of_work() as session:
        now = context.clock.now()
        return leases.claim(session, submission_id, now=now, terms=context.terms)


class _Task:
    """A claimed submission on its way; what it opens is closed by its caller."""

    def __init__(self, context: Context, held: Claim, hold: Holding, files: ExitStack) -> None:
        self._context = context
        self._held = held
        self._hold = hold
        self._files = files

    def work(self) -> tuple[Work, SandboxedCounting] | None:
        """Take the submission as far as one claim reaches; returned opened if it was cut."""
        work = read_work(self._context, self._held.submission_id)
        try:
            if work.shards:
                self._merge(work)
                return None
            return self._check_and_count(work)
        except BadPrediction as bad:
            if work.is_of_weights:
                raise OwnMasksBad(bad.findings) from bad
            self._reject(work, bad.findings)
            return None

    def _check_and_count(self, work: Work) -> tuple[Work, SandboxedCounting] | None:
        most = self._context.settings.shard_images
        counts = self._files.enter_context(
            opened(self._context, work, truth_version=work.truth_version)
        )
        inspection = counts.inspect(
            protocol=work.protocol,
            method_name=work.card["method_name"],
            still_wanted=self._hold.check,
        )
        if not inspection.ok:
            raise BadPrediction(inspection.findings)
        if inspection.images > most:
            parts = parts_of(
                work, match_hash=counts.match_hash, images=inspection.images, most=most
            )
            self._begin_scoring(work, inspection, parts)
            return work, counts
        self._begin_scoring(work, inspection)
        with tempfile.TemporaryDirectory(prefix="luss-") as scratch:
            output = Path(scratch) / "tallies"
            counts.count(
                output,
                jobs=threads(self._context),
                progress=self._hold.progress,
                still_wanted=self._hold.check,
            )
            self._record(work, Tallies.read(output), images_counted=inspection.images)
        return None

    def _begin_scoring(
        self, work: Work, inspection: Inspection, parts: Sequence[Part] = ()
    ) -> None:
        """Move on to scoring; with parts, cut the submission and let go of it.

        What is said of a method.txt is the participant's to know, unless it is ours.
        """
        card, warnings = inspection.card, inspection.warnings
        if work.is_of_weights:
            card, warnings = None, ()
        with self._context.database.unit_of_work() as session:
            now = self._context.clock.now()
            begun = outcomes.begin_scoring(
                session,
                self._held,
                images=inspection.images,
                card=_merged_card(work.card, card),
                warnings=as_json(warnings),
                now=now,
            )
            if begun and parts:
                begun = shards.plan(
                    session,
                    self._held,
                    parts,
                    truth_version=work.truth_version,
                    now=now,
                    lease=self._context.settings.lease,
                )
            if not begun:
                raise LeaseLost(self._held)

    def _merge(self, work: Work) -> None:
        findings = [
            [Finding.from_json(finding) for finding in shard.findings] for shard in work.shards
        ]
        if any(findings):
            raise BadPrediction(shortened_again(findings))
        with ExitStack() as files, tempfile.TemporaryDirectory(prefix="luss-") as scratch:
            kept = (
                self._context.vault.shard(submission=work.public_id, key=shard.tallies_key)
                for shard in work.shards
            )
            parts = [Tallies.read(files.enter_context(each)) for each in kept]
            tallies = concatenate(parts, output=Path(scratch) / "tallies")
            self._record(work, tallies, images_counted=0)
        self._context.vault.drop_shards(work.public_id)

    def _record(self, work: Work, tallies: Tallies, *, images_counted: int) -> None:
        record(self._context, self._held, self._hold, work, tallies, images_counted=images_counted)

    def _reject(self, work: Work, findings: Sequence[Finding]) -> None:
        with self._context.database.unit_of_work() as session:
            rejected = outcomes.reject(
                session, self._held, findings=as_json(findings), now=self._context.clock.now()
            )
        if rejected:
            self._context.store.delete(work.archive_key)
            if work.shards:
                self._context.vault.drop_shards(work.public_id)


def _merged_card(form: Mapping[str, str | None], file: MethodCard | None) -> dict[str, str | None]:
    """Join what the form and method.txt say of the method; the form wins line by line."""
    said = {} if file is None else file.to_json()
    said["method_name"] = said.pop("name", None)
    return {name: form[name] or said.get(name) for name in CARD_FIELDS}
