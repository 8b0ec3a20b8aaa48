"""Time, and waiting for it.

The one rule: whoever owns the time owns the waiting too, so that a test can move both. Instants are monotonic seconds
as float, from an origin that means nothing.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Alarm(Protocol):
    """Where one thread waits, until its time comes or somebody rings."""

    def wait(self, until: float | None) -> None:
        """Return at the instant *until* (never, for ``None``), or at once when rung since the last wait."""
        ...

    def ring(self) -> None:
        """End the wait, or the next one. Safe in a signal handler: takes no lock that the same thread may hold."""
        ...

    def retire(self) -> None:
        """Nobody will wait here again."""
        ...


@runtime_checkable
class Clock(Protocol):
    """Monotonic time, the calendar's time, and alarms."""

    def now(self) -> float:
        """Monotonic seconds: for every interval and deadline."""
        ...

    def wall(self) -> float:
        """Unix seconds: only for what people and servers say in dates."""
        ...

    def alarm(self) -> Alarm:
        """A new place for one thread to wait."""
        ...
