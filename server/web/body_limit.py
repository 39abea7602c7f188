"""A small limit on the bodies of all routes but those that take archives.

Without it a form route would spool whatever an anonymous sender likes to the disk before any code
of ours runs.
"""

from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import TooLarge

LIMIT_BYTES = 256 * 1024


class BodyLimit:
    """Raise `TooLarge` once a body outgrows the limit; declared lengths are refused unread.

    A path without limit that ends in a slash stands for everything below it.
    """

    def __init__(self, app: ASGIApp, *, unlimited: Collection[str]) -> None:
        self._app = app
        self._unlimited = frozenset(unlimited)
        self._unlimited_below = tuple(path for path in unlimited if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_unlimited(scope["path"]):
            await self._app(scope, receive, send)
            return
        taken = 0

        async def receive_limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > LIMIT_BYTES:
                raise TooLarge(f"The body of this request may have at most {LIMIT_BYTES} bytes.")
            return message

        await self._app(scope, receive_limited, send)

    def _is_unlimited(self, path: str) -> bool:
        return path in self._unlimited or path.startswith(self._unlimited_below)
