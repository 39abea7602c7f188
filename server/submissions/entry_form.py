"""From the fields of a form to an entry: the same names in the API and on the submit page."""

from collections.abc import Mapping
from datetime import datetime

from server import strict_json
from server.addresses import protocol_named, split_named
from server.entry_kinds import EntryKind, kind_named
from server.errors import DeclarationsIncomplete, FieldInvalid
from server.models import CARD_FIELDS
from server.protocols import FACT_KEYS
from server.submissions import anonymity
from server.submissions.service import Entry, card_value

ANSWERS = {"yes": True, "no": False}
BOOLEANS = {"true": True, "false": False}
KIND_FIELD = "kind"


def entry_of(fields: Mapping[str, str], *, now: datetime) -> Entry:
    """Read an entry.

    Raises:
        FieldInvalid: a field is missing or says what it may not.
        NotFound: a protocol or split that does not exist.
        DeclarationsIncomplete: the declarations are no JSON object of true and false.
    """
    kind = kind_named(fields.get(KIND_FIELD, ""))
    card = {name: card_value(name, fields[name]) for name in CARD_FIELDS if name in fields}
    if kind is EntryKind.WEIGHTS and not card.get("method_name"):
        raise FieldInvalid(
            "The method has no name. Weights come without a method.txt, so the form says it.",
            field="method_name",
        )
    for name in ("protocol", "subset", "split"):
        if not fields.get(name):
            raise FieldInvalid(
                f"The field {name} is missing; it comes before the archive.", field=name
            )
    is_public = is_yes("public", fields.get("public", "true"))
    anonymous_until = anonymity.moment_of(fields.get(anonymity.FIELD, ""), now=now)
    anonymity.check_is_shown(anonymous_until, is_public=is_public)
    return Entry(
        protocol=protocol_named(fields["protocol"]),
        subset=fields["subset"],
        split=split_named(fields["split"]),
        declarations=_declarations(fields),
        is_public=is_public,
        anonymous_until=anonymous_until,
        kind=kind,
        card=card,
    )


def _declarations(fields: Mapping[str, str]) -> dict[str, bool]:
    """Read them from one JSON object (the API), or from a yes or no a fact (the page)."""
    if "declarations" not in fields:
        return {key: ANSWERS[fields[key]] for key in FACT_KEYS if fields.get(key) in ANSWERS}
    try:
        declared = strict_json.read(fields["declarations"])
    except ValueError as reason:
        raise DeclarationsIncomplete(f"The declarations are not JSON: {reason}.") from reason
    if not isinstance(declared, dict) or any(type(v) is not bool for v in declared.values()):
        raise DeclarationsIncomplete(
            'The declarations must be one JSON object of true and false: {"extra_data": false, ...}'
        )
    return declared


def is_yes(name: str, text: str) -> bool:
    if text not in BOOLEANS:
        raise FieldInvalid(f"{name} is {text!r}; it may be true or false.", field=name)
    return BOOLEANS[text]
