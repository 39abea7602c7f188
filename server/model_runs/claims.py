"""Who works on a model run now: claims, progress, hand-backs, ends.

As with submissions (`submissions.leases`): each change is one statement whose WHERE clause decides
the race, and a worker proves by its lease token that the run is still its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, or_, select, update
from sqlalchemy.orm import Session

from server.model_runs.states import DEADLINES, DEADLINES_OF_WEIGHTS, IN_FLIGHT, before
from server.models import ModelRun, ModelRunState
from server.settings import Settings
from server.submissions import attempts, outcomes, predictions
from server.submissions.leases import (
    Terms,
    awaits_masks,
    changed,
    first_time,
    is_free,
    lock,
    new_token,
)
from server.submissions.service import StoredArchive

TOOK_TOO_LONG = "This run was {state} for longer than runs may be here."
WORKER_LOST = "Its worker fell silent."
FAILURE = "This run was tried {attempts} times and could not be finished. The last time: {reason}"


@dataclass(frozen=True, slots=True)
class RunClaim:
    """The right to work on a run for as long as the lease is renewed."""

    run_id: int
    token: str

    def __str__(self) -> str:
        return f"model run {self.run_id}"


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run that has just been given up, and why."""

    id: int
    public_id: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a run is, as it says itself; ``curves`` are its losses by stage."""

    stage: str | None
    step: int
    steps: int
    seconds_left: float | None
    curves: dict[str, Any]


def claim(session: Session, run_id: int, *, now: datetime, terms: Terms) -> RunClaim | None:
    """Take a run; None if it is done, held elsewhere, or out of attempts."""
    is_new = ModelRun.state == ModelRunState.WAITING
    token = new_token()
    taken = changed(
        session,
        ModelRun,
        [
            ModelRun.id == run_id,
            ModelRun.state.in_(IN_FLIGHT),
            ModelRun.attempts < terms.max_attempts,
            is_free(ModelRun, now),
        ],
        state=ModelRunState.RUNNING,
        state_since=case((is_new, now), else_=ModelRun.state_since),
        started_at=first_time(ModelRun.started_at, now),
        # One that holds a lease which ran out was left by a worker that could not say why.
        interrupted_because=case(
            (ModelRun.lease_token.is_not(None), WORKER_LOST), else_=ModelRun.interrupted_because
        ),
        attempts=ModelRun.attempts + 1,
        lease_token=token,
        lease_until=now + terms.lease,
    )
    return RunClaim(run_id, token) if taken else None


def renew(session: Session, held: RunClaim, *, now: datetime, lease: timedelta) -> bool:
    """Prolong a lease; False if the run is no longer the claim's."""
    return changed(session, ModelRun, _is_held(held), lease_until=now + lease)


def report(session: Session, held: RunClaim, standing: Standing) -> bool:
    """Say how far the run is; False if it is no longer the claim's."""
    return changed(
        session,
        ModelRun,
        _is_held(held),
        stage=standing.stage,
        step=standing.step,
        steps=standing.steps,
        seconds_left=standing.seconds_left,
        curves=standing.curves,
    )


def hand_back(
    session: Session, held: RunClaim, *, because: str, is_faultless: bool, until: datetime
) -> bool:
    """Give up a run unfinished and say why; without a fault it counts as no attempt.

    A sweep rings for it ``until`` has come.
    """
    return changed(
        session,
        ModelRun,
        _is_held(held),
        lease_token=None,
        lease_until=until,
        interrupted_because=because,
        attempts=ModelRun.attempts - int(is_faultless),
    )


def deliver(
    session: Session, held: RunClaim, archive: StoredArchive, *, now: datetime, lease: timedelta
) -> bool:
    """End a run of weights with its masks, which are scored next; False if nobody wants them.

    Whoever gets False undoes the transaction.
    """
    submission_id = _submission_of(session, held)
    return predictions.deliver(
        session,
        submission_id,
        key=archive.key,
        sha256=archive.sha256,
        size_bytes=archive.size_bytes,
        now=now,
        lease=lease,
    ) and _end(session, held, ModelRunState.FINISHED, now=now, failure=None)


def reject(
    session: Session,
    held: RunClaim,
    *,
    because: str,
    findings: Sequence[dict[str, Any]],
    now: datetime,
) -> str | None:
    """End a run whose weights are at fault, and its submission; return the key of the weights.

    None if nobody wants to know; whoever gets it undoes the transaction.
    """
    submission_id = _submission_of(session, held)
    key = predictions.reject(session, submission_id, findings=findings, now=now)
    return key if _end(session, held, ModelRunState.FAILED, now=now, failure=because) else None


def finish(session: Session, held: RunClaim, *, submission_id: int, now: datetime) -> bool:
    """End a run with the submission that was made of it."""
    return _end(
        session, held, ModelRunState.FINISHED, now=now, submission_id=submission_id, failure=None
    )


def fail(session: Session, held: RunClaim, *, because: str, now: datetime) -> bool:
    """End a run that would fail again however often it was tried, and what waits for it."""
    run = session.get_one(ModelRun, held.run_id)
    _lock_submission(session, run)
    failed = _end(session, held, ModelRunState.FAILED, now=now, failure=because)
    if failed:
        _fail_submission(session, run, now=now)
    return failed


def fail_hopeless(session: Session, settings: Settings, *, now: datetime) -> Sequence[FailedRun]:
    """End what was tried often enough or takes too long, and what waits for it."""
    is_exhausted = and_(ModelRun.attempts >= settings.max_attempts, is_free(ModelRun, now))
    hopeless = [is_exhausted | _is_overdue(settings, now), ModelRun.state.in_(IN_FLIGHT)]
    failed = []
    for run in session.scalars(select(ModelRun).where(*hopeless).order_by(ModelRun.id)).all():
        _lock_submission(session, run)
        because = _why(run, settings)
        ended = changed(
            session,
            ModelRun,
            [ModelRun.id == run.id, *hopeless],
            state=ModelRunState.FAILED,
            state_since=now,
            finished_at=now,
            failure=because,
            lease_token=None,
        )
        if ended:
            _fail_submission(session, run, now=now)
            failed.append(FailedRun(run.id, run.public_id, because))
    return failed


def to_ring_again(session: Session, *, now: datetime, lease: timedelta) -> Sequence[int]:
    """Return the ids of runs that nobody works on, each once a lease."""
    ids = session.scalars(
        select(ModelRun.id)
        .where(ModelRun.state.in_(IN_FLIGHT), ModelRun.lease_until <= now)
        .order_by(ModelRun.id)
    ).all()
    session.execute(
        update(ModelRun)
        .where(ModelRun.id.in_(ids), ModelRun.lease_until <= now)
        .values(
            interrupted_because=case(
                (ModelRun.lease_token.is_not(None), WORKER_LOST),
                else_=ModelRun.interrupted_because,
            ),
            lease_token=None,
            lease_until=now + lease,
        )
        .execution_options(synchronize_session=False)
    )
    return ids


def _lock_submission(session: Session, run: ModelRun) -> None:
    """Lock the submission that waits for a run before the run itself, as everybody does."""
    if run.is_of_weights and run.submission_id is not None:
        lock(session, run.submission_id)


def _fail_submission(session: Session, run: ModelRun, *, now: datetime) -> None:
    """End the submission that waits for a run that has failed: our fault.

    Its team is told that much; the run and the log say more, to operators.
    """
    if run.is_of_weights and run.submission_id is not None:
        was_begun = run.started_at is not None
        reason = attempts.WEIGHTS_NOT_RUN if was_begun else attempts.MASKS_LATE
        outcomes.fail(session, run.submission_id, awaits_masks(), reason=reason, now=now)


def _submission_of(session: Session, held: RunClaim) -> int:
    """Return the submission that a run of weights is for."""
    submission_id = session.scalars(
        select(ModelRun.submission_id).where(ModelRun.id == held.run_id)
    ).one()
    if submission_id is None:
        raise ValueError(f"{held} is of no submission")
    return submission_id


def _why(run: ModelRun, settings: Settings) -> str:
    if run.attempts < settings.max_attempts:
        return TOOK_TOO_LONG.format(state=run.state)
    is_lost = run.lease_token is not None or run.interrupted_because is None
    reason = WORKER_LOST if is_lost else run.interrupted_because
    return FAILURE.format(attempts=run.attempts, reason=reason)


def _is_overdue(settings: Settings, now: datetime) -> ColumnElement[bool]:
    return or_(
        *(
            and_(
                ModelRun.state == state,
                ModelRun.is_of_weights.is_(is_of_weights),
                ModelRun.state_since <= now - deadline(settings),
            )
            for is_of_weights, deadlines in ((False, DEADLINES), (True, DEADLINES_OF_WEIGHTS))
            for state, deadline in deadlines.items()
        )
    )


def _is_held(held: RunClaim) -> list[ColumnElement[bool]]:
    return [
        ModelRun.id == held.run_id,
        ModelRun.lease_token == held.token,
        ModelRun.state == ModelRunState.RUNNING,
    ]


def _end(
    session: Session, held: RunClaim, state: ModelRunState, *, now: datetime, **values: Any
) -> bool:
    return changed(
        session,
        ModelRun,
        [*_is_held(held), ModelRun.state.in_(before(state))],
        state=state,
        state_since=now,
        finished_at=now,
        lease_token=None,
        **values,
    )
