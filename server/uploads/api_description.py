"""What the API's description says of uploads: tus speaks in headers."""

from typing import Any

from server.uploads import tus
from server.web.api_description import TOKEN, Described

_BYTES = {"type": "integer", "minimum": 0, "maximum": tus.MAX_NUMBER}
_TEXT = {"type": "string"}
_RESUMABLE = {
    "name": "Tus-Resumable",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "enum": [tus.VERSION]},
}


def _header(name: str, meaning: str, schema: dict[str, Any], example: object) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": meaning,
        "schema": schema,
        "example": example,
    }


def _told(schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"required": required, "schema": schema}


_SPOKEN = {"Tus-Resumable": _told(_TEXT), "Tus-Version": _told(_TEXT)}
_OFFSET = _header("Upload-Offset", "How many bytes are safe on the server.", _BYTES, 0)
_METADATA = {
    **_header(
        "Upload-Metadata",
        "Pairs of a key and a value in base64, with commas between: sha256 is compared; protocol, "
        "subset, split, team and kind say where and as what it is to be entered, which is refused "
        "at once if it may not be.",
        {"type": "string", "maxLength": tus.MAX_METADATA},
        "filename ZW50cnkuemlw",
    ),
    "required": False,
}

OPTIONS_ANSWER: Described = {
    204: {
        "headers": {**_SPOKEN, "Tus-Extension": _told(_TEXT), "Tus-Max-Size": _told(_BYTES)},
    }
}
CREATE_REQUEST = {
    **TOKEN,
    "parameters": [
        _RESUMABLE,
        _header("Upload-Length", "How many bytes the archive has.", _BYTES, 1_048_576),
        _METADATA,
    ],
}
CREATE_ANSWER: Described = {
    201: {
        "headers": {
            **_SPOKEN,
            "Location": {
                **_told(_TEXT),
                "description": "Where its bytes are sent, and asked about.",
            },
            "Upload-Expires": _told(_TEXT),
        }
    }
}
SHOW_REQUEST = {**TOKEN, "parameters": [_RESUMABLE]}
SHOW_ANSWER: Described = {
    200: {
        "headers": {
            **_SPOKEN,
            "Upload-Offset": _told(_BYTES),
            "Upload-Length": _told(_BYTES),
            "Upload-Metadata": _told(_TEXT, required=False),
            "Upload-Expires": _told(_TEXT),
        }
    }
}
APPEND_REQUEST = {
    **TOKEN,
    "parameters": [_RESUMABLE, _OFFSET],
    "requestBody": {
        "required": True,
        "description": f"The bytes, sent as {tus.CONTENT_TYPE}.",
        # A range: tools that do not know tus's own media type could not send anything else.
        "content": {"application/*": {"schema": {"type": "string", "format": "binary"}}},
    },
}
APPEND_ANSWER: Described = {
    204: {
        "headers": {**_SPOKEN, "Upload-Offset": _told(_BYTES), "Upload-Expires": _told(_TEXT)},
    }
}
TERMINATE_REQUEST = SHOW_REQUEST
