"""What tus 1.0 (https://tus.io/protocols/resumable-upload) says in headers.

Spoken here: the core, creation, expiration and termination. Not spoken: overriding the method,
concatenation, deferred lengths, bytes in the request that creates an upload.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Self

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import FieldInvalid

PATH = "/api/v1/uploads"
VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,termination"
CONTENT_TYPE = "application/offset+octet-stream"
MAX_METADATA = 4096
MAX_NUMBER = 2**63 - 1

_PAIR = re.compile(r"([\x21-\x2b\x2d-\x7e]+)(?: ([A-Za-z0-9+/]*={0,2}))?")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class TusHeaders:
    """Every answer below PATH names the protocol's version and is stored by nobody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Tus-Resumable"] = headers["Tus-Version"] = VERSION
                headers["Cache-Control"] = "no-store"
            await send(message)

        path: str = scope.get("path", "")
        is_tus = scope["type"] == "http" and (path == PATH or path.startswith(f"{PATH}/"))
        await self._app(scope, receive, send_with_headers if is_tus else send)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The header Upload-Metadata as it was sent, what it says, and the SHA-256 among that."""

    text: str
    values: Mapping[str, str]
    sha256: str | None

    @classmethod
    def parsed(cls, header: str) -> Self:
        """Read the header: pairs of a key and a value in base64, separated by commas.

        Raises:
            FieldInvalid: it is none, too long, or its sha256 is not 64 hexadecimal digits.
        """
        if len(header) > MAX_METADATA:
            raise FieldInvalid(
                f"Upload-Metadata has {len(header)} characters; it may have {MAX_METADATA}.",
                field="Upload-Metadata",
            )
        values = dict(_pair(part) for part in header.split(",")) if header else {}
        sha256 = values.get("sha256")
        if sha256 is not None and not _SHA256.fullmatch(sha256):
            raise FieldInvalid(
                f"Upload-Metadata announces the sha256 {sha256!r}; it has 64 hexadecimal digits.",
                field="Upload-Metadata",
            )
        return cls(header, values, sha256)


def number(name: str, value: str | None) -> int:
    """Read a header that counts bytes.

    Raises:
        FieldInvalid: it is missing, or no whole number.
    """
    if value is None or not re.fullmatch(r"[0-9]{1,19}", value) or int(value) > MAX_NUMBER:
        raise FieldInvalid(
            f"The header {name} is {value or 'missing'!r}; it is a whole number of bytes.",
            field=name,
        )
    return int(value)


def expires(time: datetime) -> dict[str, str]:
    return {"Upload-Expires": format_datetime(time, usegmt=True)}


def _pair(part: str) -> tuple[str, str]:
    matched = _PAIR.fullmatch(part.strip())
    if matched is not None:
        try:
            return matched[1], b64decode(matched[2] or "", validate=True).decode("utf-8", "replace")
        except binascii.Error:
            pass
    raise FieldInvalid(
        f"Upload-Metadata has {part!r}; a pair is a key, a space and its value in base64.",
        field="Upload-Metadata",
    )
