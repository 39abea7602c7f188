"""The pages of submissions: enter one, see one's own, follow one."""

from datetime import datetime

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from server.dependencies import (
    PageViewerDep,
    ReadingDep,
    Rooms,
    RoomsDep,
    SignedInPageDep,
    page_member,
    page_viewer,
)
from server.errors import NotSignedIn, ServerError
from server.jobs.queue import MODEL_QUEUE, SCORE_QUEUE
from server.models import Submission
from server.operations import workers
from server.submissions import queries
from server.submissions.contexts import OwnSubmissionsPage
from server.submissions.intake import Intake
from server.submissions.lookup import position_of, submission_named
from server.submissions.states import IN_FLIGHT
from server.submissions.submission_page import submission_line, submission_page
from server.submissions.submit_page import submit_page
from server.submissions.waiting import places_of
from server.web.parameters import Cursor
from server.web.redirects import see_other
from server.web.templating import render, render_refused

router = APIRouter(include_in_schema=False)
PAGE_LENGTH = 20
DONE = {"saved": "Your changes are saved."}


@router.get("/submit")
def form(
    request: Request, viewer: SignedInPageDep, session: ReadingDep, built: RoomsDep
) -> Response:
    page = submit_page(
        session,
        request.query_params,
        settings=built.settings,
        teams=viewer.teams,
        now=built.clock.now(),
    )
    return render(request, page)


@router.post("/submit")
async def create(request: Request, built: RoomsDep) -> Response:
    intake = Intake(request, built, browser=True)
    try:
        public_id = await intake.take()
    except NotSignedIn:
        raise
    except ServerError as refused:
        return await to_thread.run_sync(_form_again, request, built, intake.fields, refused)
    return see_other(f"/submissions/{public_id}")


def _form_again(
    request: Request, built: Rooms, typed: dict[str, str], refused: ServerError
) -> Response:
    teams = page_member(page_viewer(request, built)).teams
    with built.database.reading() as session:
        page = submit_page(
            session,
            typed,
            settings=built.settings,
            teams=teams,
            now=built.clock.now(),
            refused=refused,
        )
    return render_refused(request, page, refused)


@router.get("/submissions")
def own(
    request: Request, viewer: SignedInPageDep, session: ReadingDep, cursor: Cursor = None
) -> Response:
    before_id = position_of(session, cursor, team_ids=viewer.team_ids)
    rows = queries.of_teams(session, viewer.team_ids, before_id=before_id, limit=PAGE_LENGTH + 1)
    page = OwnSubmissionsPage(
        lines=tuple(submission_line(row, viewer.reader) for row in rows[:PAGE_LENGTH]),
        is_first_page=cursor is None,
        older_url=f"?cursor={rows[PAGE_LENGTH - 1].public_id}" if len(rows) > PAGE_LENGTH else None,
    )
    return render(request, page)


@router.get("/submissions/{submission_id}")
def show(
    request: Request,
    submission_id: str,
    viewer: PageViewerDep,
    session: ReadingDep,
    built: RoomsDep,
    *,
    done: str = "",
) -> Response:
    submission = submission_named(session, submission_id, viewer.reader)
    queue = places_of(
        session,
        [submission],
        now=built.clock.now(),
        shard_images=built.settings.shard_images,
    )
    page = submission_page(
        session,
        submission,
        viewer.reader,
        place=queue.get(submission.id),
        is_unserved=_is_unserved(session, submission, now=built.clock.now()),
        done=DONE.get(done, ""),
    )
    return render(request, page)


def _is_unserved(session: Session, submission: Submission, *, now: datetime) -> bool:
    """Tell whether there is work to do and no worker that lives takes such work."""
    queue = MODEL_QUEUE if submission.awaits_masks else SCORE_QUEUE
    return submission.state in IN_FLIGHT and not workers.serve(session, queue, now=now)
