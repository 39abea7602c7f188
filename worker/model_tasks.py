"""What the two kinds of model runs are told to do, and what becomes of what they make.

A reference run learns by itself and ends in an entry like anybody's. A run of weights makes the
masks of a submission that waits for them, by the official distance matching.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from evaluator import Code, Finding
from server.errors import BoardNotOpen, BoardPaused, ServerError
from server.log_config import tell
from server.model_runs import claims, queries, service
from server.model_runs.claims import RunClaim
from server.models import ModelRun, SplitName, new_public_id
from server.submissions import service as submissions
from server.submissions.service import StoredArchive
from worker.context import Context
from worker.heartbeat import LeaseLost
from worker.model_process import ModelProcess

FOLDERS = {SplitName.VAL: "validation", SplitName.TEST: "test"}
"""What splits are called in a data set of ImageNet-S layout."""
LONGEST_MESSAGE = 500


class RunRefused(Exception):
    """The run would end so again however often it was tried; the message says why."""


class EntryPostponed(Exception):
    """The board takes no entry now and will later; the message says why."""


class RunBroken(Exception):
    """The process ended without a result; the message says how."""


class WeightsAtFault(Exception):
    """The weights that were submitted cannot be run by anybody; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(ABC):
    """A run as its row described it when it was claimed."""

    public_id: str
    recipe: str
    split: SplitName
    images: Path

    @abstractmethod
    def words(self, context: Context, folder: Path) -> AbstractContextManager[list[str]]:
        """Give what `luss pass` is told; files among it are there until the context ends."""

    @abstractmethod
    def ended_badly(self, model: ModelProcess) -> Exception:
        """Return what it means that the process has ended by itself without a result."""

    @abstractmethod
    def record(self, context: Context, held: RunClaim, folder: Path) -> None:
        """Store what was made, and finish the run with it: both or neither.

        Raises:
            LeaseLost: the run is no longer the claim's; nothing was recorded.
            EntryPostponed: the board takes no entry now.
            RunRefused: it will take none.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceTask(Task):
    """A whole run of a recipe."""

    seed: int | None
    subset: str
    user_id: int
    team_id: int

    @contextmanager
    def words(self, context: Context, folder: Path) -> Iterator[list[str]]:
        settings = context.settings
        yield [
            *("run", "--recipe", self.recipe, "--data", str(self.images), "--out", str(folder)),
            *("--device", settings.model_device),
            *("--checkpoint-seconds", str(settings.model_checkpoint_seconds)),
            *(() if self.seed is None else ("--seed", str(self.seed))),
        ]

    def ended_badly(self, model: ModelProcess) -> Exception:
        return RunRefused(model.last_words)

    def record(self, context: Context, held: RunClaim, folder: Path) -> None:
        with (folder / "predict" / f"{FOLDERS[self.split]}.zip").open("rb") as file:
            archive = _archive_of(file, public_id=new_public_id())
            try:
                with submissions.stored(context.store, archive, file):
                    self._enter(context, held, archive)
            except (BoardNotOpen, BoardPaused) as error:
                raise EntryPostponed(error.message) from error
            except ServerError as error:
                raise RunRefused(error.message) from error

    def _enter(self, context: Context, held: RunClaim, archive: StoredArchive) -> None:
        with context.database.unit_of_work() as session:
            now = context.clock.now()
            submission = submissions.accept(
                session,
                service.entry_for(subset=self.subset, split=self.split),
                archive,
                user_id=self.user_id,
                team_id=self.team_id,
                idempotency_key=None,
                now=now,
                lease=context.settings.lease,
                is_run_here=True,
            )
            if not claims.finish(session, held, submission_id=submission.id, now=now):
                raise LeaseLost(held)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsTask(Task):
    """The official distance matching with weights that a participant has submitted."""

    weights_key: str
    weights_sha256: str

    @contextmanager
    def words(self, context: Context, folder: Path) -> Iterator[list[str]]:
        with context.store.as_file(self.weights_key, sha256=self.weights_sha256) as weights:
            yield [
                *("distance-match", "--weights", str(weights), "--recipe", self.recipe),
                *("--data", str(self.images), "--out", str(folder), "--split", self.split),
                *("--device", context.settings.model_device),
            ]

    def ended_badly(self, model: ModelProcess) -> Exception:
        kind = WeightsAtFault if model.blames_weights else RunBroken
        return kind(model.last_words)

    def record(self, context: Context, held: RunClaim, folder: Path) -> None:
        with (folder / "distance-matching" / f"{FOLDERS[self.split]}.zip").open("rb") as file:
            # The key is new each time: a worker that lost its lease deletes nothing of another's.
            archive = _archive_of(file, public_id=new_public_id())
            with (
                submissions.stored(context.store, archive, file),
                context.database.unit_of_work() as session,
            ):
                now, lease = context.clock.now(), context.settings.lease
                if not claims.deliver(session, held, archive, now=now, lease=lease):
                    raise LeaseLost(held)


def read(context: Context, held: RunClaim) -> Task:
    """Read what there is to do.

    Raises:
        RunRefused: the images are not where this worker sees them.
    """
    with context.database.reading() as session:
        row = queries.to_work_on(session, held.run_id)
        tell(model_run=row.public_id, attempt=row.attempts)
        return _task_of(row, images=_images_of(row))


def reject(context: Context, held: RunClaim, because: str) -> None:
    """Tell the participant what is wrong with the weights, and delete them.

    Raises:
        LeaseLost: the run is no longer the claim's; nothing was recorded.
    """
    message = f"These weights cannot be run: {because[:LONGEST_MESSAGE]}"
    finding = Finding.of(Code.WEIGHTS_UNUSABLE, message)
    with context.database.unit_of_work() as session:
        key = claims.reject(
            session,
            held,
            because=because,
            findings=[finding.to_json()],
            now=context.clock.now(),
        )
        if key is None:
            raise LeaseLost(held)
    context.store.delete(key)


def _images_of(row: ModelRun) -> Path:
    split = row.board.split
    images = Path(split.image_folder or "")
    if not split.image_folder or not images.is_dir():
        raise RunRefused(
            f"There is no folder {split.image_folder} on the worker's machine; the operator "
            f"registers where it sees the images of {split.subset.slug} {split.name}."
        )
    return images


def _task_of(row: ModelRun, *, images: Path) -> Task:
    split, entry = row.board.split, row.submission
    if not row.is_of_weights:
        return ReferenceTask(
            public_id=row.public_id,
            recipe=row.recipe,
            seed=row.seed,
            subset=split.subset.slug,
            split=split.name,
            user_id=row.user_id,
            team_id=row.team_id,
            images=images,
        )
    if entry is None or entry.weights_key is None or entry.weights_sha256 is None:
        raise RunRefused("The weights that this run is for are gone.")
    return WeightsTask(
        public_id=row.public_id,
        recipe=row.recipe,
        split=split.name,
        images=images,
        weights_key=entry.weights_key,
        weights_sha256=entry.weights_sha256,
    )


def _archive_of(file: BufferedReader, *, public_id: str) -> StoredArchive:
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    key = submissions.archive_key(public_id)
    return StoredArchive(public_id=public_id, key=key, sha256=sha256, size_bytes=file.tell())
