"""Static files: their URL names their content, so a browser may keep them for good.

Without the right hash in the URL an answer is checked again each time, so that an old page never
holds on to a new style or a new page to an old one.
"""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import APIRouter
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

STATIC = Path(__file__).parents[2] / "frontend" / "static"
FOR_GOOD = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


def static_url(name: str) -> str:
    """Return the address of a file below frontend/static, with the hash of its content."""
    return f"/static/{name}?v={_version(name)}"


class HashedStaticFiles(StaticFiles):
    """Static files that may be kept for good where the URL has their hash."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("v", [""])[0]
        is_current = response.status_code < 400 and asked == _version(path)  # noqa: PLR2004
        response.headers["Cache-Control"] = FOR_GOOD if is_current else "no-cache"
        return response


@router.get("/favicon.ico")
def favicon() -> FileResponse:
    """Answer browsers that ask without reading the page's own link to the icon."""
    return FileResponse(STATIC / "img" / "mark.svg", media_type="image/svg+xml")


def _version(name: str) -> str:
    """Hash the file as it is now: in development it changes under the running server."""
    path = STATIC / name
    return _hash_at(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=128)
def _hash_at(path: Path, _modified_ns: int) -> str:
    return sha256(path.read_bytes()).hexdigest()[:12]
