"""What organizers do with the reference model: start a run, cancel one. The rules, without the web.

A run ends in an entry like anybody's, for a team of the organizer who started it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from server.addresses import unknown
from server.entry_kinds import check_images
from server.errors import ClassCountDiffers, FieldInvalid
from server.jobs.queue import RUN_MODEL, Job, ring_after_commit
from server.log_config import tell
from server.model_runs.recipes import PROTOCOL, RECIPES
from server.model_runs.states import IN_FLIGHT
from server.models import ModelRun, ModelRunState, SplitName, new_public_id
from server.protocols import FACT_KEYS
from server.submissions.leases import changed
from server.submissions.service import Entry, admit_run

DECLARED: Mapping[str, bool] = {key: key == "label_generation" for key in FACT_KEYS}
"""What holds for every entry of `luss pass run`: labels are generated, and nothing else."""
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run, and on whose board; without a seed the recipe's own."""

    recipe: str
    subset: str
    split: SplitName
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """Who starts a run, and for which of their teams."""

    user_id: int
    team_id: int


def start(
    session: Session, order: Order, by: Starter, *, now: datetime, lease: timedelta
) -> ModelRun:
    """Make the row of a reference run; it is rung when the row is committed.

    Raises:
        NotFound: there is no such recipe or board.
        FieldInvalid: the seed is out of range.
        ClassCountDiffers: the recipe is for data sets with another number of categories.
        TruthMissing, ImagesMissing: the split cannot be scored or predicted here.
        BoardNotOpen, BoardPaused: the board takes no entries now.
    """
    choice = RECIPES.get(order.recipe)
    if choice is None:
        raise unknown(order.recipe, RECIPES, "recipe")
    if order.seed is not None and not 0 <= order.seed <= LARGEST_SEED:
        raise FieldInvalid(
            f"The seed is {order.seed}; it may be 0 to {LARGEST_SEED}.", field="seed"
        )
    board = admit_run(session, entry_for(subset=order.subset, split=order.split), now=now)
    if choice.classes not in {None, board.split.subset.classes}:
        raise ClassCountDiffers(
            f"The recipe {order.recipe} is for {choice.classes} categories, and {order.subset} has "
            f"{board.split.subset.classes}; choose another recipe."
        )
    check_images(board)
    run = ModelRun(
        public_id=new_public_id(),
        board_id=board.id,
        team_id=by.team_id,
        user_id=by.user_id,
        created_at=now,
        recipe=order.recipe,
        seed=order.seed,
        state=ModelRunState.WAITING,
        state_since=now,
        curves={},
        lease_until=now + lease,
    )
    session.add(run)
    session.flush()  # the message carries its id
    tell(model_run=run.public_id)
    ring_after_commit(session, Job(RUN_MODEL, run.id))
    return run


def cancel(session: Session, run: ModelRun, *, now: datetime) -> bool:
    """Stop a run; False if it has ended already. Whoever works on it notices within seconds."""
    return changed(
        session,
        ModelRun,
        [ModelRun.id == run.id, ModelRun.state.in_(IN_FLIGHT)],
        state=ModelRunState.CANCELLED,
        state_since=now,
        finished_at=now,
        lease_token=None,
    )


def entry_for(*, subset: str, split: SplitName) -> Entry:
    """Return the entry that a run makes; its method card lies in the archive."""
    return Entry(protocol=PROTOCOL, subset=subset, split=split, declarations=DECLARED)
