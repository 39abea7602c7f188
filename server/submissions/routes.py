"""The API of submissions."""

from collections.abc import Sequence
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from server.dependencies import ApiViewerDep, ReadingDep, Rooms, RoomsDep, signed_in
from server.errors import FieldInvalid
from server.models import Submission
from server.submissions import queries
from server.submissions.intake import Intake
from server.submissions.lookup import submission_named
from server.submissions.schemas import SubmissionList, SubmissionPayload, payload_of
from server.submissions.waiting import places_of

router = APIRouter(prefix="/api/v1/submissions", tags=["submissions"])
PAGE_LIMIT = 100


@router.post("", status_code=201, response_model=SubmissionPayload)
async def create(request: Request, built: RoomsDep) -> Response:
    """Take a submission: multipart, fields first, the archive last."""
    public_id = await Intake(request, built, browser=False).take()
    payload = await to_thread.run_sync(_written, built, public_id)
    return JSONResponse(
        payload.model_dump(mode="json"), status_code=201, headers={"Location": payload.url}
    )


@router.get("")
def index(
    viewer: ApiViewerDep,
    session: ReadingDep,
    built: RoomsDep,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_LIMIT)] = 20,
) -> SubmissionList:
    """List the caller's submissions, newest first."""
    signed_in(viewer)
    if cursor is not None and not cursor.isdecimal():
        raise FieldInvalid("cursor must be the next_cursor of the page before.", field="cursor")
    rows = queries.of_teams(
        session, viewer.team_ids, before_id=int(cursor) if cursor else None, limit=limit + 1
    )
    return SubmissionList(
        submissions=_payloads(session, built, rows[:limit]),
        next_cursor=str(rows[limit - 1].id) if len(rows) > limit else None,
    )


@router.get("/{submission_id}")
def show(
    submission_id: str, viewer: ApiViewerDep, session: ReadingDep, built: RoomsDep
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
