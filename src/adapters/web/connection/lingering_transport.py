"""The transport of one connection, as uvicorn sees it.

The one rule: an answer that was given is not lost to a reset because the client was still sending.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

from ..limits import Limits

_PACKET = 1 << 14
_NO_LINGER = struct.pack("ii", 1, 0)


class LingeringTransport(asyncio.Transport):
    """*raw*, whose end the client hears; *is_sending* tells whether it is in the middle of saying something.

    A socket that is closed with bytes unread is reset, and a reset takes the answer with it. So the client hears the
    end of what we say, and what it still sends is read and thrown away, for a while.

    What is written in one turn of the loop leaves in one piece, so that head and body of a small answer share a packet.
    """

    def __init__(
        self,
        raw: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        limits: Limits,
        is_sending: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._raw = raw
        self._loop = loop
        self._limits = limits
        self._is_sending = is_sending
        self._held: list[bytes] = []
        self._is_parting = False
        self._discarded = 0
        self._end_timer: asyncio.TimerHandle | None = None

    # What is said.

    def write(self, data: Any) -> None:
        """Say *data*; after the end of what we say there is nothing to be said."""
        if not data or self.is_closing():
            return
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)
        if len(data) > _PACKET:
            self._flush()  # the transport counts what is not taken, and must know of it at once

    def _flush(self) -> None:
        if self._held and not self.is_closing():
            self._raw.write(b"".join(self._held))
        self._held.clear()

    # Its end.

    def close(self) -> None:
        """Part."""
        self._close_lingering(drains=self._is_sending())

    def close_with(self, last: bytes) -> None:
        """Say *last*, and part from a client that may say anything."""
        self.write(last)
        self._close_lingering(drains=True)

    def abort(self) -> None:
        """End it; what the kernel has is still offered."""
        self._raw.abort()

    def reset(self) -> None:
        """End it by a reset: otherwise the kernel would go on offering what nobody takes."""
        self._raw.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._raw.abort()

    def is_closing(self) -> bool:
        """Whether nothing more is said."""
        return self._is_parting or self._raw.is_closing()

    def discard(self, size: int) -> None:
        """So many bytes came after the close."""
        self._discarded += size
        if self._discarded > self._limits.discard:
            # It is not read any further, and meets the end of the connection with the answer in its hands.
            self._raw.pause_reading()

    def lost(self) -> None:
        """It is over."""
        if self._end_timer is not None:
            self._end_timer.cancel()

    def _close_lingering(self, *, drains: bool) -> None:
        if self.is_closing():
            return
        self._flush()
        if not drains:
            self._raw.close()
            return
        self._is_parting = True
        self._raw.write_eof()
        self._raw.resume_reading()
        self._end_timer = self._loop.call_later(self._limits.lingering_timeout, self.reset)

    # The rest is the raw transport's.

    def pause_reading(self) -> None:
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        self._raw.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._raw.get_extra_info(name, default)
