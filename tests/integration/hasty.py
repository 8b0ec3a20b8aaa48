"""A clock by which the time to try again is over as soon as a test has seen enough.

The one rule: the first answer has all the time that it needs, so that no slow machine makes another one of it.
"""

from __future__ import annotations

from collections.abc import Callable

from hubport.adapters.system_clock import SystemClock

_HOUR = 3600.0


class Hasty(SystemClock):
    """The machine's clock, an hour ahead as soon as *has_seen_enough* holds."""

    def __init__(self, has_seen_enough: Callable[[], object]) -> None:
        self._has_seen_enough = has_seen_enough

    def now(self) -> float:
        return super().now() + (_HOUR if self._has_seen_enough() else 0.0)
