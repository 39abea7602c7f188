"""The body of a request as it arrives, for the routes that take archives."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from fastapi import Request
from starlette.requests import ClientDisconnect

from server.errors import ServerError

DRAIN_SECONDS = 10


@asynccontextmanager
async def body_of(request: Request) -> AsyncGenerator[AsyncIterator[bytes]]:
    """Yield the body in chunks; after a refusal read on for a little while, keeping nothing.

    A client that only listens after it has sent everything would otherwise see a broken connection
    instead of the reason.
    """
    body = request.stream()
    async with aclosing(body):
        try:
            yield body
        except ServerError:
            await _drain(body)
            raise


async def _drain(body: AsyncIterator[bytes]) -> None:
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in body:
                pass
    except (TimeoutError, ClientDisconnect):
        return
