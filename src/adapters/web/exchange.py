"""One request and its answer, between ASGI and the domain.

The one rule: a body is never waited for without an end, and never held beyond its limit.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from email.utils import formatdate
from functools import lru_cache
from typing import Any, TypeAlias

from ...domain.hub.api.messages import ApiError, HubResponse
from ...domain.hub.api.routing import Route
from .limits import Limits

Message: TypeAlias = "MutableMapping[str, Any]"
Receive: TypeAlias = "Callable[[], Awaitable[Message]]"
Send: TypeAlias = "Callable[[Message], Awaitable[None]]"

_LONGEST_LENGTH = 18
_CHUNKED = -1
_WITHOUT_BODY = frozenset({204, 304})
_CLOSE = (b"connection", b"close")


class ClientDisconnected(Exception):
    """Nobody is there any more to be answered."""


class Exchange:
    """The request of *scope*. ``length`` is its body's, -1 when it comes in chunks.

    ``problem`` is what to answer when it does not say clearly where its body ends.
    """

    def __init__(self, scope: Mapping[str, Any], receive: Receive, send: Send, limits: Limits) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: str = scope["query_string"].decode("latin-1")
        self.peer: str = scope["client"][0] if scope["client"] else ""
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.is_started = False
        self._receive, self._send = receive, send
        self._limits = limits
        self._is_heard = False
        self._taken = 0
        self._since = 0.0
        self._is_late = False
        self.problem: ApiError | None = None
        self.length = self._framing(scope["http_version"])

    def _framing(self, version: str) -> int:
        """The length of the body."""
        length = self.headers.get("content-length")
        if "transfer-encoding" in self.headers:
            if length is not None or version == "1.0":
                # Two readers of one request could see two different ones.
                self.problem = ApiError(400, "say either Content-Length or Transfer-Encoding, the latter in HTTP/1.1")
            return _CHUNKED
        if length is None or not length.strip("0"):
            self._is_heard = True
            return 0
        # h11 takes digits only.
        if len(length) > _LONGEST_LENGTH:
            self.problem = ApiError(413, "the Content-Length is beyond what any HUB could hold")
            return _CHUNKED
        return int(length)

    def is_for(self, route: Route) -> bool:
        """Whether it is a call of *route*; HEAD is one of none."""
        return self.method == route.method and route.pattern.fullmatch(self.path) is not None

    # Hearing.

    async def read_chunk(self) -> bytes:
        """The next bytes of the body, nothing at its end.

        Raises:
            ApiError: 408 when they do not come.
            ClientDisconnected: when they never will.
        """
        while not self._is_heard:
            message = await self._awaited()
            if message["type"] != "http.request":
                raise ClientDisconnected
            self._is_heard = not message.get("more_body", False)
            body: bytes = message.get("body", b"")
            if body:
                self._taken += len(body)
                return body
        return b""

    async def read_all(self, most: int) -> bytes:
        """The whole body.

        Raises:
            ApiError: 413 when it is longer than *most*; as :meth:`read_chunk`.
            ClientDisconnected: as :meth:`read_chunk`.
        """
        pieces, size = [], 0
        while piece := await self.read_chunk():
            size += len(piece)
            if size > most:
                raise too_large(most)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def wait_disconnected(self) -> None:
        """Return when the client has gone."""
        while (await self._receive())["type"] == "http.request":
            pass

    async def _awaited(self) -> Message:
        """The next message. A timer instead of ``wait_for``, which would make a task for each small body."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._since = self._since or now
        body_timeout = self._since + self._limits.body_timeout + self._taken / self._limits.pace - now
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs is a task's
        timer = loop.call_later(max(0.0, min(self._limits.body_chunk_timeout, body_timeout)), self._be_late, task)
        try:
            return await self._receive()
        except asyncio.CancelledError:
            if not self._is_late:
                raise
            if sys.version_info >= (3, 11):  # where they are counted
                task.uncancel()
            raise ApiError(408, "the body came too slowly: send it again") from None
        finally:
            timer.cancel()

    def _be_late(self, task: asyncio.Task[Any]) -> None:
        self._is_late = True
        task.cancel()

    # Answering.

    async def begin(self, answer: HubResponse, *, length: int | None) -> None:
        """Status and headers; *length* ``None`` is for a body of unknown length."""
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        if "cache-control" not in answer.headers:
            headers.append((b"cache-control", b"no-store"))
        headers += [(b"x-content-type-options", b"nosniff"), (b"date", _date(int(time.time())))]
        if length is not None and "content-length" not in answer.headers and answer.status not in _WITHOUT_BODY:
            headers.append((b"content-length", b"%d" % length))
        if not self._is_heard:
            headers.append(_CLOSE)
        self.is_started = True
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})

    async def send_chunk(self, data: bytes) -> None:
        """A piece of the answer's body."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, data: bytes = b"") -> None:
        """The last piece."""
        await self._send({"type": "http.response.body", "body": data})

    async def reply(self, answer: HubResponse) -> None:
        """The whole of *answer*, which is no file."""
        await self.begin(answer, length=len(answer.body))
        await self.finish(answer.body if answer.status not in _WITHOUT_BODY else b"")


def too_large(most: int) -> ApiError:
    """For a body beyond *most* bytes."""
    return ApiError(413, f"the body is longer than the {most} bytes that are taken here")


def file_too_large(most: int) -> str:
    """What is said of a file beyond *most* bytes."""
    return f"the file is larger than {most} bytes, which is the limit of this HUB: whoever serves it sets --max-upload"


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()
