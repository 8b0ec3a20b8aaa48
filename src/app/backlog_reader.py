"""Reads journals in pieces, so that an hour's backlog needs no more memory than a second's.

The one rule: a journal is read from the disk each time it is needed; only the newest epochs are remembered.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterator

from ..domain.backlog import Backlog
from ..domain.batch import Batch
from ..domain.journal import Line, lines
from ..domain.metrics import EpochValues, merged
from ..domain.ports.outbox import Spool

_CHUNK = 1 << 18
#: Epochs whose delivered values are kept in memory, some 3 MB; those of older ones are looked up in the journal.
_REMEMBERED = 4096


class BacklogReader:
    """One spool's metrics from its cursor on, in batches."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.backlog = Backlog()
        self._known: OrderedDict[int, EpochValues] = OrderedDict()
        # The newest epoch that only the journal remembers. Whatever an earlier process delivered is such.
        self._forgotten = -1
        ends, epochs, settled = array("q"), array("q"), 0
        for line in self._lines(0):
            self.backlog.take(line)
            if _is_metrics(line):
                ends.append(line.end)
                epochs.append(_epoch(line))
            while settled < len(ends) and ends[settled] <= self.backlog.cursor:
                self._forgotten = max(self._forgotten, epochs[settled])
                settled += 1
        #: Records that an earlier process left behind the cursor.
        self.left_over = len(ends) - settled
        self.cursor = self.backlog.cursor

    def batch(self, *, most: int) -> Batch:
        """What waits, up to *most* epochs; empty when nothing does."""
        batch = Batch(self.cursor)
        chunk = self._chunk(self.cursor)
        waiting = list(lines(chunk, self.cursor))
        recalled = self._recalled({_epoch(line) for line in waiting if _is_metrics(line)})
        batch.take(waiting, most=most, known=lambda epoch: self._known.get(epoch, recalled.get(epoch)))
        # Half a line as long as a chunk, from a killed process, is no reason to come back.
        batch.is_cut = batch.is_cut or (len(chunk) >= _CHUNK and batch.end > self.cursor)
        if not batch.records:
            self.cursor = batch.end  # lines of others, which need not be read again
        return batch

    def settle(self, batch: Batch, *, delivered: bool) -> None:
        """Go on behind *batch*, which was *delivered* or else put aside."""
        self.cursor = batch.end
        if not delivered:
            return
        for epoch, values in batch.epochs.items():
            self._known[epoch] = values
            self._known.move_to_end(epoch)
        while len(self._known) > _REMEMBERED:
            epoch, _ = self._known.popitem(last=False)
            self._forgotten = max(self._forgotten, epoch)

    def refreshed(self) -> Backlog:
        """What the journal says now is still to be done. For the end: no worker may be running."""
        self.backlog.fold(self._lines(self.backlog.end))
        return self.backlog

    def _recalled(self, epochs: set[int]) -> dict[int, EpochValues]:
        """What was delivered of those *epochs* that only the journal remembers: one reading for all of them."""
        wanted = {epoch for epoch in epochs if epoch <= self._forgotten and epoch not in self._known}
        found: dict[int, EpochValues] = {}
        if wanted:
            for line in self._lines(0, before=self.cursor):
                match line.record:
                    case ["m", int(epoch), dict() | str() as values] if epoch in wanted:
                        found[epoch] = merged(found.get(epoch), values)
                    case ["aside", int(epoch), _]:
                        found.pop(epoch, None)  # what was refused once would have the rest refused too
        return found

    def _chunk(self, start: int) -> bytes:
        """At least one whole line from *start*, if there is one."""
        size = _CHUNK
        while True:
            chunk = self.spool.read(start, size)
            if len(chunk) < size or b"\n" in chunk:
                return chunk
            size *= 2

    def _lines(self, start: int, *, before: float = float("inf")) -> Iterator[Line]:
        while start < before:
            end = start
            for line in lines(self._chunk(start), start):
                end = line.end
                if end > before:
                    return
                yield line
            if end == start:
                return
            start = end


def _is_metrics(line: Line) -> bool:
    return line.record is not None and line.record[0] == "m"


def _epoch(line: Line) -> int:
    return int(line.record[1]) if line.record is not None else -1
