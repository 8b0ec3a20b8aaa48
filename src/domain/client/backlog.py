"""What a journal says is still to be done: a fold over its lines, in their order.

The one rule: the state after a crash is the state that the lines tell, and nothing else is needed to go on.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

import attrs

from ..checkpoint import Checkpoint
from ..metrics import LARGEST_EPOCH
from .journal import Line

_KINDS = frozenset({"run", "m", "sent", "aside", "c", "c-end", "end"})
#: How a checkpoint's end is put down of which nothing lies there any more.
_SETTLED_WELL = frozenset({"delivered", "superseded", "given up", "gone"})


@attrs.define
class Backlog:
    """How far metrics are settled, and which checkpoints wait."""

    cursor: int = 0
    """All metrics before this byte are settled."""
    end: int = 0
    """The byte after the last whole line."""
    newest_settled: int = -1
    """The newest epoch of which something is settled."""
    checkpoints: dict[int, Checkpoint] = attrs.field(factory=dict)
    rejected: int = 0
    """Epochs and checkpoints that the HUB refused."""
    refusal: str = ""
    """Why it refused the last of them."""
    damaged: int = 0
    """Lines that are not whole."""
    about: dict[str, Any] = attrs.field(factory=dict)
    ended: str | None = None
    """Why something waits, in the words of a run that ended in order; ``None`` where it was killed, or lives."""
    # Where each line of metrics ends, and its epoch: eight bytes each, for there may be a day of them.
    _ends: array[int] = attrs.field(factory=lambda: array("q"), repr=False)
    _epochs: array[int] = attrs.field(factory=lambda: array("q"), repr=False)
    _settled: int = 0

    @property
    def records(self) -> int:
        """How many lines of metrics wait."""
        return len(self._ends) - self._settled

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits."""
        return not self.records and not self.checkpoints

    def apply_all(self, lines: Iterable[Line]) -> None:
        """Take in *lines*."""
        for line in lines:
            self.apply(line)

    def apply(self, line: Line) -> None:
        """Take in one more line. A kind of line that is not known is a later version's, and none of our business."""
        self.end = line.end
        match line.record:
            case ["m", int(epoch), dict() | str()]:
                self._ends.append(line.end)
                self._epochs.append(min(epoch, LARGEST_EPOCH))
            case ["sent", int(offset)]:
                self._settle(offset)
            case ["c", dict(data)]:
                self._apply_checkpoint(data)
            case ["c-end", int(number), str(how)]:
                self.checkpoints.pop(number, None)
                if is_refusal(how):
                    self.rejected, self.refusal = self.rejected + 1, how
            case ["aside", int(), str(reason)]:
                self.rejected, self.refusal = self.rejected + 1, reason
            case ["run", dict(about)]:
                self.about, self.ended = about, None
            case ["end", str(reason)]:
                self.ended = reason
            case [str(kind), *_] if kind not in _KINDS:
                pass
            case _:
                self.damaged += 1

    def _settle(self, offset: int) -> None:
        self.cursor = max(self.cursor, offset)
        while self._settled < len(self._ends) and self._ends[self._settled] <= self.cursor:
            self.newest_settled = max(self.newest_settled, self._epochs[self._settled])
            self._settled += 1

    def _apply_checkpoint(self, data: dict[str, Any]) -> None:
        try:
            checkpoint = Checkpoint.from_json(data)
        except (TypeError, ValueError):
            self.damaged += 1
        else:
            self.checkpoints[checkpoint.number] = checkpoint


def is_refusal(how: str) -> bool:
    """Whether a checkpoint that ended so was refused by the HUB, and lies aside."""
    return how not in _SETTLED_WELL
