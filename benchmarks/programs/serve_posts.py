"""Posts prebuilt requests to a server over keep-alive connections, and counts the answers.

``{"seconds": s, "connections": [request, ...]}``: in each request ``@@@@@@`` stands for the number of the epoch; each
connection has one under way at a time. Answers with ``{"answers": n, "seconds": s,
"busy": share}``, where ``busy`` is how much of the time this program itself was at work.

The one rule: what is measured is the server. Requests are built before, and of an answer only its status and its end
are looked at.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from urllib.parse import urlsplit

from benchmarks.programs.clients import options
from benchmarks.programs.speech import hear, say

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
#: For each connection and order: more than are answered in its time, and the epochs keep to six digits.
_MOST = 15_000


class Talk:
    """One connection."""

    def __init__(self, address: tuple[str, int], requests: list[bytes]) -> None:
        self.sock = socket.create_connection(address, timeout=60)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = iter(requests)
        self._heard = b""

    def ask(self) -> bool:
        """Send the next request; whether there was one."""
        request = next(self._requests, None)
        if request is not None:
            self.sock.sendall(request)
        return request is not None

    def has_answer(self) -> bool:
        """Hear what has come; whether the answer is whole."""
        piece = self.sock.recv(1 << 16)
        if not piece:
            raise ConnectionError(f"the server has closed the connection; it said {self._heard[:300]!r}")
        self._heard += piece
        head, found, body = self._heard.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or length is None or len(body) < int(length[1]):
            return False
        if b" 200 " not in head[:16]:
            raise ValueError(f"the server says {self._heard[:300]!r}")
        self._heard = b""
        return True


def built(request: str, first: int, count: int) -> list[bytes]:
    """*count* requests, for each epoch from *first* on."""
    template = request.encode()
    return [template.replace(b"@@@@@@", b"%06d" % epoch) for epoch in range(first, first + count)]


def run(address: tuple[str, int], connections: list[str], seconds: float, first: int) -> dict[str, float]:
    """Post for so many *seconds*, epochs from *first* on."""
    talks = [Talk(address, built(request, first, _MOST // len(connections) + 1)) for request in connections]
    selector = selectors.DefaultSelector()
    for talk in talks:
        selector.register(talk.sock, selectors.EVENT_READ, talk)
    answers, at_work = 0, time.process_time()
    started = time.perf_counter()
    until = started + seconds
    for talk in talks:
        talk.ask()
    while (now := time.perf_counter()) < until:
        for key, _ in selector.select(until - now):
            if key.data.has_answer():
                answers += 1
                if not key.data.ask():
                    until = time.perf_counter()
    took = time.perf_counter() - started
    for talk in talks:
        talk.sock.close()
    return {"answers": answers, "seconds": took, "busy": (time.process_time() - at_work) / took}


def main() -> None:
    place = urlsplit(options()["url"])
    address, first = (place.hostname or "", place.port or 80), 0
    say("ready")
    while order := hear():
        say(run(address, order["connections"], order["seconds"], first))
        first += _MOST


if __name__ == "__main__":
    main()
