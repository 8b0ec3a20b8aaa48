"""Waiting for the workers, from any other thread.

The one rule: who waits is listed before the first look at what it waits for, so that no change in between is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ...domain.ports.clock import Alarm, Clock


class Onlooker(Protocol):
    """Somebody who looks on while a thread waits, in that thread: at the instant ``due``, which each look sets anew."""

    due: float

    def look(self, now: float) -> None:
        """It is time."""
        ...


class Condition:
    """Those who wait for something to become true."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._alarms: list[Alarm] = []

    def notify_all(self) -> None:
        """Something has changed: look again."""
        for alarm in list(self._alarms):
            alarm.ring()

    def wait_for(self, is_done: Callable[[], bool], *, deadline: float, onlookers: Sequence[Onlooker] = ()) -> bool:
        """Wait in the calling thread until *is_done*, at the latest until *deadline*; whether it was done."""
        alarm = self._clock.alarm()
        self._alarms.append(alarm)
        try:
            while not is_done():
                now = self._clock.now()
                if now >= deadline:
                    return False
                for onlooker in onlookers:
                    if now >= onlooker.due:
                        onlooker.look(now)
                alarm.wait(min([deadline, *(onlooker.due for onlooker in onlookers)]))
            return True
        finally:
            self._alarms.remove(alarm)
            alarm.retire()
