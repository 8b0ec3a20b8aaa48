"""The HUB as an ASGI application.

The one rule: it only translates. What is answered to whom is decided in :mod:`hubport.domain.hub`; and nothing that
blocks runs in the event loop.
"""

from __future__ import annotations

import asyncio
import errno
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any
from urllib.parse import parse_qsl

from ...domain.errors import StoreFull, StoreUnusable
from ...domain.hub.api.hub import ROUTES, HubApi
from ...domain.hub.api.messages import ERRORS, ApiError, BodyKind, HubRequest, HubResponse, envelope
from ...domain.hub.api.routing import Match
from . import json_body
from .base_url import base_url
from .batcher import RequestBatcher
from .downloads import send_blob
from .event_stream import EventStream, wants_events
from .exchange import ClientDisconnected, Exchange, Receive, Send, too_large
from .limits import Limits
from .openapi.document import document
from .static_files import StaticFiles
from .thread_pool import ThreadPool
from .uploads import Uploads

#: A body up to here is read before anybody is asked whether it is wanted: one hop to a thread instead of two.
SMALL = 1 << 16
_MOST_QUERY = 32
_NOT_FOUND = 404
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
#: There is one kind of call that is answered together with others of its kind.
((_BATCHED, _TOGETHER),) = ((route, route.together) for route in ROUTES.all if route.together is not None)


class HubApplication:
    """Answers for *hub*. *root*, where it is given, is what links hang below; *own* where a client does not name us."""

    def __init__(self, hub: HubApi, limits: Limits, *, root: str | None, own: str, log: Any) -> None:
        self._hub, self._limits = hub, limits
        self._root, self._own = root, own
        self._log = log
        self._site = StaticFiles.of()
        self._pool = ThreadPool(limits.threads)
        # One batch: it is for one route.
        self._batcher = RequestBatcher(self._pool, self._all_of)
        self.closing = asyncio.Event()
        self._changes = EventStream(hub, self._pool, limits, self.closing)
        self._uploads = Uploads(hub.context, self._pool, limits)
        self._large = asyncio.Semaphore(limits.large)
        self._unanswered = 0

    def close(self, deadline: float) -> None:
        """Begin nothing more, and wait for the threads until *deadline* (monotonic seconds)."""
        self._pool.close(deadline)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        at = time.monotonic()
        wire = Exchange(scope, receive, send, self._limits)
        status: int | None = None
        try:
            status = await self._served(wire)
        except ClientDisconnected:
            pass
        finally:
            self._log.debug(
                "web.request",
                method=wire.method,
                path=wire.path,
                status=status,
                ms=round((time.monotonic() - at) * 1000, 1),
                peer=wire.peer,
            )

    async def _served(self, wire: Exchange) -> int:
        """Answer *wire*; the status."""
        try:
            answer = await self._answer(wire)
            if answer is None:
                return 200
            if self._unanswered and wire.path.startswith("/v1/") and answer.status < ERRORS:
                self._log.error("web.store_recovered", failed=self._unanswered)
                self._unanswered = 0
            answer = self._for_people(wire, answer)
            if answer.blob is None:
                await wire.reply(answer)
            else:
                await send_blob(wire, answer, self._hub.context.blobs, self._pool)
        except ClientDisconnected:
            raise
        except Exception as exc:
            answer = self._for_people(wire, self._told(wire, exc))
            if wire.is_started:
                raise  # the connection breaks: what has begun must not look whole
            await wire.reply(answer)
        return answer.status

    def _for_people(self, wire: Exchange, answer: HubResponse) -> HubResponse:
        """*answer*; a page in its place where a browser has asked for something that is not there. Calls get JSON."""
        accepted = wire.headers.get("accept", "")
        is_call = f"{wire.path}/".startswith("/v1/")
        if answer.status != _NOT_FOUND or is_call or "text/html" not in accepted or "application/json" in accepted:
            return answer
        return self._site.missing(wire.path)

    def _told(self, wire: Exchange, exc: Exception) -> HubResponse:
        """What a client is told of *exc*, and what the log."""
        if isinstance(exc, ApiError):
            return exc.answer()
        if isinstance(exc, StoreFull) or (isinstance(exc, OSError) and exc.errno in _DISK_FULL):
            self._log.error("web.disk_full", method=wire.method, path=wire.path, cause=str(exc))
            told = "the HUB's disk is full: what was sent is not kept; make room there, and send it again"
            return envelope(507, told, headers={"retry-after": "5"})
        if isinstance(exc, StoreUnusable):
            # Not a fault of ours: it may come back, and whoever tries again loses nothing.
            self._unanswered += 1
            if self._unanswered == 1:  # the others are counted, and told of when it is over
                self._log.error("web.store_unusable", method=wire.method, path=wire.path, cause=str(exc))
            return envelope(503, "the HUB's database does not answer: try again", headers={"retry-after": "5"})
        # Whoever asks what went wrong finds it in the log by this.
        reference = secrets.token_hex(4)
        self._log.error("web.failed", reference=reference, method=wire.method, path=wire.path, exc_info=exc)
        return envelope(500, f"the HUB failed at this request: its log says why, at {reference}")

    async def _answer(self, wire: Exchange) -> HubResponse | None:
        """The answer to *wire*; ``None`` when it was a stream and is over."""
        if wire.problem is not None:
            raise wire.problem
        page = self._site.answer(wire.method, wire.path, wire.query, wire.headers.get("if-none-match", ""))
        if page is not None:
            return page
        if wire.path == "/openapi.json":
            return await self._pool.run(_document, wire.method, self._root_for(wire))
        request = self._asked(wire)
        if wants_events(wire):
            match = await self._pool.run(self._hub.admit, request)
            return await self._changes.stream(wire, match, request)
        return await self._called(wire, request)

    async def _called(self, wire: Exchange, request: HubRequest) -> HubResponse:
        """The answer to a call of the HUB's."""
        if 0 <= wire.length <= SMALL:
            body = await wire.all(SMALL)
            if wire.is_for(_BATCHED):
                return await self._batcher.submit((request, body))
            # What it has to give back it gives back in its thread: who is cancelled need not wait for it.
            return await self._pool.begin(self._whole, request, body)
        match = await self._pool.run(self._hub.admit, request)
        kind = _body_kind(match)
        if kind is BodyKind.FORM:
            return await self._uploads.take(wire, match, request)
        most = self._limits.json if kind is BodyKind.JSON else SMALL
        if wire.length > most:
            raise too_large(most)
        async with self._large:
            body = await wire.all(most)
            return await self._pool.run(self._with_body, match, request, body)

    # In a thread.

    def _all_of(self, calls: Sequence[tuple[HubRequest, bytes]]) -> list[HubResponse]:
        """All of many small calls of one kind."""
        return self._hub.answer_together(_TOGETHER, [(request, partial(_with_json, body)) for request, body in calls])

    def _whole(self, request: HubRequest, body: bytes) -> HubResponse:
        """All of a small call."""
        return self._with_body(self._hub.admit(request), request, body)

    def _with_body(self, match: Match, request: HubRequest, body: bytes) -> HubResponse:
        kind = _body_kind(match)
        if kind is BodyKind.FORM:
            return self._uploads.whole(match, request, body)
        if kind is BodyKind.JSON:
            request = _with_json(body, request)
        return match.answer(self._hub.context, request)

    # In the event loop.

    def _asked(self, wire: Exchange) -> HubRequest:
        query: dict[str, str] = {}
        if wire.query:
            try:
                query = dict(parse_qsl(wire.query, keep_blank_values=True, max_num_fields=_MOST_QUERY))
            except ValueError as exc:
                raise ApiError(400, f"the query has more than {_MOST_QUERY} parts, or is none") from exc
        return HubRequest(wire.method, wire.path, self._root_for(wire), wire.headers, query, wire.peer)

    def _root_for(self, wire: Exchange) -> str:
        if self._root is not None:
            return self._root
        host = wire.headers.get("host")
        return self._own if host is None else base_url(host)


def _body_kind(match: Match) -> BodyKind:
    """What to make of the body: nothing where the call is refused in any case."""
    return match.route.body if match.route.status < ERRORS else BodyKind.NOTHING


def _with_json(body: bytes, request: HubRequest) -> HubRequest:
    return request.with_json(json_body.parse_json(body))


def _document(method: str, root: str) -> HubResponse:
    if method not in {"GET", "HEAD"}:
        raise ApiError(405, "the document is only to be read", {"allow": "GET, HEAD"})
    return HubResponse(200, {"content-type": "application/json"}, _written(root))


@lru_cache(maxsize=8)
def _written(root: str) -> bytes:
    return json.dumps(document(root)).encode()
