"""How many requests are answered in a minute: to one address, and with one token.

The counters lie in this process, or in a Redis that several web processes share. They protect the
service and decide nothing else: where Redis is silent, everything is answered.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter as SharedLimiter
from limits.errors import StorageError
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter as OwnLimiter
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server import error_handlers
from server.dependencies import Viewer, bearer_of
from server.digests import digest_of
from server.errors import RateLimited
from server.settings import Settings
from server.web.sender import client_address

log = logging.getLogger(__name__)
FREE = ("/static/", "/api/docs/assets/", "/healthz", "/readyz", "/metrics")
"""Files, and what the operator's own programs ask."""
REDIS_TIMEOUT_SECONDS = 0.25
REDIS_PAUSE_SECONDS = 5.0
"""A Redis that was silent is left alone for so long."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many requests are left, and in how many seconds all are there again."""

    is_allowed: bool
    left: int
    seconds: int


class Counters(Protocol):
    """Counts one more request by each key; None where that is not possible now."""

    async def count(self, limit: RateLimitItem, name: str, key: str) -> Count | None: ...


class OwnCounters:
    """In the memory of this process."""

    def __init__(self) -> None:
        self._limiter = OwnLimiter(MemoryStorage())

    async def count(self, limit: RateLimitItem, name: str, key: str) -> Count | None:
        is_allowed = self._limiter.hit(limit, name, key)
        window = self._limiter.get_window_stats(limit, name, key)
        return Count(is_allowed, window.remaining, _seconds_until(window.reset_time))


class SharedCounters:
    """In a Redis; a silent one is told of in the log and asked again after a pause."""

    def __init__(self, url: str) -> None:
        storage = RedisStorage(
            f"async+{url}",
            implementation="redispy",
            wrap_exceptions=True,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        )
        self._limiter = SharedLimiter(storage)
        self._silent_until = 0.0

    async def count(self, limit: RateLimitItem, name: str, key: str) -> Count | None:
        if time.monotonic() < self._silent_until:
            return None
        try:
            is_allowed = await self._limiter.hit(limit, name, key)
            window = await self._limiter.get_window_stats(limit, name, key)
        except StorageError as reason:
            self._silent_until = time.monotonic() + REDIS_PAUSE_SECONDS
            log.warning("requests are not limited: Redis does not count them (%r)", reason)
            return None
        return Count(is_allowed, window.remaining, _seconds_until(window.reset_time))


def open_counters(settings: Settings) -> Counters:
    """Return counters in the Redis of the settings, or else in this process."""
    return SharedCounters(settings.rate_limit) if settings.rate_limit else OwnCounters()


class RateLimit:
    """Answers 429 to whoever asks too often, and tells everyone how much is left."""

    def __init__(self, app: ASGIApp, *, settings: Settings, counters: Counters) -> None:
        self._app = app
        self._counters = counters
        amounts = {
            "address": settings.rate_limit_address,
            "token": settings.rate_limit_token,
        }
        self._limits = {
            name: RateLimitItemPerMinute(amount) for name, amount in amounts.items() if amount
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(FREE):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        counts = await self._counted(request)
        told = self._headers(counts)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(told)
            await send(message)

        over = [(name, count) for name, count in counts.items() if not count.is_allowed]
        if not over:
            await self._app(scope, receive, send_with_headers)
            return
        request.state.viewer = Viewer()  # whoever floods gets no look-up of who they are
        refused = _refusal(*max(over, key=lambda pair: pair[1].seconds))
        await error_handlers.refuse(request, refused)(scope, receive, send_with_headers)

    async def _counted(self, request: Request) -> dict[str, Count]:
        token = bearer_of(request)
        keys = {
            "address": client_address(request),
            "token": digest_of(token) if token else None,
        }
        asked = [(name, key) for name, key in keys.items() if key and name in self._limits]
        counts = await asyncio.gather(
            *(self._counters.count(self._limits[name], name, key) for name, key in asked)
        )
        return {
            name: count for (name, _), count in zip(asked, counts, strict=True) if count is not None
        }

    def _headers(self, counts: Mapping[str, Count]) -> dict[str, str]:
        """Write the counts as the IETF's draft of these fields has them."""
        if not counts:
            return {}
        return {
            "RateLimit-Policy": ", ".join(
                f'"{name}";q={self._limits[name].amount};w=60' for name in counts
            ),
            "RateLimit": ", ".join(
                f'"{name}";r={count.left};t={count.seconds}' for name, count in counts.items()
            ),
        }


def _refusal(name: str, count: Count) -> RateLimited:
    whose = {"address": "from your address", "token": "with this token"}[name]
    return RateLimited(
        f"Too many requests came {whose} within a minute; go on in {count.seconds} seconds.",
        retry_after_seconds=count.seconds,
    )


def _seconds_until(moment: float) -> int:
    return max(1, round(moment - time.time()))
