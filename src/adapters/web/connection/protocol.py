"""One connection: uvicorn's HTTP/1.1 with what a hostile client makes necessary.

The one rule: whatever a client does, its connection ends within a known time.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import sys
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from ..limits import Limits
from .error_response import render
from .lingering_transport import LingeringTransport

# uvicorn's own remarks are plain lines at WARNING. What is worth a line is logged by the application.
_SILENT = logging.Logger("hubport.uvicorn", level=logging.CRITICAL + 1)  # noqa: LOG001 - outside the tree on purpose
#: Beyond the connections that are answered, so many are told that the HUB is full; the rest hears nothing.
_TOLD = 64
#: After so many pieces of a chunked body they have to be of a decent size: each costs as much as a small request.
_PIECES, _SMALLEST = 256, 128
_TOO_SLOW, _URL_LONG, _HEAD_TOO_LONG = 408, 414, 431
#: Of a request: bytes of its URL, and headers.
_LONGEST_TARGET, _MOST_HEADERS = 8 << 10, 256
_URL_TOO_LONG = f"the URL is longer than {_LONGEST_TARGET} bytes"
_MESSAGES = {
    501: "this transfer coding is not known here: send a Content-Length, or chunks",
}
#: `GET http://host/path`: RFC 9112, 3.2.2. A server takes it from anybody, and believes it more than the Host header.
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
#: Where h11 quotes what it was sent.
_QUOTED = re.compile(r":?\s*(?:bytearray\()?b?['\"].*", re.DOTALL)


class GuardedProtocol(H11Protocol):
    """uvicorn's protocol under *limits*. *on_lost* is called when the connection is over."""

    transport: LingeringTransport

    def __init__(
        self,
        config: Config,
        state: ServerState,
        limits: Limits,
        loop: asyncio.AbstractEventLoop,
        on_lost: Callable[[], None],
    ) -> None:
        super().__init__(config, state, {}, loop)
        self._on_lost = on_lost
        self.logger = _SILENT
        self.access_log = False
        self.conn = _Connection(h11.SERVER, limits.head)
        self._limits = limits
        self._is_surplus = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    # Its life.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; the transport of a socket is one for reading and writing."""
        # asyncio does so only for a socket that says that it is TCP's, which an accepted one may not. With Nagle's
        # algorithm each answer would wait for the receipt of its headers.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(LingeringTransport(transport, self.loop, self._limits, self._is_sending))
        number = len(self.connections)
        self._is_surplus = number > self._limits.connections
        if number > self._limits.connections + _TOLD:
            transport.abort()
            return
        self._head_timer = self.loop.call_later(self._limits.header_timeout, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        for timer in (self._head_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        self.transport.lost()
        super().connection_lost(exc)
        self._on_lost()

    def shutdown(self) -> None:
        """What is under way is finished, and nothing else begun."""
        if self.transport.is_closing():
            return
        try:
            super().shutdown()
        except h11.LocalProtocolError:
            self.transport.abort()

    # What the client says.

    def data_received(self, data: bytes) -> None:
        """Some bytes."""
        if self.transport.is_closing():
            self.transport.discard(len(data))
            return
        if self._is_surplus:
            self.refuse(503, "this HUB has too many connections: try again in a minute")
            return
        super().data_received(data)
        is_between = self.conn.their_state is h11.IDLE
        if self._head_timer is None and is_between and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self._limits.header_timeout, self._head_is_late)
        elif self._head_timer is not None and not is_between:
            self._head_timer.cancel()
            self._head_timer = None

    def eof_received(self) -> None:
        """It says no more: in the middle of a body it is told what that means."""
        if self.conn.their_state is h11.SEND_BODY:
            self.refuse(400, "the body is cut short: it ended before what was announced")

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP. uvicorn calls this where it has caught h11's error."""
        exc = sys.exc_info()[1]
        status = exc.error_status_hint if isinstance(exc, h11.RemoteProtocolError) else 400
        reason = exc.args[0] if isinstance(exc, _RefusedError) else None
        if status == _HEAD_TOO_LONG and reason is None:
            is_url = b"\n" not in self.conn.trailing_data[0]
            status = _URL_LONG if is_url else status
            reason = _URL_TOO_LONG if is_url else f"the headers are longer than {self._limits.head} bytes"
        said = _QUOTED.sub("", str(exc or msg))
        self.refuse(status, reason or _MESSAGES.get(status, f"this is no HTTP request: {said}"))

    # What the client takes.

    def pause_writing(self) -> None:
        """The client is slow to take what it is given: it has a while to take some of it."""
        super().pause_writing()
        self._stall_timer = self.loop.call_later(self._limits.body_chunk_timeout, self.transport.reset)

    def resume_writing(self) -> None:
        """It has."""
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    # What the server says in the application's place.

    def refuse(self, status: int, message: str) -> None:
        """Answer, and part. An answer that has begun is cut instead."""
        if self.transport.is_closing():
            return
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True  # whatever the application says now goes nowhere
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.reset()
                return
        self.transport.close_with(render(status, message))

    def _is_sending(self) -> bool:
        return self.conn.their_state in {h11.SEND_BODY, h11.ERROR}

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self.conn.trailing_data[0]:
            self.refuse(_TOO_SLOW, f"no whole request came within {self._limits.header_timeout:g} s")
        else:
            self.transport.close()


class _RefusedError(h11.RemoteProtocolError):
    """What is HTTP and not taken all the same; its text is for the client."""


class _Connection(h11.Connection):
    """Counts the bytes of heads, which h11 does only for those that come bit by bit, and the pieces of bodies."""

    def __init__(self, role: type[h11.SERVER], head: int) -> None:
        super().__init__(role, head)
        self._head = head
        self._pieces = self._bytes = 0

    def next_event(self) -> Any:
        """As h11's, with more reasons to refuse, and every target as a path."""
        # Blanks and line ends count too: thousands of empty headers are long without a byte in them.
        before = len(self.trailing_data[0]) if self.their_state is h11.IDLE else 0
        event = super().next_event()
        if isinstance(event, h11.Data) and event.chunk_start:
            self._pieces += 1
            self._bytes += len(event.data)
            if self._pieces >= _PIECES and self._bytes < self._pieces * _SMALLEST:
                raise h11.RemoteProtocolError("the chunks are too small")
        elif isinstance(event, h11.Request):
            self._pieces = self._bytes = 0
            return self._checked(event, before - len(self.trailing_data[0]))
        return event

    def _checked(self, request: h11.Request, size: int) -> h11.Request:
        """*request*, whose head has *size* bytes."""
        if not request.http_version.startswith(b"1."):
            raise _RefusedError("this HUB speaks HTTP/1.1 and no other version", error_status_hint=505)
        if len(request.target) > _LONGEST_TARGET:
            raise _RefusedError(_URL_TOO_LONG, error_status_hint=_URL_LONG)
        if size > self._head:
            raise _RefusedError(f"the headers are longer than {self._head} bytes", error_status_hint=_HEAD_TOO_LONG)
        if len(request.headers) > _MOST_HEADERS:
            raise _RefusedError(f"there are more than {_MOST_HEADERS} headers", error_status_hint=_HEAD_TOO_LONG)
        absolute = _ABSOLUTE.fullmatch(request.target)
        if absolute is None:
            return request
        host, path = absolute.groups()
        headers = [(name, value) for name, value in request.headers if name != b"host"]
        target = path if path.startswith(b"/") else b"/" + path
        return h11.Request(
            method=request.method,
            target=target,
            headers=[(b"host", host), *headers],
            http_version=request.http_version,
        )
