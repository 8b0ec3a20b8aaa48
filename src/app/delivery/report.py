"""What became of everything that was logged.

The one rule: every record is in exactly one of the columns: delivered, waiting, refused, superseded or lost.
"""

from __future__ import annotations

from typing import Any

import attrs

from ...domain.terminal_text import counted
from ..command_name import command

#: States in which a session sends nothing.
_SENDS_NOTHING = frozenset({"forked", "copy", "disabled"})


@attrs.frozen
class Count:
    """One kind of message, in numbers. ``waiting`` is still in the outbox."""

    logged: int = 0
    delivered: int = 0
    refused: int = 0
    superseded: int = 0
    lost: int = 0

    @property
    def waiting(self) -> int:
        """What a later run can still deliver."""
        return self.logged - self.delivered - self.refused - self.superseded - self.lost


@attrs.frozen
class Report:
    """The state of a session's delivery: from ``status()`` while it runs, from ``finish()`` at its end.

    ``metrics`` counts calls of ``log_metrics``; ``reasons`` counts what went wrong, by what it was; ``spool`` is where
    what is waiting or refused lies. While it runs, ``next_send`` has the seconds until the next attempt for each of
    ``metrics`` and ``checkpoints`` that waits, and ``trouble`` says why the HUB takes nothing now; empty: all is well.
    """

    model_id: str
    model_url: str
    state: str
    metrics: Count
    checkpoints: Count
    heartbeats: Count
    final_delivered: bool
    reasons: dict[str, int]
    spool: str
    next_send: dict[str, float] = attrs.field(factory=dict)
    trouble: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether everything that was logged is delivered, or was superseded by something newer that is."""
        return not (self._left or self.metrics.refused or self.checkpoints.refused or self._lost)

    @property
    def _left(self) -> int:
        return self.metrics.waiting + self.checkpoints.waiting

    @property
    def _lost(self) -> int:
        return self.metrics.lost + self.checkpoints.lost

    def _both(self, column: str) -> str:
        """How many metrics and checkpoints are in *column*."""
        metrics, checkpoints = (getattr(count, column) for count in (self.metrics, self.checkpoints))
        return f"{counted(metrics, 'metric')} and {counted(checkpoints, 'checkpoint')}"

    def __str__(self) -> str:
        parts: list[str] = []
        runs = f"{self.state}: " if self._is_running else ""
        parts.append(
            f"{runs}{self.metrics.delivered} of {self.metrics.logged} metrics and "
            f"{self.checkpoints.delivered} of {self.checkpoints.logged - self.checkpoints.superseded} checkpoints "
            f"delivered to {self.model_url}"
        )
        if self.metrics.refused or self.checkpoints.refused:
            parts.append(
                f"{self._both('refused')} were refused by the HUB "
                f"and lie in {self.spool}: '{command('sync --refused')}' sends them again"
            )
        if self._lost:
            fate = "were logged where nothing is sent" if self.state in _SENDS_NOTHING else "could not be kept"
            parts.append(f"{self._both('lost')} {fate}")
        if self._left and self._is_running:
            parts.append(self._what_goes_when())
        elif self._left:
            parts.append(
                f"{self._both('waiting')} wait in {self.spool}: "
                f"'{command('sync')}' on this machine sends them, and so does the next "
                f"hubport.connect({self.model_id!r})"
            )
        if self.reasons:
            parts.append("on the way: " + ", ".join(f"{n} x {what}" for what, n in sorted(self.reasons.items())))
        return "; ".join(parts) + "."

    @property
    def _is_running(self) -> bool:
        return self.state == "running"

    def _what_goes_when(self) -> str:
        counts = {"metrics": (self.metrics.waiting, "record"), "checkpoints": (self.checkpoints.waiting, "checkpoint")}
        going = {
            f"{number} {noun}{'s' if number != 1 else ''}": self.next_send.get(kind)
            for kind, (number, noun) in counts.items()
            if number
        }
        if not self.trouble:
            return "next: " + ", ".join(f"{what} {_when(seconds)}" for what, seconds in going.items())
        tries = [seconds for seconds in going.values() if seconds is not None]
        again = f", tried again {_when(min(tries))}" if tries else ""
        return (
            f"the HUB takes nothing now: {self.trouble}; {' and '.join(going)} kept in {self.spool}{again}; "
            f"should this run end before that, '{command('sync')}' on this machine sends them"
        )

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        columns = {
            name: attrs.asdict(count) | {"waiting": count.waiting}
            for name, count in (("metrics", self.metrics), ("checkpoints", self.checkpoints))
        }
        beats = {"sent": self.heartbeats.logged, "delivered": self.heartbeats.delivered}
        names = ("model_id", "model_url", "state", "final_delivered", "reasons", "spool", "is_complete", "next_send")
        return {name: getattr(self, name) for name in names} | columns | {"heartbeats": beats}


_MINUTE = 60


def _when(seconds: float | None) -> str:
    if seconds is None or seconds < 1:
        return "now"
    return f"in {seconds:.0f} s" if seconds < 2 * _MINUTE else f"in {seconds / _MINUTE:.0f} min"
