"""The machine's clocks.

The one rule: waiting takes no lock that a signal handler could find taken, because ``ring`` is called from handlers.
"""

from __future__ import annotations

import queue
import threading
import time

from ..domain.ports.clock import Alarm, Clock


class SystemAlarm(Alarm):
    """A thread waits on a ``SimpleQueue``, whose ``put`` is documented as reentrant.

    An ``Event`` would deadlock when a signal handler interrupts its own ``set``.
    """

    def __init__(self) -> None:
        self._rings: queue.SimpleQueue[None] = queue.SimpleQueue()

    def wait(self, until: float | None) -> None:
        """Wait for the time or a ring, whichever is first."""
        try:
            if until is None:
                self._rings.get()
            else:
                # Waits beyond TIMEOUT_MAX raise; whoever waits for so long looks again.
                self._rings.get(timeout=min(max(until - time.monotonic(), 0.0), threading.TIMEOUT_MAX))
            # Rings that came together are one: a ring after this line is for the next wait.
            while True:
                self._rings.get_nowait()
        except queue.Empty:
            pass

    def ring(self) -> None:
        """End the wait."""
        self._rings.put(None)

    def retire(self) -> None:
        """Nothing to give back."""


class SystemClock(Clock):
    """``time.monotonic`` for intervals, ``time.time`` for dates."""

    def now(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def wall(self) -> float:
        """Unix seconds."""
        return time.time()

    def alarm(self) -> SystemAlarm:
        """A new alarm."""
        return SystemAlarm()
