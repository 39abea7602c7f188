"""One run of the reference model, from its claim to what it makes.

What it is told and what becomes of its result depends on its kind (`model_tasks`). The run itself
is a process of its own (`model_process`); here it is kept, watched and recorded. Whatever
interrupts it hands the row back, and the next worker goes on from the last checkpoint.
"""

import logging
import shutil
import time
from datetime import timedelta
from pathlib import Path

from server.log_config import about
from server.model_runs import claims, queries
from server.model_runs.claims import RunClaim
from worker import model_tasks, stopping, trouble
from worker.context import Context
from worker.heartbeat import Heartbeat, LeaseLost
from worker.holding import reason_of
from worker.model_process import (
    INTERRUPTED,
    FolderInUse,
    ModelProcess,
    locked,
    standing_of,
)
from worker.model_tasks import EntryPostponed, RunBroken, RunRefused, Task, WeightsAtFault
from worker.stopping import Stopping

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.5
REPORT_SECONDS = 2.0
POSTPONED = timedelta(minutes=10)
WORKER_STOPPED = "Its worker was stopped."
STILL_IN_USE = "What an earlier worker started has not ended yet."


def run(context: Context, run_id: int) -> None:
    """Work on a run as far as there is something to do that nobody else does."""
    if stopping.is_announced():
        return
    with about(row=run_id):
        _forget_ended(context)
        with context.database.unit_of_work() as session:
            now = context.clock.now()
            held = claims.claim(session, run_id, now=now, terms=context.terms)
        if held is None:
            log.info("model run %d is done or held elsewhere", run_id)
            return
        try:
            _work_under(context, held)
        finally:
            _forget_ended(context)


def _work_under(context: Context, held: RunClaim) -> None:
    """Work under a claim, and let go of it whatever happens."""
    lease = context.settings.lease
    try:
        with Heartbeat(context, held, renew=claims.renew) as heartbeat:
            task = model_tasks.read(context, held)
            folder = context.settings.model_runs / task.public_id
            with locked(folder) as lock:
                try:
                    with (
                        task.words(context, folder) as words,
                        ModelProcess(words, folder=folder, lock=lock) as model,
                    ):
                        _watch(context, held, heartbeat, model, folder)
                    _check_end(model, task)
                    task.record(context, held, folder)
                except WeightsAtFault as fault:
                    log.warning("%s: the weights are at fault: %s", held, fault)
                    model_tasks.reject(context, held, str(fault))
    except LeaseLost as lost:
        log.warning("%s; nothing was recorded", lost)
    except RunRefused as refused:
        log.warning("%s failed: %s", held, refused)
        with context.database.unit_of_work() as session:
            claims.fail(session, held, because=str(refused), now=context.clock.now())
    except Stopping:
        log.warning("handing %s back, as this worker stops", held)
        _hand_back(context, held, WORKER_STOPPED, is_faultless=True)
    except EntryPostponed as postponed:
        log.warning("%s has to wait: %s", held, postponed)
        _hand_back(context, held, str(postponed), is_faultless=True, pause=POSTPONED)
    except FolderInUse:
        log.warning("%s has to wait: %s", held, STILL_IN_USE)
        _hand_back(context, held, STILL_IN_USE, is_faultless=True, pause=lease)
    except Exception as error:  # the task boundary: logged here, tried again by the sweeper
        log.exception("%s could not be finished, handing it back", held)
        passing = trouble.told_by(error)
        because = str(error) if isinstance(error, RunBroken) else f"{passing or reason_of(error)}."
        is_faultless = passing is not None
        pause = lease if is_faultless else timedelta(0)
        _hand_back(context, held, because, is_faultless=is_faultless, pause=pause)


def _watch(
    context: Context, held: RunClaim, heartbeat: Heartbeat, model: ModelProcess, folder: Path
) -> None:
    """Report what the process says of itself until it has ended.

    Raises:
        LeaseLost, Stopping: it should not go on.
    """
    reported_at = -REPORT_SECONDS
    while not model.ended_within(LOOK_SECONDS):
        heartbeat.check()
        if stopping.is_announced():
            raise Stopping
        if time.monotonic() - reported_at >= REPORT_SECONDS:
            _report(context, held, folder)
            reported_at = time.monotonic()
    _report(context, held, folder)


def _check_end(model: ModelProcess, task: Task) -> None:
    """See that the process has ended well.

    Raises:
        RunRefused, RunBroken, WeightsAtFault: it ended otherwise.
    """
    if model.exit_code == 0:
        return
    if 0 < model.exit_code < INTERRUPTED:
        raise task.ended_badly(model)
    raise RunBroken(model.last_words)


def _report(context: Context, held: RunClaim, folder: Path) -> None:
    with context.database.unit_of_work() as session:
        if not claims.report(session, held, standing_of(folder)):
            raise LeaseLost(held)


def _hand_back(
    context: Context,
    held: RunClaim,
    because: str,
    *,
    is_faultless: bool,
    pause: timedelta = timedelta(0),
) -> None:
    until = context.clock.now() + pause
    with context.database.unit_of_work() as session:
        claims.hand_back(session, held, because=because, is_faultless=is_faultless, until=until)


def _forget_ended(context: Context) -> None:
    """Delete the folders of runs that have ended and need none any more."""
    folder, days = context.settings.model_runs, context.settings.model_run_retention_days
    ended_after = context.clock.now() - timedelta(days=days) if days else None
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    for name in names:
        with context.database.reading() as session:
            is_needed = queries.has_use_for_its_folder(session, name, ended_after=ended_after)
        if not is_needed:
            try:
                with locked(folder / name):
                    shutil.rmtree(folder / name)
            except FolderInUse:
                continue
