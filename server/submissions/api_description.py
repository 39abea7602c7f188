"""What the API's description says of entering a submission: its body is read by our own parser."""

from typing import Any

from server import admission
from server.entry_kinds import EntryKind
from server.errors import (
    ArchiveEmpty,
    DeclarationsContradict,
    DeclarationsIncomplete,
    FieldInvalid,
    ImagesMissing,
    NotAllowed,
    NotFound,
    StorageFull,
    StorageUnavailable,
    TooLarge,
    TruthMissing,
    UploadDiffers,
    UploadGone,
    UploadIncomplete,
    UploadMalformed,
    UploadUsed,
    WeightsLayoutUnknown,
    WeightsNotTaken,
    WeightsTooLarge,
    WeightsUnreadable,
)
from server.models import CARD_FIELDS, MAX_IDEMPOTENCY_KEY, Protocol, SplitName
from server.protocols import FACT_KEYS
from server.submissions.service import longest_card_value
from server.web.api_description import TOKEN, Described, problems

TEXT = {"type": "string"}
_SAID: dict[str, dict[str, Any]] = {
    "kind": {
        "type": "string",
        "enum": [*EntryKind],
        "default": EntryKind.MASKS.value,
        "description": "weights: a safetensors file of a backbone, under distance-matching alone. "
        "This server makes the masks of it; method_name is required then.",
    },
    "protocol": {"type": "string", "enum": [*Protocol]},
    "subset": {"type": "string", "examples": ["50"]},
    "split": {"type": "string", "enum": [*SplitName]},
    "team": {"type": "string", "description": "Id or name of a team; one's own where left out."},
    "anonymous_until": {
        "type": "string",
        "description": "A day of the year to come: up to it, 00:00 UTC, a public entry stands on "
        "its board without names.",
        "examples": ["2027-03-01"],
    },
    **{name: {"type": "string", "maxLength": longest_card_value(name)} for name in CARD_FIELDS},
}
_DECLARED = {
    "type": "object",
    "description": "All seven facts; see the board's declarations for what its protocol allows.",
    "properties": {key: {"type": "boolean"} for key in FACT_KEYS},
    "required": [*FACT_KEYS],
    "additionalProperties": False,
}
_UPLOAD = {"type": "string", "description": "The id of an upload that has arrived whole."}
_EXAMPLE = {"protocol": "fully-unsupervised", "subset": "50", "split": "test"}
_NO_TO_ALL = dict.fromkeys(FACT_KEYS, False)
_BY_UPLOAD: dict[str, Any] = {
    "type": "object",
    "properties": {
        **_SAID,
        "declarations": _DECLARED,
        "public": {"type": "boolean", "default": True},
        "upload_id": _UPLOAD,
    },
    "required": ["protocol", "subset", "split", "declarations", "upload_id"],
    "additionalProperties": False,
}
_BY_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        **_SAID,
        "declarations": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": _DECLARED,
            "description": "One JSON object of the seven facts; or each as a field, yes or no.",
        },
        **{key: {"type": "string", "enum": ["yes", "no"]} for key in FACT_KEYS},
        "public": {"type": "string", "enum": ["true", "false"], "default": "true"},
        "upload_id": _UPLOAD,
        "archive": {
            "type": "string",
            "contentMediaType": "application/zip",
            "description": "The zip of masks, or the weights, as the last field; or upload_id in "
            "its place.",
        },
    },
    "required": ["protocol", "subset", "split"],
    "additionalProperties": False,
}
FIELDS = frozenset(_BY_FORM["properties"])
"""Every name that a field of an entry may have."""

CREATE_ANSWERS: Described = {
    201: {
        "headers": {
            "Location": {
                "description": "The page of the submission.",
                "required": True,
                "schema": TEXT,
            }
        }
    },
    **problems(
        *(NotAllowed, NotFound, TruthMissing, TooLarge, FieldInvalid, ArchiveEmpty),
        *(DeclarationsIncomplete, DeclarationsContradict, StorageUnavailable, StorageFull),
        *(UploadMalformed, UploadDiffers, UploadGone, UploadIncomplete, UploadUsed),
        *(WeightsNotTaken, WeightsTooLarge, WeightsUnreadable, WeightsLayoutUnknown),
        ImagesMissing,
        *admission.REFUSALS,
    ),
}
CREATE_REQUEST = {
    **TOKEN,
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A repeat under the same key answers with what the first one made.",
            "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY},
            "example": "experiment-17",
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": _BY_FORM,
                "encoding": {"archive": {"contentType": "application/zip"}},
            },
            "application/json": {
                "schema": _BY_UPLOAD,
                "example": {
                    **_EXAMPLE,
                    "declarations": _NO_TO_ALL,
                    "upload_id": "d5q8gkx3v7zt2ymb",
                },
            },
        },
    },
}
