"""The HUB as an ASGI application.

The one rule: it only translates. What is answered to whom is decided in :mod:`hubport.domain.hub`; and nothing that
blocks runs in the event loop.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any
from urllib.parse import parse_qsl

import attrs

from ...domain.errors import StoreUnusable
from ...domain.hub.answers import ROUTES, Hub
from ...domain.hub.calls import ERRORS, Answer, Asked, Refusal, Takes, envelope
from ...domain.hub.limits import Limits
from ...domain.hub.openapi import document
from ...domain.hub.routes import Match
from . import bodies
from .address import root_of
from .changes import ROUTE, Changes, wants_events
from .convoy import Convoy
from .downloads import give
from .form import Form
from .pool import Pool
from .site import Site
from .wire import ClientGone, Receive, Send, Wire, too_large

#: A body up to here is read before anybody is asked whether it is wanted: one hop to a thread instead of two.
SMALL = 1 << 16
#: What a form may have beside its file.
_FORM = 1 << 20
#: Pieces of an upload are gathered to this size: a hop to a thread for each is then nothing beside the writing.
_GATHERED = 1 << 20
_MOST_QUERY = 32
#: There is one kind of call that is answered together with others of its kind.
(_TOGETHER,) = (route.together for route in ROUTES.all if route.together is not None)


class HubApplication:
    """Answers for *hub*. *root*, where it is given, is what links hang below; *own* where a client does not name us."""

    def __init__(self, hub: Hub, limits: Limits, *, root: str | None, own: str, log: Any) -> None:
        self._hub, self._limits = hub, limits
        self._root, self._own = root, own
        self._log = log
        self._site = Site.of()
        self._pool = Pool(limits.threads)
        # One convoy: it is for one route.
        self._convoy = Convoy(self._pool, self._together)
        self.closing = asyncio.Event()
        self._changes = Changes(hub, self._pool, limits, self.closing)
        self._uploads = asyncio.Semaphore(limits.uploads)
        self._large = asyncio.Semaphore(limits.large)

    def close(self) -> None:
        """Give the threads back."""
        self._pool.close()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        at = time.monotonic()
        wire: Wire | None = None
        status: int | None = None
        try:
            wire = Wire(scope, receive, send, self._limits)
            status = await self._served(wire)
        except ClientGone:
            pass
        finally:
            self._log.debug(
                "web.request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round((time.monotonic() - at) * 1000, 1),
                peer=scope["client"][0] if scope["client"] else None,
            )

    async def _served(self, wire: Wire) -> int | None:
        """Answer *wire*; the status, ``None`` for a stream that was cut."""
        try:
            wire.must_be_clear()
            answer = await self._answer(wire)
            if answer is None:
                return 200
            if answer.blob is None:
                await wire.reply(answer)
            else:
                await give(wire, answer, self._hub.premises.blobs, self._pool)
        except ClientGone:
            raise
        except Refusal as refusal:
            answer = refusal.answer()
            await wire.reply(answer)
        except StoreUnusable as exc:
            # Not a fault of ours: it may come back, and whoever tries again loses nothing.
            self._log.error("web.store_unusable", method=wire.method, path=wire.path, cause=str(exc))
            answer = envelope(503, "the HUB's database does not answer: try again", headers={"retry-after": "5"})
            await wire.reply(answer)
        except Exception as exc:
            # Whoever asks what went wrong finds it in the log by this.
            reference = secrets.token_hex(4)
            self._log.error("web.failed", reference=reference, method=wire.method, path=wire.path, exc_info=exc)
            if wire.is_started:
                raise
            answer = envelope(500, f"the HUB failed at this request: its log says why, at {reference}")
            await wire.reply(answer)
        return answer.status

    async def _answer(self, wire: Wire) -> Answer | None:
        """The answer to *wire*; ``None`` when it was a stream and is over."""
        page = self._site.answer(wire.method, wire.path, wire.query, wire.headers.get("if-none-match", ""))
        if page is not None:
            return page
        if wire.path == "/openapi.json":
            return await self._pool.run(_document, wire.method, self._root_for(wire))
        asked = self._asked(wire)
        if wants_events(wire):
            match = await self._pool.run(self._hub.admit, asked)
            if match.route.name == ROUTE:
                await self._changes.stream(wire, match, asked)
                return None
        return await self._called(wire, asked)

    async def _called(self, wire: Wire, asked: Asked) -> Answer:
        """The answer to a call of the HUB's."""
        if 0 <= wire.length <= SMALL:
            body = await wire.all(SMALL)
            if _goes_together(wire):
                return await self._convoy.ride((asked, body))
            # What it has to give back it gives back in its thread: who is cancelled need not wait for it.
            return await self._pool.begin(self._whole, asked, body)
        match = await self._pool.run(self._hub.admit, asked)
        takes = _takes(match)
        if takes is Takes.FORM:
            return await self._form(wire, match, asked)
        most = self._limits.json if takes is Takes.JSON else SMALL
        if wire.length > most:
            raise too_large(most)
        async with self._large:
            body = await wire.all(most)
            return await self._pool.run(self._with_body, match, asked, body)

    # In a thread.

    def _together(self, calls: Sequence[tuple[Asked, bytes]]) -> list[Answer]:
        """All of many small calls of one kind."""
        return self._hub.answer_together(_TOGETHER, [(asked, partial(_with_json, body)) for asked, body in calls])

    def _whole(self, asked: Asked, body: bytes) -> Answer:
        """All of a small call."""
        return self._with_body(self._hub.admit(asked), asked, body)

    def _with_body(self, match: Match, asked: Asked, body: bytes) -> Answer:
        takes = _takes(match)
        if takes is Takes.FORM:
            form = Form(asked.headers.get("content-type", ""), self._hub.premises.blobs, self._limits)
            try:
                form.feed(body)
                return self._with_form(match, asked, form)
            finally:
                form.drop()
        if takes is Takes.JSON:
            asked = _with_json(body, asked)
        return match.answer(self._hub.premises, asked)

    def _with_form(self, match: Match, asked: Asked, form: Form) -> Answer:
        fields, file = form.end()
        return match.answer(self._hub.premises, attrs.evolve(asked, fields=fields, file=file))

    # In the event loop.

    async def _form(self, wire: Wire, match: Match, asked: Asked) -> Answer:
        """A form as it comes: while one piece is written, the next is gathered."""
        most = self._limits.upload + _FORM
        if wire.length > most:
            raise too_large(most)
        form = Form(asked.headers.get("content-type", ""), self._hub.premises.blobs, self._limits)
        async with self._uploads:
            writing: asyncio.Future[None] | None = None
            try:
                taken = 0
                while gathered := await _gathered(wire):
                    taken += len(gathered)
                    if taken > most:
                        raise too_large(most)
                    if writing is not None:
                        await self._pool.end(writing)
                    writing = self._pool.begin(form.feed, gathered)
                if writing is not None:
                    begun, writing = writing, None
                    await self._pool.end(begun)
                return await self._pool.run(self._with_form, match, asked, form)
            finally:
                if writing is not None:
                    with suppress(Exception):
                        await self._pool.end(writing)
                await self._pool.run(form.drop)

    def _asked(self, wire: Wire) -> Asked:
        query: dict[str, str] = {}
        if wire.query:
            try:
                query = dict(parse_qsl(wire.query, keep_blank_values=True, max_num_fields=_MOST_QUERY))
            except ValueError as exc:
                raise Refusal(400, f"the query has more than {_MOST_QUERY} parts, or is none") from exc
        return Asked(wire.method, wire.path, self._root_for(wire), wire.headers, query, wire.peer)

    def _root_for(self, wire: Wire) -> str:
        if self._root is not None:
            return self._root
        host = wire.headers.get("host")
        return self._own if host is None else root_of(host)


def _takes(match: Match) -> Takes:
    """What to make of the body: nothing where the call is refused in any case."""
    return match.route.takes if match.route.status < ERRORS else Takes.NOTHING


def _goes_together(wire: Wire) -> bool:
    try:
        return ROUTES.match(wire.method, wire.path).route.together is _TOGETHER
    except Refusal:
        return False


def _with_json(body: bytes, asked: Asked) -> Asked:
    return asked.with_json(bodies.parsed(body))


async def _gathered(wire: Wire) -> bytes:
    pieces, size = [], 0
    while size < _GATHERED and (piece := await wire.piece()):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def _document(method: str, root: str) -> Answer:
    if method not in {"GET", "HEAD"}:
        raise Refusal(405, "the document is only to be read", {"allow": "GET, HEAD"})
    return Answer(200, {"content-type": "application/json"}, _written(root))


@lru_cache(maxsize=8)
def _written(root: str) -> bytes:
    return json.dumps(document(root)).encode()
