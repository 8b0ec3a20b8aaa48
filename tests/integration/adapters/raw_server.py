"""A server of bare sockets: says exactly the bytes that a test wants said, as slowly as it wants.

The one rule: what a test knows of time it knows from the server: whether it still had something to say when the client
went. That holds on a slow machine as well.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from types import TracebackType

#: Longer than any client in these tests waits, in real seconds.
LONG = 60.0


class Conversation:
    """One accepted connection, as the handler of a test sees it."""

    def __init__(self, sock: socket.socket, server: RawServer) -> None:
        self.sock = sock
        self._server = server

    def head(self) -> bytes:
        """The request up to the empty line, byte by byte, so that nothing of the body is taken."""
        found = b""
        while not found.endswith(b"\r\n\r\n"):
            byte = self.sock.recv(1)
            if not byte:
                break
            found += byte
        return found

    def body(self, size: int) -> bytes:
        """The *size* bytes that follow."""
        found = bytearray()
        while len(found) < size and (piece := self.sock.recv(min(1 << 20, size - len(found)))):
            found += piece
        return bytes(found)

    def request(self) -> tuple[bytes, bytes]:
        """Head and body."""
        head = self.head()
        return head, self.body(content_length(head))

    def drain(self) -> int:
        """Read until the client stops; how many bytes."""
        number = 0
        while piece := self.sock.recv(1 << 20):
            number += len(piece)
        return number

    def say(self, data: bytes) -> None:
        """Send *data*."""
        self.sock.sendall(data)

    def drip(self, data: bytes, *, every: float = 0.05) -> None:
        """Send *data* byte by byte."""
        for position in range(len(data)):
            self.say(data[position : position + 1])
            if self._server.over.wait(every):
                return
        self._server.exhausted += 1

    def pause(self, seconds: float) -> None:
        """Say nothing for so long, or until the test is over."""
        self._server.over.wait(seconds)

    def hold(self) -> None:
        """Say nothing for longer than any client waits."""
        self._server.exhausted += not self._server.over.wait(LONG)

    def reset(self) -> None:
        """End the connection as a crash does: by a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Handler = Callable[[Conversation], None]


class RawServer:
    """Hands each connection to *handler* in a thread of its own. Use it as a context manager."""

    def __init__(self, handler: Handler, *, tls: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._tls = tls
        self.over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._failures: list[BaseException] = []
        self.connections = 0
        #: Handlers that had nothing left to drip or to wait for while their client was still there.
        self.exhausted = 0
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._accepting = threading.Thread(target=self._accept, name="raw-server", daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self.over.is_set():
                sock.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(sock,), name="raw-conversation", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(LONG)
        try:
            with sock if self._tls is None else self._tls.wrap_socket(sock, server_side=True) as stream:
                self._sockets.append(stream)
                self._handler(Conversation(stream, self))
        except OSError:
            sock.close()  # the client is gone
        except BaseException as exc:  # noqa: BLE001 - it is raised where the test can see it
            self._failures.append(exc)

    def __enter__(self) -> RawServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        # accept() is not ended by close(): a last connection is what it waits for.
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=LONG):
            pass
        self._accepting.join(LONG)
        self._listener.close()
        for sock in self._sockets:
            # Ends a handler that still waits for a client, which may hold its connection until it is collected.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(LONG)
        if self._failures and exc is None:
            raise self._failures[0]


def content_length(head: bytes) -> int:
    """What the head announces."""
    return int(headers_of(head).get("content-length", "0"))


def headers_of(head: bytes) -> dict[str, str]:
    """The headers of a request's head, by lower-case name."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}


def response(body: bytes = b'{"success": true}', *, status: str = "200 OK", headers: tuple[bytes, ...] = ()) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}".encode(), *headers, b"content-length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def answering(data: bytes) -> Handler:
    """A handler that takes each request of a connection and says *data* to it."""

    def handle(talk: Conversation) -> None:
        while talk.request()[0]:
            talk.say(data)

    return handle


def recording(heads: list[bytes], data: bytes | None = None) -> Handler:
    """Likewise, and keeps the heads of the requests."""

    def handle(talk: Conversation) -> None:
        while head := talk.request()[0]:
            heads.append(head)
            talk.say(response() if data is None else data)

    return handle
