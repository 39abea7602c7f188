"""The status page, which also shows itself while the database is away."""

from fastapi import APIRouter, Request, Response

from server.dependencies import RoomsDep, Viewer
from server.operations.status import status_of
from server.web.templating import render

router = APIRouter(include_in_schema=False)


@router.get("/status")
def status(request: Request, built: RoomsDep) -> Response:
    page = status_of(built)
    if page.work is None:
        request.state.viewer = Viewer()  # who reads this cannot be looked up
    response = render(request, page)
    response.headers["Cache-Control"] = "no-store"
    return response
