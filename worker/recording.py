"""From tallies to the scores in the database, once and under the claim."""

from collections.abc import Sequence

from evaluator import Finding, Resamples, Tallies, resample, scores_of
from server.method_names import method_of
from server.models import Submission
from server.resampled import packed
from server.submissions import outcomes
from server.submissions.leases import Claim
from server.submissions.outcomes import ScoreSheet
from worker.context import Context
from worker.heartbeat import LeaseLost
from worker.holding import Holding
from worker.work import Work


def record(
    context: Context,
    held: Claim,
    hold: Holding,
    work: Work,
    tallies: Tallies,
    *,
    images_counted: int,
) -> None:
    """Keep the tallies, score them, and finish the submission.

    Raises:
        LeaseLost: the submission is no longer the claim's; nothing was recorded.
    """
    context.vault.keep_tallies(tallies, submission=work.public_id)
    sheet, warnings = _sheet(context, tallies), as_json(tallies.warnings())
    hold.check()
    with context.database.unit_of_work() as session:
        now = context.clock.now()
        submission = session.get_one(Submission, held.submission_id)
        method = method_of(
            session, team_id=submission.team_id, name=submission.method_name or "", now=now
        )
        recorded = outcomes.record_scores(
            session,
            held,
            sheet,
            method_id=method.id,
            findings=[*submission.findings, *warnings],
            images_counted=images_counted,
            now=now,
        )
        if not recorded:
            raise LeaseLost(held)


def _sheet(context: Context, tallies: Tallies) -> ScoreSheet:
    """Score the tallies, with intervals from the resamples that all entries share."""
    origin, scores = tallies.origin, scores_of(tallies)
    seed = context.vault.resampling_seed(origin.truth_version)
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
        resampled={name: packed(values) for name, values in resampled.values.items()},
    )


def as_json(findings: Sequence[Finding]) -> list[dict[str, str | int | None]]:
    return [finding.to_json() for finding in findings]
