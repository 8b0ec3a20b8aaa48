"""A model's changes as server-sent events, for as long as one listens.

The one rule: who listens hears of every change, in order, with the revision as the event's id, so that who comes back
with the last id has missed nothing.

Other processes write to the same store, so that the store is looked at about once a second. Silence changes the state
of a run without changing the store: the record says when, and is told again then.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import attrs

from ...domain.hub.api.context import HubContext
from ...domain.hub.api.hub import ROUTES, HubApi
from ...domain.hub.api.messages import ERRORS, ApiError, HubRequest, HubResponse
from ...domain.hub.api.routing import Match
from .exchange import Exchange
from .limits import Limits
from .thread_pool import ThreadPool

_KIND = "text/event-stream"
(_ROUTE,) = (route for route in ROUTES.all if route.name == "readChanges")


def wants_events(exchange: Exchange) -> bool:
    """Whether the client asks for a stream, of what there is one of."""
    return exchange.is_for(_ROUTE) and _KIND in exchange.headers.get("accept", "")


@attrs.define
class EventStream:
    """Everybody who listens. ``closing`` ends it."""

    _hub: HubApi
    _pool: ThreadPool
    _limits: Limits
    closing: asyncio.Event
    _listeners: int = 0

    async def stream(self, exchange: Exchange, match: Match, request: HubRequest) -> HubResponse | None:
        """Send events of *match* until either side ends it. Returns a response where there is nothing to send.

        Raises:
            ApiError: 503 when too many listen.
        """
        if self._listeners >= self._limits.listeners:
            raise ApiError(503, "too many pages listen to this HUB: close some", {"retry-after": "30"})
        self._listeners += 1
        ends: set[asyncio.Future[Any]] = {
            asyncio.ensure_future(exchange.wait_disconnected()),
            asyncio.ensure_future(self.closing.wait()),
        }
        try:
            return await self._tell(exchange, match, request, ends)
        finally:
            self._listeners -= 1
            for waiting in ends:
                waiting.cancel()

    async def _tell(
        self, exchange: Exchange, match: Match, request: HubRequest, ends: set[asyncio.Future[Any]]
    ) -> HubResponse | None:
        after = exchange.headers.get("last-event-id") or request.query.get("after", "0")
        told = await self._told(match, request, after)
        if told.event is None:
            return told.answer
        headers = {"content-type": _KIND, "x-accel-buffering": "no"}
        await exchange.begin(HubResponse(200, headers), length=None)
        await exchange.send_chunk(told.event)
        loop = asyncio.get_running_loop()
        said = loop.time()
        while True:
            done, _ = await asyncio.wait(ends, timeout=self._limits.poll, return_when=asyncio.FIRST_COMPLETED)
            if done:
                break
            is_quiet = loop.time() - said >= self._limits.keep_alive
            is_same = not self._is_over(told) and told.revision == await self._pool.run(
                self._hub.context.store.revision, match.parts[0]
            )
            if is_same and not is_quiet:
                continue
            if await self._pool.run(self._hub.context.environment.user, request.headers) is None:
                break  # the key was revoked
            said = loop.time()
            if is_same:
                await exchange.send_chunk(b": still here\n\n")
                continue
            told = await self._told(match, request, str(told.revision))
            if told.event is None:
                await exchange.send_chunk(b"event: gone\ndata: " + told.answer.body + b"\n\n")
                break
            await exchange.send_chunk(told.event)
        await exchange.finish()
        return None

    def _is_over(self, told: _Event) -> bool:
        return told.until is not None and self._hub.context.environment.wall() >= told.until

    async def _told(self, match: Match, request: HubRequest, after: str) -> _Event:
        request = attrs.evolve(request, query={**request.query, "after": after})
        return await self._pool.run(_told, match, self._hub.context, request)


@attrs.frozen
class _Event:
    """An answer, and what it is as an event; a refusal is none. ``until`` is when time alone makes it untrue."""

    answer: HubResponse
    revision: int = 0
    until: float | None = None
    event: bytes | None = None


def _told(match: Match, context: HubContext, request: HubRequest) -> _Event:
    """In a thread: thousands of epochs take a while to be read and written."""
    answer = match.answer(context, request)
    if answer.status >= ERRORS:
        return _Event(answer)
    data = json.loads(answer.body)["data"]
    # It is one line: JSON escapes line feeds.
    event = b"id: %d\ndata: %b\n\n" % (data["revision"], json.dumps(data).encode())
    return _Event(answer, data["revision"], data["model"]["state_until"], event)
