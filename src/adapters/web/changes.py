"""A model's changes as server-sent events, for as long as one listens.

The one rule: who listens hears of every change, in order, with the revision as the event's id, so that who comes back
with the last id has missed nothing.

Other processes write to the same store, so that the store is looked at about once a second.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import attrs

from ...domain.hub.answers import Hub
from ...domain.hub.calls import ERRORS, Answer, Asked, Refusal
from ...domain.hub.limits import Limits
from ...domain.hub.routes import Match
from .pool import Pool
from .wire import Wire

#: The name of the route whose answer can be listened to.
ROUTE = "readChanges"
_KIND = "text/event-stream"


def wants_events(wire: Wire) -> bool:
    """Whether the client asks for a stream."""
    return wire.method == "GET" and _KIND in wire.headers.get("accept", "")


@attrs.define
class Changes:
    """Everybody who listens. ``closing`` ends it."""

    _hub: Hub
    _pool: Pool
    _limits: Limits
    closing: asyncio.Event
    _listeners: int = 0

    async def stream(self, wire: Wire, match: Match, asked: Asked) -> None:
        """Tell *wire* of what *match* tells, until one of both sides ends it.

        Raises:
            Refusal: 503 when too many listen; what the first answer refuses.
        """
        if self._listeners >= self._limits.listeners:
            raise Refusal(503, "too many pages listen to this HUB: close some", {"retry-after": "30"})
        self._listeners += 1
        ends: set[asyncio.Future[Any]] = {
            asyncio.ensure_future(wire.until_gone()),
            asyncio.ensure_future(self.closing.wait()),
        }
        try:
            await self._tell(wire, match, asked, ends)
        finally:
            self._listeners -= 1
            for waiting in ends:
                waiting.cancel()

    async def _tell(self, wire: Wire, match: Match, asked: Asked, ends: set[asyncio.Future[Any]]) -> None:
        after = wire.headers.get("last-event-id") or asked.query.get("after", "0")
        answer = await self._answer(match, asked, after)
        if answer.status >= ERRORS:
            await wire.reply(answer)
            return
        headers = {"content-type": _KIND, "x-accel-buffering": "no"}
        await wire.begin(Answer(200, headers), length=None)
        loop = asyncio.get_running_loop()
        revision, said = _revision(answer), loop.time()
        await wire.say(_event(answer, revision))
        while True:
            done, _ = await asyncio.wait(ends, timeout=self._limits.poll, return_when=asyncio.FIRST_COMPLETED)
            if done:
                break
            is_quiet = loop.time() - said >= self._limits.keep_alive
            now = await self._pool.run(self._hub.premises.store.revision, match.parts[0])
            if now == revision and not is_quiet:
                continue
            if await self._pool.run(self._hub.premises.around.user, asked.headers) is None:
                break  # the key was revoked
            said = loop.time()
            if now == revision:
                await wire.say(b": still here\n\n")
                continue
            answer = await self._answer(match, asked, str(revision))
            if answer.status >= ERRORS:
                await wire.say(b"event: gone\ndata: " + answer.body + b"\n\n")
                break
            revision = max(revision, _revision(answer))
            await wire.say(_event(answer, revision))
        await wire.finish()

    async def _answer(self, match: Match, asked: Asked, after: str) -> Answer:
        asked = attrs.evolve(asked, query={**asked.query, "after": after})
        return await self._pool.run(match.answer, self._hub.premises, asked)


def _revision(answer: Answer) -> int:
    revision: int = json.loads(answer.body)["data"]["revision"]
    return revision


def _event(answer: Answer, revision: int) -> bytes:
    # The envelope is one line: JSON escapes line feeds.
    data = json.dumps(json.loads(answer.body)["data"]).encode()
    return b"id: %d\ndata: %b\n\n" % (revision, data)
