"""The API of submissions."""

from collections.abc import Sequence

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from server.dependencies import (
    ApiViewerDep,
    ReadingDep,
    Rooms,
    RoomsDep,
    WorkDep,
    signed_in,
    submitter,
)
from server.errors import EntryEnded, EntryUnderWay, FieldInvalid, NotAllowed, NotFound
from server.models import Submission
from server.submissions import queries
from server.submissions.api_description import CREATE_ANSWERS, CREATE_REQUEST
from server.submissions.changes import SubmissionChanges, changes_of
from server.submissions.editing import edit
from server.submissions.intake import Intake
from server.submissions.lookup import position_of, submission_named
from server.submissions.schemas import SubmissionList, SubmissionPayload, payload_of
from server.submissions.waiting import places_of
from server.submissions.withdrawal import withdraw
from server.visibility import Reader
from server.web.api_description import TOKEN, TOKEN_OR_NOBODY, problems
from server.web.parameters import Cursor, PageSize, SubmissionId

router = APIRouter(prefix="/api/v1/submissions", tags=["submissions"])


@router.post(
    "",
    status_code=201,
    response_model=SubmissionPayload,
    responses=CREATE_ANSWERS,
    openapi_extra=CREATE_REQUEST,
)
async def create(request: Request, built: RoomsDep) -> Response:
    """Take a submission: multipart, fields first, the archive last."""
    public_id = await Intake(request, built, browser=False).take()
    payload = await to_thread.run_sync(_written, built, public_id)
    return JSONResponse(
        payload.model_dump(mode="json"), status_code=201, headers={"Location": payload.url}
    )


@router.get("", responses=problems(FieldInvalid), openapi_extra=TOKEN)
def index(
    viewer: ApiViewerDep,
    session: ReadingDep,
    built: RoomsDep,
    cursor: Cursor = None,
    limit: PageSize = 20,
) -> SubmissionList:
    """List the caller's submissions, newest first."""
    signed_in(viewer)
    before_id = position_of(session, cursor, team_ids=viewer.team_ids)
    rows = queries.of_teams(session, viewer.team_ids, before_id=before_id, limit=limit + 1)
    return SubmissionList(
        submissions=_payloads(session, built, rows[:limit], viewer.reader),
        next_cursor=rows[limit - 1].public_id if len(rows) > limit else None,
    )


@router.get("/{submission_id}", responses=problems(NotFound), openapi_extra=TOKEN_OR_NOBODY)
def show(
    submission_id: SubmissionId, viewer: ApiViewerDep, session: ReadingDep, built: RoomsDep
) -> SubmissionPayload:
    """Return one submission: the caller's own, or a public one that was scored."""
    submission = submission_named(session, submission_id, viewer.reader)
    return _payloads(session, built, [submission], viewer.reader)[0]


@router.patch(
    "/{submission_id}",
    responses=problems(NotAllowed, NotFound, EntryEnded, EntryUnderWay),
    openapi_extra=TOKEN,
)
def change(
    submission_id: SubmissionId,
    said: SubmissionChanges,
    viewer: ApiViewerDep,
    session: WorkDep,
    built: RoomsDep,
) -> SubmissionPayload:
    """Change the method card of a submission of the caller's, or who may see it.

    What was declared for the protocol stays as it was entered.
    """
    submitter(viewer)
    submission = edit(
        session,
        submission_id,
        changes_of(said),
        team_ids=viewer.team_ids,
        now=built.clock.now(),
    )
    return _changed(session, built, submission, viewer.reader)


@router.delete(
    "/{submission_id}", responses=problems(NotAllowed, NotFound, EntryEnded), openapi_extra=TOKEN
)
def take_back(
    submission_id: SubmissionId, viewer: ApiViewerDep, session: WorkDep, built: RoomsDep
) -> SubmissionPayload:
    """Withdraw a submission of the caller's, for good; it keeps its place in the quota."""
    submitter(viewer)
    submission = withdraw(session, submission_id, team_ids=viewer.team_ids, now=built.clock.now())
    return _changed(session, built, submission, viewer.reader)


def _changed(
    session: Session, built: Rooms, submission: Submission, reader: Reader
) -> SubmissionPayload:
    session.flush()  # what is expired before it is written is lost
    session.expire_all()
    return _payloads(session, built, [queries.one(session, submission.public_id)], reader)[0]


def _written(built: Rooms, public_id: str) -> SubmissionPayload:
    with built.database.reading() as session:
        submission = queries.one(session, public_id)
        sender = Reader(team_ids=(submission.team_id,))
        return _payloads(session, built, [submission], sender)[0]


def _payloads(
    session: Session, built: Rooms, rows: Sequence[Submission], reader: Reader
) -> list[SubmissionPayload]:
    queue = places_of(
        session, rows, now=built.clock.now(), shard_images=built.settings.shard_images
    )
    return [
        payload_of(row, reader, place=queue.get(row.id), site_url=built.settings.site_url)
        for row in rows
    ]
