"""Why a form was not taken: shown above it, with what was typed still in it."""

from dataclasses import dataclass

from server.errors import ServerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The sentence of an error; ``field`` names the control that it is about, if any."""

    title: str
    message: str
    code: str
    field: str


def refusal_of(error: ServerError | None) -> Refusal | None:
    if error is None:
        return None
    return Refusal(
        title=error.title,
        message=error.message,
        code=error.code,
        field=str(error.details.get("field", "")),
    )
