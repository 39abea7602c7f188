"""The pages of reference runs, for organizers: start one, watch one, cancel one."""

from fastapi import APIRouter, Request, Response

from server.addresses import split_named
from server.dependencies import (
    CheckedForm,
    OrganizerPageDep,
    ReadingDep,
    RoomsDep,
    signed_in,
)
from server.errors import FieldInvalid, NotFound, ServerError
from server.jobs.queue import MODEL_QUEUE
from server.model_runs import queries, service
from server.model_runs.run_page import PATH, run_page, runs_page
from server.model_runs.service import Order, Starter
from server.operations import workers
from server.web.form_page import Text
from server.web.parameters import Cursor
from server.web.redirects import see_other
from server.web.templating import render, render_refused

router = APIRouter(include_in_schema=False, prefix=PATH)


@router.get("")
def index(
    request: Request,
    built: RoomsDep,
    session: ReadingDep,
    viewer: OrganizerPageDep,
    cursor: Cursor = None,
) -> Response:
    before_id = None if cursor is None else queries.id_of(session, cursor)
    if cursor is not None and before_id is None:
        raise FieldInvalid("cursor must be that of the page before.", field="cursor")
    page = runs_page(
        session,
        request.query_params,
        teams=viewer.teams,
        has_worker=workers.serve(session, MODEL_QUEUE, now=built.clock.now()),
        before_id=before_id,
    )
    return render(request, page)


@router.post("", dependencies=[CheckedForm])
def start(
    request: Request,
    built: RoomsDep,
    viewer: OrganizerPageDep,
    *,
    recipe: Text = "",
    board: Text = "",
    team: Text = "",
    seed: Text = "",
) -> Response:
    typed = {"recipe": recipe, "board": board, "team": team, "seed": seed}
    try:
        order = _order(recipe=recipe, board=board, seed=seed)
        by = Starter(user_id=signed_in(viewer), team_id=viewer.team_named(team).id)
        with built.database.unit_of_work() as session:
            now, lease = built.clock.now(), built.settings.lease
            run = service.start(session, order, by, now=now, lease=lease)
    except ServerError as refused:
        with built.database.reading() as session:
            page = runs_page(
                session,
                typed,
                teams=viewer.teams,
                has_worker=workers.serve(session, MODEL_QUEUE, now=built.clock.now()),
                refused=refused,
            )
        return render_refused(request, page, refused)
    return see_other(f"{PATH}/{run.public_id}")


@router.get("/{run_id}")
def show(
    request: Request, built: RoomsDep, session: ReadingDep, _viewer: OrganizerPageDep, run_id: str
) -> Response:
    run = queries.one(session, run_id)
    if run is None:
        raise NotFound(f"There is no reference run {run_id}.")
    has_worker = workers.serve(session, MODEL_QUEUE, now=built.clock.now())
    return render(request, run_page(run, has_worker=has_worker))


@router.post("/{run_id}/cancel", dependencies=[CheckedForm])
def cancel(built: RoomsDep, _viewer: OrganizerPageDep, run_id: str) -> Response:
    with built.database.unit_of_work() as session:
        run = queries.one(session, run_id)
        if run is None:
            raise NotFound(f"There is no reference run {run_id}.")
        service.cancel(session, run, now=built.clock.now())
    return see_other(f"{PATH}/{run_id}")


def _order(*, recipe: str, board: str, seed: str) -> Order:
    """Read the form.

    Raises:
        FieldInvalid: the seed is no whole number.
        NotFound: there is no such split.
    """
    if seed.strip() and not seed.strip().isdecimal():
        raise FieldInvalid(f"The seed is {seed!r}; it is a whole number or empty.", field="seed")
    subset, _, split = board.partition("/")
    return Order(
        recipe=recipe,
        subset=subset,
        split=split_named(split),
        seed=int(seed) if seed.strip() else None,
    )
