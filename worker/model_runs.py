"""One run of the reference model, from its claim to the entry that it makes.

The run itself is a process of its own (`model_process`); here it is kept, watched and recorded.
Whatever interrupts it hands the row back, and the next worker goes on from the last checkpoint.
"""

import hashlib
import logging
import shutil
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from server.errors import BoardNotOpen, BoardPaused, ServerError
from server.log_config import about, tell
from server.model_runs import claims, queries, service
from server.model_runs.claims import RunClaim
from server.models import ModelRunState, SplitName, new_public_id
from server.submissions import service as submissions
from server.submissions.service import StoredArchive
from worker import stopping, trouble
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
from worker.stopping import Stopping

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.5
REPORT_SECONDS = 2.0
POSTPONED = timedelta(minutes=10)
WORKER_STOPPED = "Its worker was stopped."
STILL_IN_USE = "What an earlier worker started has not ended yet."
ZIPS = {SplitName.VAL: "validation.zip", SplitName.TEST: "test.zip"}


class RunRefused(Exception):
    """The run would end so again however often it was tried; the message says why."""


class EntryPostponed(Exception):
    """The board takes no entry now and will later; the message says why."""


class RunBroken(Exception):
    """The process ended without a result; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """A run as its row described it when it was claimed."""

    public_id: str
    recipe: str
    seed: int | None
    subset: str
    split: SplitName
    user_id: int
    team_id: int
    images: Path


def run(context: Context, run_id: int) -> None:
    """Work on a run as far as there is something to do that nobody else does."""
    if stopping.is_announced():
        return
    with about(row=run_id):
        _forget_abandoned(context)
        with context.database.unit_of_work() as session:
            now = context.clock.now()
            held = claims.claim(session, run_id, now=now, terms=context.terms)
        if held is None:
            log.info("model run %d is done or held elsewhere", run_id)
            return
        _work_under(context, held)


def _work_under(context: Context, held: RunClaim) -> None:
    """Work under a claim, and let go of it whatever happens."""
    lease = context.settings.lease
    try:
        with Heartbeat(context, held, renew=claims.renew) as heartbeat:
            task = _read(context, held)
            folder = context.settings.model_runs / task.public_id
            with locked(folder) as lock:
                with ModelProcess(_words(context, task, folder), folder=folder, lock=lock) as model:
                    _watch(context, held, heartbeat, model, folder)
                _enter(context, held, task, folder)
    except LeaseLost as lost:
        log.warning("%s; nothing was recorded", lost)
        _forget_abandoned(context)
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


def _read(context: Context, held: RunClaim) -> _Task:
    with context.database.reading() as session:
        row = queries.to_work_on(session, held.run_id)
        tell(model_run=row.public_id, attempt=row.attempts)
        split = row.board.split
        images = Path(split.image_folder or "")
        if not split.image_folder or not images.is_dir():
            raise RunRefused(
                f"There is no folder {split.image_folder} on the worker's machine; the operator "
                f"registers where it sees the images of {split.subset.slug} {split.name}."
            )
        return _Task(
            public_id=row.public_id,
            recipe=row.recipe,
            seed=row.seed,
            subset=split.subset.slug,
            split=split.name,
            user_id=row.user_id,
            team_id=row.team_id,
            images=images,
        )


def _words(context: Context, task: _Task, folder: Path) -> list[str]:
    """Return what `luss pass` is told."""
    settings = context.settings
    return [
        *("run", "--recipe", task.recipe, "--data", str(task.images), "--out", str(folder)),
        *("--device", settings.model_device),
        *("--checkpoint-seconds", str(settings.model_checkpoint_seconds)),
        *(() if task.seed is None else ("--seed", str(task.seed))),
    ]


def _watch(
    context: Context, held: RunClaim, heartbeat: Heartbeat, model: ModelProcess, folder: Path
) -> None:
    """Report what the process says of itself until it has ended well.

    Raises:
        LeaseLost, Stopping: it should not go on.
        RunRefused, RunBroken: it ended otherwise.
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
    if model.exit_code == 0:
        return
    if 0 < model.exit_code < INTERRUPTED:
        raise RunRefused(model.last_words)
    raise RunBroken(model.last_words)


def _report(context: Context, held: RunClaim, folder: Path) -> None:
    with context.database.unit_of_work() as session:
        if not claims.report(session, held, standing_of(folder)):
            raise LeaseLost(held)


def _enter(context: Context, held: RunClaim, task: _Task, folder: Path) -> None:
    """Submit what was made, as anybody would, and finish the run with it: both or neither.

    Raises:
        LeaseLost: the run is no longer the claim's; nothing was recorded.
        EntryPostponed: the board takes no entry now.
        RunRefused: it will take none.
    """
    public_id = new_public_id()
    key = submissions.archive_key(public_id)
    with (folder / "predict" / ZIPS[task.split]).open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        archive = StoredArchive(public_id=public_id, key=key, sha256=sha256, size_bytes=file.tell())
        try:
            with submissions.stored(context.store, archive, file):
                _record(context, held, task, archive)
        except (BoardNotOpen, BoardPaused) as error:
            raise EntryPostponed(error.message) from error
        except ServerError as error:
            raise RunRefused(error.message) from error


def _record(context: Context, held: RunClaim, task: _Task, archive: StoredArchive) -> None:
    with context.database.unit_of_work() as session:
        now = context.clock.now()
        submission = submissions.accept(
            session,
            service.entry_for(subset=task.subset, split=task.split),
            archive,
            user_id=task.user_id,
            team_id=task.team_id,
            idempotency_key=None,
            now=now,
            lease=context.settings.lease,
            is_run_here=True,
        )
        if not claims.finish(session, held, submission_id=submission.id, now=now):
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


def _forget_abandoned(context: Context) -> None:
    """Delete the folders of runs that were cancelled; those that ended otherwise are kept."""
    folder = context.settings.model_runs
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    for name in names:
        with context.database.reading() as session:
            row = queries.one(session, name)
        if row is not None and row.state is ModelRunState.CANCELLED:
            try:
                with locked(folder / name):
                    shutil.rmtree(folder / name)
            except FolderInUse:
                continue
