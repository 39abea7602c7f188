"""The API of methods."""

from fastapi import APIRouter
from sqlalchemy.orm import Session

from server.dependencies import ApiViewerDep, ReadingDep, Viewer, WorkDep, submitter
from server.errors import EntryNotShown, NotAllowed, NotFound
from server.methods import pins, queries
from server.methods.lookup import method_named
from server.methods.schemas import MethodPayload, payload_of
from server.models import Method
from server.web.api_description import TOKEN, TOKEN_OR_NOBODY, problems
from server.web.parameters import MethodSlug, SubmissionId

router = APIRouter(prefix="/api/v1/methods", tags=["methods"])


@router.get("/{slug}", responses=problems(NotFound), openapi_extra=TOKEN_OR_NOBODY)
def show(slug: MethodSlug, viewer: ApiViewerDep, session: ReadingDep) -> MethodPayload:
    """Return a method with its card and its scored entries, newest first."""
    method = method_named(session, slug, team_ids=viewer.team_ids)
    return _payload(session, method, viewer)


@router.put(
    "/{slug}/pins/{submission_id}",
    responses=problems(NotAllowed, NotFound, EntryNotShown),
    openapi_extra=TOKEN,
)
def pin(
    slug: MethodSlug, submission_id: SubmissionId, viewer: ApiViewerDep, session: WorkDep
) -> MethodPayload:
    """Let this entry count on its board, in place of the team's best or of one pinned before."""
    submitter(viewer)
    pins.pin(session, slug, submission_id, team_ids=viewer.team_ids)
    return _payload(session, method_named(session, slug, team_ids=viewer.team_ids), viewer)


@router.delete(
    "/{slug}/pins/{submission_id}",
    responses=problems(NotAllowed, NotFound),
    openapi_extra=TOKEN,
)
def unpin(
    slug: MethodSlug, submission_id: SubmissionId, viewer: ApiViewerDep, session: WorkDep
) -> MethodPayload:
    """Let the best entry count again."""
    submitter(viewer)
    pins.unpin(session, slug, submission_id, team_ids=viewer.team_ids)
    return _payload(session, method_named(session, slug, team_ids=viewer.team_ids), viewer)


def _payload(session: Session, method: Method, viewer: Viewer) -> MethodPayload:
    return payload_of(
        method,
        queries.entries(session, method, team_ids=viewer.team_ids),
        queries.ranked_entries(session, method),
    )
