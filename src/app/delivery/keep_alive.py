"""Signs of life of a spool's owner, for other machines."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from ...domain.ports.clock import Clock
from ..log import EventLogger

#: Seconds between two signs of life.
INTERVAL = 60.0


class KeepAlive:
    """Calls *send* once in :data:`INTERVAL` seconds, in the thread of whichever worker comes first."""

    def __init__(self, clock: Clock, log: EventLogger, send: Callable[[], None] | None) -> None:
        self._clock = clock
        self._log = log
        self._send = send
        self._lock = threading.Lock()
        self.due = math.inf if send is None else -math.inf
        """The instant of the next sign."""

    def send_if_due(self) -> None:
        """Send it where it is time. Whatever it raises is logged: it is no reason to stop."""
        with self._lock:
            now = self._clock.now()
            if now < self.due or self._send is None:
                return
            self.due = now + INTERVAL
        try:
            self._send()
        except Exception:  # noqa: BLE001 - whatever it is, it must not end the worker
            self._log.exception("worker.failed", worker="sign of life")
