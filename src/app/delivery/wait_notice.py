"""What somebody hears who waits for a HUB that does not answer.

The one rule: whoever waits in vain is told soon, then ever more rarely; each time what waits, for how long, and what
becomes of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

from ...domain.ports.clock import Clock
from ..command_name import command
from ..log import EventLogger

#: Seconds without any progress until the first line; the gap to the next one doubles, up to the last.
FIRST_AFTER = 5.0
_LONGEST_GAP = 300.0


@attrs.frozen
class Pending:
    """What waits, as counts; ``moved`` differs from one look to the next where something goes out or has arrived."""

    metrics: int
    checkpoints: int
    moved: tuple[int, ...]
    reason: str
    """Why it waits, in a few words; empty when nothing has failed yet."""
    is_kept: bool
    """Whether all of it is in the outbox, so that a later run can send it."""

    def __str__(self) -> str:
        return " and ".join(
            f"{number} {noun}{'s' if number != 1 else ''}"
            for number, noun in ((self.metrics, "record"), (self.checkpoints, "checkpoint"))
            if number
        )


class WaitNotice:
    """Logs a warning now and then while a thread waits until *deadline*: an onlooker of `Condition`."""

    def __init__(
        self, backlog: Callable[[], Pending], clock: Clock, log: EventLogger, *, root: str, deadline: float
    ) -> None:
        self._backlog = backlog
        self._clock = clock
        self._log = log
        self._root = root
        self._deadline = deadline
        self._gap = FIRST_AFTER
        self._moved = backlog().moved
        self.due = clock.now() + FIRST_AFTER

    def look(self, now: float) -> None:
        """Say what waits, unless something has moved since the last look."""
        backlog = self._backlog()
        has_moved, self._moved = backlog.moved != self._moved, backlog.moved
        if has_moved:
            self._gap = FIRST_AFTER
        elif str(backlog):
            self._log.warning("delivery.waiting", summary=self._summary(backlog, now))
            self._gap = min(self._gap * 2, _LONGEST_GAP)
        self.due = now + self._gap

    def _summary(self, backlog: Pending, now: float) -> str:
        until = time.strftime("%H:%M:%S", time.localtime(round(self._clock.wall() + self._deadline - now)))
        kept = "keeps everything" if backlog.is_kept else "keeps all but the final checkpoint, which has no room here"
        return (
            f"{backlog} still to be sent to {self._root}: {backlog.reason or 'no answer yet'}. "
            f"hubport tries until {until}. Ctrl-C {kept}: '{command('sync')}' sends it later."
        )
