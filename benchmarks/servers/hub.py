"""A HUB that answers as fast as it can and keeps nothing: ``python -m benchmarks.servers.hub``, on loopback.

It runs in a process of its own, so that it takes neither the interpreter's lock nor memory from what is measured. It
writes its port, then one line for each order that it reads on standard input: a mode, or ``counts``.

The one rule: a body is read to its end and thrown away, whatever its size, with one buffer.

==========  ========================================================
mode        what a client meets
==========  ========================================================
``answer``  the HUB's own words
``refuse``  nobody listens, and open connections are reset
``hang``    the request is read, and no answer ever comes
``busy``    503 for everything
``drip``    a header that comes byte by byte and never ends
==========  ========================================================
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
import threading
from collections import Counter

from benchmarks.wire import RECORD

_BUFFER = 1 << 20
_DRIP_EVERY = 0.2
_LINGER_NOT = struct.pack("ii", 1, 0)
MODES = ("answer", "refuse", "hang", "busy", "drip")


def kind_of(method: str, path: str) -> str:
    """Which of the protocol's calls it is."""
    if path.startswith("/v1/agent/heartbeat/"):
        return "heartbeat"
    for end, kind in (("/upload", "upload"), ("/auth", "auth")):
        if path.endswith(end):
            return kind
    return "model" if method == "GET" else "metrics"


class DiscardingHub:
    """Listens on *port* of 127.0.0.1; one thread for each connection."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._mode = "answer"
        self._changed = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self._accept()

    def order(self, mode: str) -> None:
        """Change to *mode*. Requests that hang are let go, without an answer."""
        with self._lock:
            was, self._mode = self._mode, mode
            self._changed.set()
            self._changed = threading.Event()
        if mode == "refuse" and was != "refuse":
            self._stop_listening()
        elif mode != "refuse" and was == "refuse":
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=1024)
            self._accept()

    def _stop_listening(self) -> None:
        # accept() does not notice close(): shutdown() ends it.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        with self._lock:
            doomed = list(self._open)
        for sock in doomed:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        self._accepting = threading.Thread(target=self._accept_all, args=(self._listener,), daemon=True)
        self._accepting.start()

    def _accept_all(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.add(sock)
        buffer = memoryview(bytearray(_BUFFER))
        try:
            while self._one_request(sock, buffer):
                pass
        except OSError:
            pass  # the client is gone
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()

    def _one_request(self, sock: socket.socket, buffer: memoryview) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = sock.recv(1 << 16)
            if not piece:
                return False
            head += piece
        head, _, rest = head.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if headers.get("expect", "").lower() == "100-continue":
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        left = int(headers.get("content-length", "0")) - len(rest)
        while left > 0:
            got = sock.recv_into(buffer, min(left, _BUFFER))
            if not got:
                return False
            left -= got
        method, path, _ = lines[0].split(" ", 2)
        kind = kind_of(method, path.partition("?")[0])
        with self._lock:
            mode, changed = self._mode, self._changed
            self.counts[kind] += 1
            self.counts[f"{kind} bytes"] += int(headers.get("content-length", "0"))
        return self._answer(sock, kind, mode, changed)

    def _answer(self, sock: socket.socket, kind: str, mode: str, changed: threading.Event) -> bool:
        if mode == "hang":
            changed.wait()
            return False
        if mode == "drip":
            sock.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not changed.wait(_DRIP_EVERY):
                sock.sendall(b".")
            return False
        data = {"model": dict(RECORD), "heartbeat": {"agentId": "agent-of-the-benchmark"}}.get(kind, {})
        status, success = ("503 Service Unavailable", False) if mode == "busy" else ("200 OK", True)
        body = json.dumps({"success": success, "message": "", "data": data}).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        return True


def main() -> None:
    """Take orders until standard input ends."""
    hub = DiscardingHub()
    print(hub.port, flush=True)
    for line in sys.stdin:
        order = line.strip()
        if order != "counts":
            hub.order(order)
        print(json.dumps(hub.counts), flush=True)


if __name__ == "__main__":
    main()
