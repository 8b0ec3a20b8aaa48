"""The machine's clocks.

The one rule: waiting takes no lock that a signal handler could find taken, because ``ring`` is called from handlers.
"""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time

from ..domain.ports.clock import Alarm, Clock

_LOOK_AGAIN = 1.0


class SystemAlarm(Alarm):
    """A thread waits on a ``SimpleQueue``, whose ``put`` is documented as reentrant.

    An ``Event`` would deadlock when a signal handler interrupts its own ``set``.
    """

    def __init__(self) -> None:
        self._rings: queue.SimpleQueue[None] = queue.SimpleQueue()

    def wait(self, until: float | None) -> None:
        """Wait for the time or a ring, whichever is first."""
        # A signal that comes behind the last bytecode and before the wait interrupts neither, and Python's handlers run
        # in the main thread alone: it looks again each second, or a SIGTERM would be met when all else is over.
        longest = _LOOK_AGAIN if threading.current_thread() is threading.main_thread() else threading.TIMEOUT_MAX
        while True:
            left = math.inf if until is None else max(until - time.monotonic(), 0.0)
            try:
                self._rings.get(timeout=min(left, longest))
                break
            except queue.Empty:
                if left <= longest:
                    return
        # Rings that came together are one: a ring after this line is for the next wait.
        with contextlib.suppress(queue.Empty):
            while True:
                self._rings.get_nowait()

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
