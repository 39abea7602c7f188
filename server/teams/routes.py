"""The API of teams: which ones a caller may submit for."""

from fastapi import APIRouter

from server.dependencies import ApiViewerDep, signed_in
from server.payload import Payload, example
from server.web.api_description import TOKEN

router = APIRouter(prefix="/api/v1/teams", tags=["teams"])


class TeamPayload(Payload):
    """A team; its id and its name are both taken as the field ``team`` of a submission."""

    id: str
    name: str


class TeamList(Payload):
    model_config = example(teams=[{"id": "x4n8qgd2vk7zt5ym", "name": "Ada Example"}])

    teams: list[TeamPayload]


@router.get("", openapi_extra=TOKEN)
def index(viewer: ApiViewerDep) -> TeamList:
    """List the caller's teams, their own first: the one that is submitted for by default."""
    signed_in(viewer)
    return TeamList(teams=[TeamPayload(id=team.public_id, name=team.name) for team in viewer.teams])
