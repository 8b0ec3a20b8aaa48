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
        self._static_files = StaticFiles.of()
        self._pool = ThreadPool(limits.threads)
        # One batch: it is for one route.
        self._batcher = RequestBatcher(self._pool, self._all_of)
        self.closing = asyncio.Event()
        self._event_stream = EventStream(hub, self._pool, limits, self.closing)
        self._uploads = Uploads(hub.context, self._pool, limits)
        self._large = asyncio.Semaphore(limits.large)
        self._unanswered = 0

    def close(self, deadline: float) -> None:
        """Begin nothing more, and wait for the threads until *deadline* (monotonic seconds)."""
        self._pool.close(deadline)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        at = time.monotonic()
        exchange = Exchange(scope, receive, send, self._limits)
        status: int | None = None
        try:
            status = await self._served(exchange)
        except ClientDisconnected:
            pass
        finally:
            self._log.debug(
                "web.request",
                method=exchange.method,
                path=exchange.path,
                status=status,
                ms=round((time.monotonic() - at) * 1000, 1),
                peer=exchange.peer,
            )

    async def _served(self, exchange: Exchange) -> int:
        """Answer *exchange*; the status."""
        try:
            answer = await self._answer(exchange)
            if answer is None:
                return 200
            if self._unanswered and exchange.path.startswith("/v1/") and answer.status < ERRORS:
                self._log.error("web.store_recovered", failed=self._unanswered)
                self._unanswered = 0
            answer = self._for_people(exchange, answer)
            if answer.blob is None:
                await exchange.reply(answer)
            else:
                await send_blob(exchange, answer, self._hub.context.blobs, self._pool)
        except ClientDisconnected:
            raise
        except Exception as exc:
            answer = self._for_people(exchange, self._told(exchange, exc))
            if exchange.is_started:
                raise  # the connection breaks: what has begun must not look whole
            await exchange.reply(answer)
        return answer.status

    def _for_people(self, exchange: Exchange, answer: HubResponse) -> HubResponse:
        """*answer*; a page in its place where a browser has asked for something that is not there. Calls get JSON."""
        accepted = exchange.headers.get("accept", "")
        is_call = f"{exchange.path}/".startswith("/v1/")
        if answer.status != _NOT_FOUND or is_call or "text/html" not in accepted or "application/json" in accepted:
            return answer
        return self._static_files.missing(exchange.path)

    def _told(self, exchange: Exchange, exc: Exception) -> HubResponse:
        """What a client is told of *exc*, and what the log."""
        if isinstance(exc, ApiError):
            return exc.answer()
        if isinstance(exc, StoreFull) or (isinstance(exc, OSError) and exc.errno in _DISK_FULL):
            self._log.error("web.disk_full", method=exchange.method, path=exchange.path, cause=str(exc))
            told = "the HUB's disk is full: what was sent is not kept; make room there, and send it again"
            return envelope(507, told, headers={"retry-after": "5"})
        if isinstance(exc, StoreUnusable):
            # Not a fault of ours: it may come back, and whoever tries again loses nothing.
            self._unanswered += 1
            if self._unanswered == 1:  # the others are counted, and told of when it is over
                self._log.error("web.store_unusable", method=exchange.method, path=exchange.path, cause=str(exc))
            return envelope(503, "the HUB's database does not answer: try again", headers={"retry-after": "5"})
        # Whoever asks what went wrong finds it in the log by this.
        reference = secrets.token_hex(4)
        self._log.error("web.failed", reference=reference, method=exchange.method, path=exchange.path, exc_info=exc)
        return envelope(500, f"the HUB failed at this request: its log says why, at {reference}")

    async def _answer(self, exchange: Exchange) -> HubResponse | None:
        """The answer to *exchange*; ``None`` when it was a stream and is over."""
        if exchange.problem is not None:
            raise exchange.problem
        page = self._static_files.answer(
            exchange.method, exchange.path, exchange.query, exchange.headers.get("if-none-match", "")
        )
        if page is not None:
            return page
        if exchange.path == "/openapi.json":
            return await self._pool.run(_document, exchange.method, self._root_for(exchange))
        request = self._asked(exchange)
        if wants_events(exchange):
            match = await self._pool.run(self._hub.admit, request)
            return await self._event_stream.stream(exchange, match, request)
        return await self._called(exchange, request)

    async def _called(self, exchange: Exchange, request: HubRequest) -> HubResponse:
        """The answer to a call of the HUB's."""
        if 0 <= exchange.length <= SMALL:
            body = await exchange.read_all(SMALL)
            if exchange.is_for(_BATCHED):
                return await self._batcher.submit((request, body))
            # What it has to give back it gives back in its thread: who is cancelled need not wait for it.
            return await self._pool.submit(self._whole, request, body)
        match = await self._pool.run(self._hub.admit, request)
        kind = _body_kind(match)
        if kind is BodyKind.FORM:
            return await self._uploads.take(exchange, match, request)
        most = self._limits.json if kind is BodyKind.JSON else SMALL
        if exchange.length > most:
            raise too_large(most)
        async with self._large:
            body = await exchange.read_all(most)
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

    def _asked(self, exchange: Exchange) -> HubRequest:
        query: dict[str, str] = {}
        if exchange.query:
            try:
                query = dict(parse_qsl(exchange.query, keep_blank_values=True, max_num_fields=_MOST_QUERY))
            except ValueError as exc:
                raise ApiError(400, f"the query has more than {_MOST_QUERY} parts, or is none") from exc
        return HubRequest(
            exchange.method, exchange.path, self._root_for(exchange), exchange.headers, query, exchange.peer
        )

    def _root_for(self, exchange: Exchange) -> str:
        if self._root is not None:
            return self._root
        host = exchange.headers.get("host")
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
