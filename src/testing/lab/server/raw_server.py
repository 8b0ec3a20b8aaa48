"""A server of bare sockets: says exactly the bytes that a test wants said, as slowly as it wants.

The one rule: what a test knows of time it knows from the server: whether it still had something to say when the client
went. That holds on a slow machine as well.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable

from ..closing import Closeable
from ..timeouts import HANG_TIMEOUT
from .connection import ServerConnection
from .listener import Listener

Handler = Callable[[ServerConnection], None]


class RawServer(Closeable):
    """Hands each connection to *handler* in a thread of its own, over *tls* where that is given; a context manager.

    What a handler raises is raised again when the server is closed, but for errors of the connection.
    """

    def __init__(
        self, handler: Handler, *, tls: ssl.SSLContext | None = None, port: int = 0, is_listening: bool = True
    ) -> None:
        self._handler = handler
        self._pid = os.getpid()
        self._tls = tls
        self._lock = threading.Lock()
        self._talks: dict[ServerConnection, threading.Thread] = {}
        self._failures: list[BaseException] = []
        #: Connections that were accepted so far.
        self.connections = 0
        self._listener = Listener(self._accept, port=port)
        self.port = self._listener.port
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        if is_listening:
            self.listen()

    def refuse(self) -> None:
        """Reset every connection, and have nobody listen."""
        self._listener.refuse()
        self.hang_up()

    def listen(self) -> None:
        """Have somebody listen again."""
        self._listener.listen()

    def restart(self) -> None:
        """As an update does it: the old server is gone with its connections before the new one is there."""
        self.refuse()
        self.listen()

    def hear_out(self) -> None:
        """Wait until every connection has ended by itself, which their clients have seen to: they are gone.

        Raises:
            AssertionError: when one does not end for a minute.
        """
        self._listener.accept_all()
        with self._lock:
            talks = list(self._talks.items())
        for talk, thread in talks:
            thread.join(HANG_TIMEOUT)
            if thread.is_alive():
                raise AssertionError(f"the client of connection {talk.number} is still there")

    def hang_up(self) -> None:
        """Reset every connection and wait until the handlers have ended.

        A handler that calls this keeps its own connection, and waits for no other: that one may do the same.
        """
        self._hang_up(is_last=False)

    def _hang_up(self, *, is_last: bool) -> None:
        me = threading.current_thread()
        with self._lock:
            talks = {talk: thread for talk, thread in self._talks.items() if thread is not me}
            is_handler = me in self._talks.values()
        for talk in talks:
            talk.hang_up()
        for talk, thread in talks.items():
            # At the end nobody waits for a handler that waits for somebody else: it may do so for ever.
            thread.join(0 if is_handler or (is_last and talk.is_elsewhere) else HANG_TIMEOUT)

    def close(self) -> None:
        """Give the port back and end every connection; raise what a handler has raised. Nothing in a forked child."""
        if os.getpid() != self._pid:
            return
        self._listener.close()
        self._hang_up(is_last=True)
        if self._failures:
            raise self._failures[0]

    def _accept(self, sock: socket.socket) -> None:
        self.connections += 1
        talk = ServerConnection(sock, self.connections)
        thread = threading.Thread(target=self._serve, args=(talk,), name="lab-conversation", daemon=True)
        with self._lock:
            self._talks[talk] = thread
            # With the lock: who hangs up joins threads, and one that was not started cannot be joined.
            thread.start()

    def _serve(self, talk: ServerConnection) -> None:
        try:
            if self._tls is not None:
                talk.secure(self._tls)
            self._handler(talk)
        except OSError:
            pass  # the client is gone, or was let go
        except BaseException as exc:  # noqa: BLE001 - it is raised where the test can see it
            self._failures.append(exc)
        finally:
            if talk.is_hung_up:
                talk.reset()
            with contextlib.suppress(OSError):
                talk.close()
            with self._lock:
                del self._talks[talk]
