"""One accepted connection, byte by byte, as the server's side sees it.

The one rule: whoever waits here is woken when the client goes, and when the test rings. Nothing is ever looked at again
and again.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading

from ..timeouts import HANG_TIMEOUT

_LINGER_NOT = struct.pack("ii", 1, 0)
# Closed, reset, or closed on the other side alone. The last is Linux's; elsewhere a client that only half closes its
# connection is noticed when the test rings.
_GONE = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR
_PIECE = 1 << 20


class ClientLeft(ConnectionError):
    """The client has closed the connection before it was through, or before we were."""


class LetGo(ConnectionError):
    """The test has ended what it had ordered."""


class ServerConnection:
    """The *number*-th connection. Only its own thread talks; any other may :meth:`ring` or :meth:`hang_up`."""

    def __init__(self, sock: socket.socket, number: int = 1) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(HANG_TIMEOUT)
        self.sock = sock
        self.number = number
        self.is_hung_up = False
        #: Whether its thread is busy with something that nobody here can end.
        self.is_elsewhere = False
        self._taken = bytearray()
        self._bell, self._ringer = socket.socketpair()
        # Between threads: a number of a file that one closes must not be another file's when the other uses it.
        self._lock = threading.Lock()
        self._is_closed = False

    def secure(self, context: ssl.SSLContext) -> None:
        """Begin TLS, as the server.

        Raises:
            OSError: when the client does not like what it is shown.
        """
        with self._lock:
            # With the lock: a socket that is wrapped is empty. Whoever hangs up would find it, and end nothing.
            if self.is_hung_up:
                raise LetGo
            secured = self.sock = context.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        secured.do_handshake()

    # Hearing.

    def some(self, most: int) -> bytes:
        """What has come, *most* bytes of it, waited for; nothing when the client says no more."""
        if not self._taken:
            return self.sock.recv(min(most, _PIECE))
        piece = bytes(self._taken[:most])
        del self._taken[:most]
        return piece

    def head(self) -> bytes:
        """A request up to its empty line; what came of it when the client went before that."""
        found = bytearray()
        while (end := found.find(b"\r\n\r\n")) < 0:
            piece = self.some(1 << 12)
            if not piece:
                return bytes(found)
            found += piece
        self._taken[:0] = found[end + 4 :]
        return bytes(found[: end + 4])

    def body(self, size: int) -> bytes:
        """The *size* bytes that follow; fewer when the client goes before."""
        found = bytearray()
        while len(found) < size and (piece := self.some(size - len(found))):
            found += piece
        return bytes(found)

    def drain(self) -> int:
        """Hear the client out; how many bytes that were."""
        number = 0
        while piece := self.some(_PIECE):
            number += len(piece)
        return number

    # Talking.

    def say(self, data: bytes) -> None:
        """Send *data*, all of it."""
        self.sock.sendall(data)

    def drip(self, data: bytes, *, every: float) -> bool:
        """Send *data* byte by byte, *every* so many seconds; whether the client stayed for all of it."""
        for position in range(len(data)):
            self.say(data[position : position + 1])
            if not self.pause(every):
                return False
        return True

    def pause(self, seconds: float | None = None) -> bool:
        """Say nothing for so long, or for ever; whether it ended by itself, not by the client's going or a ring."""
        poll = select.poll()
        poll.register(self.sock, _GONE)
        poll.register(self._bell, select.POLLIN)
        return not poll.poll(None if seconds is None else seconds * 1000)

    # Ending.

    def finish(self) -> None:
        """Say no more, in good order: the client hears the end of what was said."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection as a crash does: by a RST."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self.close()

    def close(self) -> None:
        """Give everything back."""
        with self._lock:
            self._is_closed = True
            for sock in (self.sock, self._bell, self._ringer):
                sock.close()

    # For other threads.

    @property
    def was_rung(self) -> bool:
        """Whether somebody has rung since :meth:`listen_again`."""
        return bool(select.select([self._bell], [], [], 0)[0])

    def ring(self) -> None:
        """End the pause that is, or the next."""
        with self._lock:
            if not self._is_closed:
                self._ringer.send(b"!")

    def listen_again(self) -> None:
        """Forget the rings so far."""
        self._bell.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while self._bell.recv(1 << 10):
                pass

    def hang_up(self) -> None:
        """End it from another thread, whatever it does: its own thread then resets the connection."""
        with self._lock:
            self.is_hung_up = True
            if self._is_closed:
                return
            self._ringer.send(b"!")
            with contextlib.suppress(OSError):
                # Not the method of a TLS socket, which would take its state from under the thread that uses it.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
