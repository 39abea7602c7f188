"""What a program may change of a submission, as JSON."""

from typing import Any

from pydantic import Field, model_validator

from server.models import CARD_FIELDS
from server.payload import Payload, example
from server.protocols import FACT_KEYS
from server.submissions.editing import Changes

FIXED = frozenset({"protocol", "subset", "split", "declarations", "team", "archive", *FACT_KEYS})
"""What is entered once: the fields of an entry that stay as they were sent."""


class SubmissionChanges(Payload):
    """What its team may change of a submission; fields that are left out stay as they are.

    ``anonymous_until`` is a date in the year to come, and null shows names at once. The fields of
    the method card, null or empty where there is nothing to say, can be changed once it is scored.
    """

    model_config = example(networks="ViT-S/16", anonymous_until=None)

    public: bool | None = None
    anonymous_until: str | None = Field(None, max_length=40, examples=["2027-03-01"])
    method_name: str | None = None
    training_data: str | None = None
    training_scheme: str | None = None
    networks: str | None = None
    link: str | None = None
    description: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_open_to_change(cls, said: Any) -> Any:
        fixed = sorted(FIXED.intersection(said)) if isinstance(said, dict) else []
        if fixed:
            raise ValueError(
                f"{', '.join(fixed)}: what was entered for the protocol is what the scores stand "
                "for, and cannot be changed; withdraw the submission and enter it again"
            )
        return said


def changes_of(said: SubmissionChanges) -> Changes:
    given = said.model_fields_set
    return Changes(
        is_public=said.public,
        anonymous_until=(said.anonymous_until or "") if "anonymous_until" in given else None,
        card={name: getattr(said, name) or "" for name in CARD_FIELDS if name in given},
    )
