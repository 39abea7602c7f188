"""Is it alive; is it ready."""

from fastapi import APIRouter
from sqlalchemy import text

from server.dependencies import ReadingDep

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
def alive() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/readyz")
def ready(session: ReadingDep) -> dict[str, str]:
    """Answer once the database does."""
    session.execute(text("SELECT 1"))
    return {"status": "ready"}
