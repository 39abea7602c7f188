"""Is it alive; is it ready."""

from collections.abc import Mapping

from fastapi import APIRouter, Response

from server.dependencies import RoomsDep
from server.errors import NotReady

router = APIRouter(include_in_schema=False)
UNCACHED = {"Cache-Control": "no-store"}


@router.get("/healthz")
def alive(response: Response) -> dict[str, str]:
    """Answer while the process can: whoever restarts processes asks this, and nothing else."""
    response.headers.update(UNCACHED)
    return {"status": "alive"}


@router.get("/readyz")
def ready(built: RoomsDep, response: Response) -> dict[str, str]:
    """Answer once database, broker and store do: whoever sends requests this way asks this."""
    answers = built.probes.answers()
    silent = [name for name, answered in answers.items() if not answered]
    if silent:
        raise NotReady(_sentence(silent), checks=in_words(answers))
    response.headers.update(UNCACHED)
    return {"status": "ready"}


def in_words(answers: Mapping[str, bool]) -> dict[str, str]:
    return {name: "answers" if answered else "silent" for name, answered in answers.items()}


def _sentence(silent: list[str]) -> str:
    named = " and ".join(f"the {name}" for name in silent)
    verb = "does" if len(silent) == 1 else "do"
    return f"{named[0].upper()}{named[1:]} {verb} not answer."
