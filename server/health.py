"""Is it alive; is it ready."""

from collections.abc import Mapping
from typing import Literal

from fastapi import APIRouter, Response

from server.dependencies import RoomsDep
from server.errors import NotReady
from server.payload import Payload, example
from server.web.api_description import problems

router = APIRouter(tags=["status"])
UNCACHED = {"Cache-Control": "no-store"}


class Alive(Payload):
    model_config = example(status="alive")

    status: Literal["alive"]


class Ready(Payload):
    model_config = example(status="ready")

    status: Literal["ready"]


@router.get("/healthz")
def alive(response: Response) -> Alive:
    """Answer while the process can: whoever restarts processes asks this, and nothing else."""
    response.headers.update(UNCACHED)
    return Alive(status="alive")


@router.get("/readyz", responses=problems(NotReady))
def ready(built: RoomsDep, response: Response) -> Ready:
    """Answer once database, broker and store do: whoever sends requests this way asks this."""
    answers = built.probes.answers()
    silent = [name for name, answered in answers.items() if not answered]
    if silent:
        raise NotReady(_sentence(silent), checks=in_words(answers))
    response.headers.update(UNCACHED)
    return Ready(status="ready")


def in_words(answers: Mapping[str, bool]) -> dict[str, str]:
    return {name: "answers" if answered else "silent" for name, answered in answers.items()}


def _sentence(silent: list[str]) -> str:
    named = " and ".join(f"the {name}" for name in silent)
    verb = "does" if len(silent) == 1 else "do"
    return f"{named[0].upper()}{named[1:]} {verb} not answer."
