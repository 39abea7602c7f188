"""The API of submissions."""

from collections.abc import Sequence

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from server.dependencies import ApiViewerDep, ReadingDep, Rooms, RoomsDep, signed_in
from server.errors import FieldInvalid, NotFound
from server.models import Submission
from server.submissions import queries
from server.submissions.api_description import CREATE_ANSWERS, CREATE_REQUEST
from server.submissions.intake import Intake
from server.submissions.lookup import submission_named
from server.submissions.schemas import SubmissionList, SubmissionPayload, payload_of
from server.submissions.waiting import places_of
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
    before_id = None
    if cursor is not None:
        before_id = queries.id_of_own(session, cursor, team_ids=viewer.team_ids)
        if before_id is None:
            raise FieldInvalid("cursor must be the next_cursor of the page before.", field="cursor")
    rows = queries.of_teams(session, viewer.team_ids, before_id=before_id, limit=limit + 1)
    return SubmissionList(
        submissions=_payloads(session, built, rows[:limit]),
        next_cursor=rows[limit - 1].public_id if len(rows) > limit else None,
    )


@router.get("/{submission_id}", responses=problems(NotFound), openapi_extra=TOKEN_OR_NOBODY)
def show(
    submission_id: SubmissionId, viewer: ApiViewerDep, session: ReadingDep, built: RoomsDep
) -> SubmissionPayload:
    """Return one submission: the caller's own, or a public one that was scored."""
    submission = submission_named(session, submission_id, team_ids=viewer.team_ids)
    return _payloads(session, built, [submission])[0]


def _written(built: Rooms, public_id: str) -> SubmissionPayload:
    with built.database.reading() as session:
        return _payloads(session, built, [queries.one(session, public_id)])[0]


def _payloads(
    session: Session, built: Rooms, rows: Sequence[Submission]
) -> list[SubmissionPayload]:
    queue = places_of(
        session, rows, now=built.clock.now(), shard_images=built.settings.shard_images
    )
    return [
        payload_of(row, place=queue.get(row.id), site_url=built.settings.site_url) for row in rows
    ]
