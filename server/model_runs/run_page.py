"""From runs to their pages."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from server.dependencies import ViewerTeam
from server.errors import ServerError
from server.model_runs import queries
from server.model_runs.contexts import RunLine, RunPage, RunsPage
from server.model_runs.curves import curves_of
from server.model_runs.recipes import RECIPES, STAGES
from server.model_runs.states import FINAL
from server.models import ModelRun, ModelRunState
from server.web.board_links import board_link, board_title
from server.web.form_page import InputField, filled_fields
from server.web.links import Choice, Link
from server.web.refusal import refusal_of
from server.web.stage import Stage

PATH = "/reference-runs"
PAGE_LENGTH = 20
SEED = InputField(
    name="seed",
    label="Seed",
    hint="A whole number; empty for the recipe's own.",
    is_required=False,
)


def runs_page(
    session: Session,
    typed: Mapping[str, str],
    *,
    teams: Sequence[ViewerTeam],
    has_worker: bool,
    before_id: int | None = None,
    refused: ServerError | None = None,
) -> RunsPage:
    """List runs, and fill the form with what was typed; ``refused`` says what is wrong with it."""
    rows = queries.latest(session, before_id=before_id, limit=PAGE_LENGTH + 1)
    refusal = refusal_of(refused)
    (seed,) = filled_fields((SEED,), typed, refusal)
    return RunsPage(
        refusal=refusal,
        has_worker=has_worker,
        recipes=tuple(
            Choice(
                value=name, text=f"{name}: {choice.title}", is_chosen=typed.get("recipe") == name
            )
            for name, choice in RECIPES.items()
        ),
        boards=tuple(
            Choice(value=value, text=board_title(board), is_chosen=typed.get("board") == value)
            for board in queries.open_boards(session)
            for value in [f"{board.split.subset.slug}/{board.split.name}"]
        ),
        teams=tuple(
            Choice(
                value=team.public_id, text=team.name, is_chosen=typed.get("team") == team.public_id
            )
            for team in (teams if len(teams) > 1 else ())
        ),
        seed=seed,
        lines=tuple(_line(row) for row in rows[:PAGE_LENGTH]),
        is_first_page=before_id is None,
        older_url=f"?cursor={rows[PAGE_LENGTH - 1].public_id}" if len(rows) > PAGE_LENGTH else None,
    )


def run_page(run: ModelRun, *, has_worker: bool) -> RunPage:
    return RunPage(
        public_id=run.public_id,
        recipe=run.recipe,
        recipe_title=RECIPES[run.recipe].title,
        seed=run.seed,
        board=board_link(run.board),
        team=run.team.name,
        started_by=run.user.name,
        state=run.state,
        is_final=run.state in FINAL,
        has_worker=has_worker,
        stages=_stages(run),
        step=run.step,
        steps=run.steps,
        seconds_left=run.seconds_left if run.state is ModelRunState.RUNNING else None,
        curves=curves_of(run.curves),
        attempts=run.attempts,
        interrupted_because=None if run.state in FINAL else run.interrupted_because,
        failure=run.failure,
        entry=_entry(run),
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


def _line(run: ModelRun) -> RunLine:
    return RunLine(
        url=f"{PATH}/{run.public_id}",
        recipe=run.recipe,
        board=board_link(run.board),
        state=run.state,
        created_at=run.created_at,
        entry=_entry(run),
    )


def _entry(run: ModelRun) -> Link | None:
    entry = run.submission
    if entry is None:
        return None
    return Link(text=entry.state, url=f"/submissions/{entry.public_id}")


def _stages(run: ModelRun) -> tuple[Stage, ...]:
    """Mark what is done, what is under way, and where a run has stopped."""
    if run.state is ModelRunState.FINISHED:
        reached = len(STAGES)
    else:
        reached = STAGES.index(run.stage) if run.stage in STAGES else 0
    here = "stopped" if run.state in FINAL else "current"
    marks = ["done"] * reached + [here] + ["ahead"] * len(STAGES)
    return tuple(
        Stage(title=stage.capitalize(), mark=mark)
        for stage, mark in zip(STAGES, marks, strict=False)
    )
