"""What a journal says is still to be done: a fold over its lines, in their order.

The one rule: the state after a crash is the state that the lines tell, and nothing else is needed to go on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from .checkpoint import Checkpoint
from .journal import Line


@attrs.define
class Backlog:
    """How far metrics are settled, and which checkpoints wait."""

    cursor: int = 0
    """All metrics before this byte are settled."""
    last_metrics: int = 0
    """The end of the last line of metrics; after the cursor when some wait."""
    end: int = 0
    """The byte after the last whole line."""
    checkpoints: dict[int, Checkpoint] = attrs.field(factory=dict)
    aside: int = 0
    """Epochs and checkpoints that the HUB refused."""
    damaged: int = 0
    """Lines that are not whole."""
    about: dict[str, Any] = attrs.field(factory=dict)

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits."""
        return self.last_metrics <= self.cursor and not self.checkpoints

    def fold(self, lines: Iterable[Line]) -> None:
        """Take in *lines*."""
        for line in lines:
            self.take(line)

    def take(self, line: Line) -> None:
        """Take in one more line."""
        self.end = line.end
        match line.record:
            case ["m", int(), dict() | str()]:
                self.last_metrics = line.end
            case ["sent", int(offset)]:
                self.cursor = max(self.cursor, offset)
            case ["c", dict(data)]:
                self._take_checkpoint(data)
            case ["c-end", int(number), str(how)]:
                self.checkpoints.pop(number, None)
                self.aside += how not in {"delivered", "superseded"}
            case ["aside", int(), str()]:
                self.aside += 1
            case ["run", dict(about)]:
                self.about = about
            case _:
                self.damaged += 1

    def _take_checkpoint(self, data: dict[str, Any]) -> None:
        try:
            checkpoint = Checkpoint.from_json(data)
        except (TypeError, ValueError):
            self.damaged += 1
        else:
            self.checkpoints[checkpoint.number] = checkpoint
