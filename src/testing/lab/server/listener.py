"""A port of this machine at which somebody listens, or nobody.

The one rule: what was ordered has happened when the order returns, and the port stays ours in between.
"""

from __future__ import annotations

import contextlib
import queue
import select
import selectors
import socket
import threading
from collections.abc import Callable

from ..timeouts import HANG_TIMEOUT


class Listener:
    """Hands each connection to *on_accept*, in a thread of its own; *port* 0 takes a free one of 127.0.0.1.

    Nobody listens before :meth:`listen`.
    """

    def __init__(self, on_accept: Callable[[socket.socket], None], *, port: int = 0) -> None:
        self._socket = self._bound(port)
        self.port: int = self._socket.getsockname()[1]
        self._on_accept = on_accept
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._bell, self._ringer = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._is_over = self._is_listening = False
        self._thread = threading.Thread(target=self._run, name="lab-listener", daemon=True)
        self._thread.start()

    def refuse(self) -> None:
        """From now nobody listens. Connections that nobody has accepted yet are reset by the kernel."""
        self._order(self._refuse)

    def listen(self) -> None:
        """From now somebody listens."""
        self._order(self._listen)

    def accept_all(self) -> None:
        """Accept everybody who has connected by now."""
        self._order(self._accept_all)

    def close(self) -> None:
        """Give the port back; a second time is no error."""
        if not self._is_over:
            self._order(self._end)
            self._thread.join(HANG_TIMEOUT)

    def _order(self, order: Callable[[], None]) -> None:
        done = threading.Event()

        def carry_out() -> None:
            order()
            done.set()

        self._orders.put(carry_out)
        self._ringer.send(b"!")
        if not done.wait(HANG_TIMEOUT):
            raise AssertionError("the listener does not take orders: a thread of the lab hangs")

    def _run(self) -> None:
        while not self._is_over:
            for key, _ in self._selector.select():
                if key.fileobj is self._bell:
                    self._bell.recv(1)
                    self._orders.get()()
                    break  # what was selected may be gone now
                self._accept()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # a client that has gone again
            self._on_accept(self._socket.accept()[0])

    def _accept_all(self) -> None:
        while self._is_listening and select.select([self._socket], [], [], 0)[0]:
            self._accept()

    def _bound(self, port: int) -> socket.socket:
        """A socket at which nobody listens: who connects is refused, and nobody else gets the port."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of before may still be ending
            sock.bind(("127.0.0.1", port))
        except BaseException:
            sock.close()
            raise
        return sock

    def _refuse(self) -> None:
        if self._is_listening:
            self._is_listening = False
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = self._bound(self.port)

    def _listen(self) -> None:
        if not self._is_listening:
            self._is_listening = True
            self._socket.listen(128)
            self._selector.register(self._socket, selectors.EVENT_READ)

    def _end(self) -> None:
        self._is_over = True
        self._selector.close()
        for sock in (self._socket, self._bell, self._ringer):
            sock.close()
