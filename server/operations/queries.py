"""What the rows say of the service's work: counts, ages and durations, and nothing of anyone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from server.models import Score, Shard, Submission, SubmissionState, WorkerProcess
from server.operations.durations import seconds_between
from server.submissions.leases import awaits_masks
from server.submissions.states import IN_FLIGHT


@dataclass(frozen=True, slots=True)
class Waiting:
    """The queue: how many wait for a worker, and since when the first of them.

    Weights wait for a worker of models, and are counted when their masks are made.
    """

    length: int
    oldest_at: datetime | None

    def age_seconds(self, now: datetime) -> float:
        """Return how long the first one has waited; 0 if none does."""
        return 0.0 if self.oldest_at is None else max(0.0, (now - self.oldest_at).total_seconds())


def waiting(session: Session) -> Waiting:
    row = session.execute(
        select(func.count(), func.min(Submission.created_at)).where(
            Submission.state == SubmissionState.RECEIVED, ~awaits_masks()
        )
    ).one()
    return Waiting(*row)


def counts_by_state(
    session: Session, *, since: datetime | None = None
) -> Mapping[SubmissionState, int]:
    """Count submissions, those made since then or all, in every state there is."""
    statement = select(Submission.state, func.count()).group_by(Submission.state)
    if since is not None:
        statement = statement.where(Submission.created_at >= since)
    found = dict(session.execute(statement).all())
    return {state: found.get(state, 0) for state in SubmissionState}


def overdue(session: Session, *, now: datetime) -> int:
    """Count the submissions in flight that nobody holds any more: the sweeper is to find them.

    One that was cut is held by whoever counts its shards, and is overdue as soon as one of them is.
    """
    taken = [state for state in IN_FLIGHT if state is not SubmissionState.RECEIVED]
    to_count = [Shard.submission_id == Submission.id, Shard.is_done.is_(False)]
    return session.scalars(
        select(func.count()).where(
            Submission.state.in_(taken),
            or_(
                exists().where(*to_count, Shard.lease_until <= now),
                and_(~exists().where(*to_count), Submission.lease_until <= now),
            ),
        )
    ).one()


def rejections_by_code(session: Session) -> Sequence[tuple[str, int]]:
    """Count rejected submissions by the code of each error that they were rejected for."""
    if session.get_bind().dialect.name == "sqlite":
        each = func.json_each(Submission.findings).table_valued("value")
        code, severity = (func.json_extract(each.c.value, f"$.{key}") for key in _CODED)
    else:
        each = func.json_array_elements(Submission.findings).table_valued("value")
        code, severity = (func.json_extract_path_text(each.c.value, key) for key in _CODED)
    rows = session.execute(
        select(code, func.count(Submission.id.distinct()))
        .select_from(Submission)
        .join(each, onclause=func.coalesce(severity, "") == "error")
        .where(Submission.state == SubmissionState.REJECTED)
        .group_by(code)
        .order_by(code)
    )
    return [(str(code), count) for code, count in rows]


_CODED = ("code", "severity")


def failures(session: Session) -> Sequence[tuple[str | None, int]]:
    """Count failed submissions by the sentence that says why."""
    rows = session.execute(
        select(Submission.failure, func.count())
        .where(Submission.state == SubmissionState.FAILED)
        .group_by(Submission.failure)
    )
    return [(sentence, count) for sentence, count in rows]


_FIRST_SCORE = (
    select(Score.submission_id, func.min(Score.created_at).label("scored_at"))
    .group_by(Score.submission_id)
    .subquery()
)

# Each from columns that never change once they are written: what is counted stays counted.
STAGES: Mapping[str, ColumnElement[float]] = {
    "waiting": seconds_between(Submission.created_at, Submission.checking_at),
    "checking": seconds_between(Submission.checking_at, Submission.scoring_at),
    "scoring": seconds_between(Submission.scoring_at, _FIRST_SCORE.c.scored_at),
    "whole": seconds_between(Submission.created_at, _FIRST_SCORE.c.scored_at),
}
ENDING_IN_A_SCORE = ("scoring", "whole")


def _lasting(stage: str) -> Select[float]:
    lasting = select(STAGES[stage]).select_from(Submission).where(STAGES[stage].is_not(None))
    if stage in ENDING_IN_A_SCORE:
        return lasting.join(_FIRST_SCORE, _FIRST_SCORE.c.submission_id == Submission.id)
    return lasting


@dataclass(frozen=True, slots=True)
class Spread:
    """How long a stage took: how often at most each bound (and longer), and the sum of all."""

    counts: tuple[int, ...]
    sum_seconds: float


def spread(session: Session, stage: str, *, bounds_seconds: Sequence[float]) -> Spread:
    """Sort all durations of a stage into buckets; the last count is of those above the bounds."""
    labelled = _lasting(stage).with_only_columns(STAGES[stage].label("seconds"))
    # Else the difference would be computed anew for every bound that it is compared with.
    lasting = labelled.cte("lasting").prefix_with("MATERIALIZED")
    bucket = case(
        *((lasting.c.seconds <= bound, place) for place, bound in enumerate(bounds_seconds)),
        else_=len(bounds_seconds),
    )
    counts, total = [0] * (len(bounds_seconds) + 1), 0.0
    for place, count, seconds in session.execute(
        select(bucket, func.count(), func.sum(lasting.c.seconds)).group_by(bucket)
    ):
        counts[place] = count
        total += float(seconds)
    return Spread(tuple(counts), total)


def wholes_since(session: Session, since: datetime) -> Sequence[float]:
    """Return, in seconds, how long each submission scored since then took from upload to score."""
    return session.scalars(_lasting("whole").where(_FIRST_SCORE.c.scored_at >= since)).all()


def workers_seen(session: Session, *, since: datetime) -> Sequence[WorkerProcess]:
    return session.scalars(
        select(WorkerProcess)
        .where(WorkerProcess.seen_at >= since)
        .order_by(WorkerProcess.started_at, WorkerProcess.name)
    ).all()
