"""How the service is, for programs: in public as a few numbers, for its operators in detail."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, REGISTRY, generate_latest

from server.dependencies import RoomsDep
from server.errors import NotAllowed
from server.operations.access import check_reader
from server.operations.collector import exposition
from server.operations.schemas import StatusPayload, payload_of
from server.operations.status import status_of
from server.web.api_description import problems

router = APIRouter(tags=["status"])
UNCACHED = {"Cache-Control": "no-store"}


@router.get("/api/v1/status")
def status(built: RoomsDep, response: Response) -> StatusPayload:
    """Return which parts answer, how long the queue is, and what the last 24 hours brought."""
    response.headers.update(UNCACHED)
    return payload_of(status_of(built))


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={
        200: {"description": "The text format of Prometheus."},
        **problems(NotAllowed),
    },
)
def metrics(request: Request, built: RoomsDep) -> Response:
    """Answer Prometheus: what this process measured, and what follows from rows."""
    check_reader(request, built.settings)
    text = generate_latest(REGISTRY) + exposition(built.database, now=built.clock.now())
    return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4, headers=UNCACHED)
