"""What servers of bare sockets do in the tests of adapters.

The one rule: a handler that would go on for minutes fails its test when its client is still there after them. So a
client that has an end is told from one that has none, on a slow machine as well.
"""

from __future__ import annotations

from hubport.testing.lab import HANG_TIMEOUT, ServerConnection
from hubport.testing.lab.server.raw_server import Handler


def taken(talk: ServerConnection) -> tuple[bytes, bytes]:
    """Head and body of the next request; nothing when the client says no more."""
    head = talk.head()
    return head, talk.body(content_length(head))


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


def hold(talk: ServerConnection) -> None:
    """Say nothing for longer than any client waits."""
    assert not talk.pause(HANG_TIMEOUT), "the client is still there"


def drip(talk: ServerConnection, data: bytes) -> None:
    """Say *data* byte by byte, for longer than any client waits."""
    assert not talk.drip(data, every=0.05), "the client is still there"


def answering(data: bytes) -> Handler:
    """A handler that takes each request of a connection and says *data* to it."""

    def handle(talk: ServerConnection) -> None:
        while taken(talk)[0]:
            talk.say(data)

    return handle


def recording(heads: list[bytes], data: bytes | None = None) -> Handler:
    """Likewise, and keeps the heads of the requests."""

    def handle(talk: ServerConnection) -> None:
        while head := taken(talk)[0]:
            heads.append(head)
            talk.say(response() if data is None else data)

    return handle
