"""Answers that a reader may keep: an ETag, and 304 for whoever has them already."""

from hashlib import sha256
from http import HTTPStatus

from fastapi import Request, Response


def etag_of(body: bytes, *, revision: int) -> str:
    """Return a tag that changes with the content, also when a database is set back."""
    return f'"{revision}-{sha256(body).hexdigest()[:16]}"'


def answer(request: Request, body: bytes, *, etag: str, media_type: str) -> Response:
    """Answer with bytes that everyone may keep and must ask about each time."""
    headers = {"ETag": etag, "Cache-Control": "public, no-cache"}
    if _has(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _has(header: str, etag: str) -> bool:
    """Compare weakly, as RFC 9110 wants it of If-None-Match."""
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return etag in tags or "*" in tags
