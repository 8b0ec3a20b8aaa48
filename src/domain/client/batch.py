"""One metrics call's worth of a journal.

The one rule: a HUB may replace an epoch whole, so what goes out for an epoch is all that is known of it, also what was
delivered before, and by earlier runs. (Our own HUB merges by name.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from ..metrics import EpochValues, merged
from .journal import Line


@attrs.define
class Batch:
    """Whole epochs to send, from the lines before byte ``end``; ``records`` is how many calls they are made of."""

    end: int
    epochs: dict[int, EpochValues] = attrs.field(factory=dict)
    records: int = 0
    is_cut: bool = False
    """Whether it stopped before the end of what was read, at its number of epochs."""

    def take(self, lines: Iterable[Line], *, most: int, known: Callable[[int], EpochValues | None]) -> None:
        """Take in *lines* while they concern at most *most* epochs; *known* tells what was delivered of an epoch."""
        for line in lines:
            match line.record:
                case ["m", int(epoch), dict() | str() as values]:
                    if epoch not in self.epochs and len(self.epochs) >= most:
                        self.is_cut = True
                        return
                    older = self.epochs[epoch] if epoch in self.epochs else known(epoch)
                    self.epochs[epoch] = merged(older, values)
                    self.records += 1
            self.end = line.end
