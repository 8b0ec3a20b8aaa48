"""Waiting for the workers, from any other thread.

The one rule: who waits is listed before the first look at what it waits for, so that no change in between is missed.
"""

from __future__ import annotations

from collections.abc import Callable

from ..domain.ports.clock import Alarm, Clock


class Waiting:
    """Those who wait for something to become true."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._alarms: list[Alarm] = []

    def ring(self) -> None:
        """Something has changed: look again."""
        for alarm in list(self._alarms):
            alarm.ring()

    def wait_for(self, is_done: Callable[[], bool], *, deadline: float) -> bool:
        """Wait in the calling thread until *is_done*, at the latest until *deadline*; whether it was done."""
        alarm = self._clock.alarm()
        self._alarms.append(alarm)
        try:
            while not is_done():
                if self._clock.now() >= deadline:
                    return False
                alarm.wait(deadline)
            return True
        finally:
            self._alarms.remove(alarm)
            alarm.retire()
