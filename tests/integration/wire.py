"""A line between a client and a HUB that a test can cut, mute and mend.

The one rule: what a test has ordered has happened when the order returns.
"""

from __future__ import annotations

import contextlib
import queue
import selectors
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType

from tests.integration.watched_hub import GUARD

_LINGER_NOT = struct.pack("ii", 1, 0)


class Wire:
    """Passes on what comes to ``url``, to *port* on this machine and back. One thread does it all."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._selector = selectors.DefaultSelector()
        self._listener: socket.socket | None = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._bell, self._ringer = socket.socketpair()
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._peers: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._silent: list[socket.socket] = []
        self._is_mute = self._is_over = False
        self._limit: int | None = None
        self._broke = threading.Event()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="wire", daemon=True)
        self._thread.start()

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._order(self._end)
        self._thread.join(GUARD)

    def mute(self) -> None:
        """Keep connections, accept new ones, and never pass on another byte."""
        self._order(self._mute)

    def cut(self) -> None:
        """Reset every connection, and refuse new ones."""
        self._order(self._cut)

    def cut_after(self, number: int) -> None:
        """Do so when a connection has carried *number* bytes towards the HUB from now; :meth:`broken` waits for it."""

        def limit() -> None:
            self._limit = number
            self._broke.clear()

        self._order(limit)

    def broken(self) -> None:
        """Return when the limit was reached."""
        assert self._broke.wait(GUARD), "so much was never sent"

    def mend(self) -> None:
        """Pass on what comes by new connections; those from before are reset."""
        self._order(self._mend)

    def _order(self, order: Callable[[], None]) -> None:
        done = threading.Event()

        def carry_out() -> None:
            order()
            done.set()

        self._orders.put(carry_out)
        self._ringer.send(b"!")
        assert done.wait(GUARD), "the wire does not take orders"

    def _run(self) -> None:
        while not self._is_over:
            for key, _ in self._selector.select():
                if key.fileobj is self._bell:
                    self._bell.recv(1)
                    self._orders.get()()
                    break  # what was selected may be gone now
                if key.fileobj is self._listener:
                    self._accept(self._listener)
                elif key.fileobj in self._peers:
                    assert isinstance(key.fileobj, socket.socket)
                    self._pass_on(key.fileobj)

    def _accept(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        if self._is_mute:
            self._silent.append(client)
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._target), timeout=GUARD)
        except OSError:
            _reset(client)
            return
        self._clients.add(client)
        for one, other in ((client, server), (server, client)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, sock: socket.socket) -> None:
        size = 1 << 16
        if self._limit is not None and sock in self._clients:
            size = max(1, min(size, self._limit))
        try:
            data = sock.recv(size)
            self._peers[sock].sendall(data)
        except OSError:
            data = b""
        if not data:
            self._drop(sock, how=socket.socket.close)
        elif self._limit is not None and sock in self._clients:
            self._limit -= len(data)
            if self._limit <= 0:
                self._limit = None
                self._cut()
                self._broke.set()

    def _drop(self, sock: socket.socket, *, how: Callable[[socket.socket], None]) -> None:
        for one in (sock, self._peers[sock]):
            self._selector.unregister(one)
            del self._peers[one]
            self._clients.discard(one)
            how(one)

    def _cut(self) -> None:
        self._hang_up()
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def _hang_up(self) -> None:
        while self._peers:
            self._drop(next(iter(self._peers)), how=_reset)
        while self._silent:
            _reset(self._silent.pop())

    def _mute(self) -> None:
        self._is_mute = True
        for sock in self._peers:
            self._selector.unregister(sock)
            self._silent.append(sock)
        self._peers.clear()
        self._clients.clear()

    def _mend(self) -> None:
        self._is_mute = False
        self._hang_up()
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._selector.register(self._listener, selectors.EVENT_READ)

    def _end(self) -> None:
        self._cut()
        self._is_over = True
        self._selector.close()
        self._bell.close()
        self._ringer.close()


def _reset(sock: socket.socket) -> None:
    """End a connection as a crash does."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    sock.close()
