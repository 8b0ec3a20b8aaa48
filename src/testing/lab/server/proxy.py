"""A proxy between a client and its HUB, which writes down what it is shown.

The one rule: it leads to one place, whatever it was asked for, so that nothing leaves this machine.
"""

from __future__ import annotations

import contextlib
import socket
import threading

from ..closing import Closeable
from ..timeouts import HANG_TIMEOUT
from .connection import ServerConnection
from .http1 import Head
from .raw_server import RawServer

_OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_PIECE = 1 << 16


class Proxy(Closeable):
    """Passes on to *port* of this machine, through tunnels (CONNECT) or plainly; a context manager.

    ``heads`` is what it was asked, ``seen`` every byte that clients have sent through it.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self.heads: list[Head] = []
        self.seen = bytearray()
        self._server = RawServer(self._serve)
        self.url = self._server.url

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return self._server.connections

    def close(self) -> None:
        """End every tunnel."""
        self._server.close()

    def _serve(self, talk: ServerConnection) -> None:
        data = talk.head()
        self.seen += data
        head = Head.parse(data)
        self.heads.append(head)
        with socket.create_connection(("127.0.0.1", self._target), timeout=HANG_TIMEOUT) as onward:
            if head.method == "CONNECT":
                talk.say(_OPENED)
            else:
                onward.sendall(data)
            back = threading.Thread(target=self._back, args=(onward, talk), name="lab-proxy", daemon=True)
            back.start()
            while piece := talk.some(_PIECE):
                self.seen += piece
                onward.sendall(piece)
            with contextlib.suppress(OSError):
                onward.shutdown(socket.SHUT_WR)
            back.join(HANG_TIMEOUT)

    def _back(self, onward: socket.socket, talk: ServerConnection) -> None:
        with contextlib.suppress(OSError):
            while piece := onward.recv(_PIECE):
                talk.say(piece)
            talk.finish()
