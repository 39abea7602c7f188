"""The API of methods."""

from fastapi import APIRouter

from server.dependencies import ApiViewerDep, ReadingDep
from server.methods import queries
from server.methods.lookup import method_named
from server.methods.schemas import MethodPayload, payload_of

router = APIRouter(prefix="/api/v1/methods", tags=["methods"])


@router.get("/{slug}")
def show(slug: str, viewer: ApiViewerDep, session: ReadingDep) -> MethodPayload:
    """Return a method with its card and its scored entries, newest first."""
    method = method_named(session, slug, team_ids=viewer.team_ids)
    return payload_of(method, queries.entries(session, method, team_ids=viewer.team_ids))
