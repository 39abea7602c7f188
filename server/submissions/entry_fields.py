"""The fields that the forms of an entry share: its method card, and who may see it."""

from collections.abc import Callable

from server.errors import ServerError
from server.submissions.anonymity import FIELD
from server.submissions.contexts import TextField
from server.web.form_page import InputField
from server.web.links import Choice
from server.web.method_card import CARD

VISIBILITY = (
    ("true", "Public: on the board once it is scored"),
    ("false", "Private: for your team and the organizers only, on no board"),
)


def wrong_fields(error: ServerError | None) -> frozenset[str]:
    """Return the fields that a refusal is about: errors name them in their details."""
    if error is None:
        return frozenset()
    named = [error.details.get("field", "")]
    for kind in ("missing", "broken"):
        listed = error.details.get(kind)
        named.extend(listed if isinstance(listed, list) else ())
    return frozenset(str(name) for name in named)


def card_fields(
    value_of: Callable[[str], str | None], wrong: frozenset[str]
) -> tuple[TextField, ...]:
    return tuple(
        TextField(
            name=field.name,
            label=field.label,
            hint=field.hint,
            value=value_of(field.name) or "",
            is_long=field.is_long,
            is_wrong=field.name in wrong,
        )
        for field in CARD
    )


def visibility_choices(chosen: str) -> tuple[Choice, ...]:
    return tuple(
        Choice(value=value, text=text, is_chosen=value == chosen) for value, text in VISIBILITY
    )


def anonymity_field(value: str, wrong: frozenset[str]) -> InputField:
    return InputField(
        name=FIELD,
        label="Without names until",
        kind="date",
        value=value,
        hint="For review without names. Up to this day, 00:00 UTC, the board calls a public entry "
        "Anonymous, and team, method card and links are withheld. Empty: names are shown.",
        is_required=False,
        is_wrong=FIELD in wrong,
    )
