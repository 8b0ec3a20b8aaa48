"""Reads what waits in a journal, batch by batch, and gives what is settled back to the disk.

The one rule: a journal is read from the disk each time it is needed; only the newest epochs are remembered.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence

from ...domain.checkpoint import Checkpoint
from ...domain.client import journal
from ...domain.client.backlog import Backlog, is_refusal
from ...domain.client.batch import Batch
from ...domain.client.journal import Line, lines
from ...domain.metrics import EpochValues, merged
from ...domain.ports.outbox import Spool
from .journal_reader import CHUNK, backlog_of, chunk_of, settled, whole_lines

#: Epochs whose delivered values are kept in memory, some 3 MB; those of older ones are looked up in the journal.
_REMEMBERED = 4096
#: A journal is written anew when so many bytes at its start are settled.
_REWRITTEN_FROM = 1 << 24
#: Lines that are read at a stretch, some 0.3 ms, and the seconds of the break behind them.
_WITHOUT_A_BREAK, _BREAK = 32, 5e-5
_NEVER = threading.Event()


class BacklogReader:
    """One spool's metrics from its cursor on, in batches. With a *limit* in bytes the journal is tidied within it."""

    def __init__(self, spool: Spool, *, limit: int | None = None) -> None:
        self.spool = spool
        self.backlog = backlog_of(spool)
        self._limit = math.inf if limit is None else limit
        self._least = min(_REWRITTEN_FROM, self._limit // 4)
        #: Records that an earlier process left behind the cursor.
        self.orphaned = self.backlog.records
        self.cursor = self.backlog.cursor
        self._known: OrderedDict[int, EpochValues] = OrderedDict()
        # The newest epoch that only the journal remembers. Whatever an earlier process delivered is such.
        self._forgotten = self._inherited = self.backlog.newest_settled
        self._rewritten_from = self._least

    def batch(self, *, most: int, older: Sequence[BacklogReader] = ()) -> Batch:
        """What waits, up to *most* epochs; empty when nothing does.

        A HUB may replace an epoch whole. So it goes out with what was delivered of it, from here and before that from
        the spools of *older* runs.
        """
        batch = Batch(self.cursor)
        chunk = chunk_of(self.spool, self.cursor)
        waiting = list(_yielding_the_gil(lines(chunk, self.cursor)))
        epochs = {_epoch(line) for line in waiting if _is_metrics(line)}
        known: dict[int, EpochValues] = {}
        for reader in (*older, self) if epochs else ():
            for epoch, values in reader.delivered(epochs).items():
                known[epoch] = merged(known.get(epoch), values)
        batch.take(waiting, most=most, known=known.get)
        # Half a line as long as a chunk, from a killed process, is no reason to come back.
        batch.is_cut = batch.is_cut or (len(chunk) >= CHUNK and batch.end > self.cursor)
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

    def delivered(self, epochs: Collection[int]) -> dict[int, EpochValues]:
        """What was delivered of those *epochs* from this spool, as far as it is known."""
        recalled = self._recalled({epoch for epoch in epochs if epoch not in self._known})
        return {epoch: self._known[epoch] for epoch in epochs if epoch in self._known} | recalled

    def refreshed(self) -> Backlog:
        """What the journal says now is still to be done."""
        self.backlog.apply_all(whole_lines(self.spool, self.backlog.end, outline=True))
        return self.backlog

    @property
    def needs_compaction(self) -> bool:
        """Whether much of the journal is settled: a first look, which costs nothing."""
        return self.cursor > self._rewritten_from

    def compact(self) -> None:
        """Give the settled part of the journal back to the disk, where that is worth it.

        What stays: what waits, what was refused, and the newest values of the epochs that may be logged for again.
        Where these are most of it the journal grows on, and only half-way to the limit the oldest of them go. Called
        between two batches by the thread that reads them.

        Raises:
            OSError: when there is no room for the new one; the old one is as it was.
        """
        self._rewritten_from = 2 * self.cursor  # where it cannot be done now, not again at once
        looked_until = self.refreshed().end
        refused = list(self._refused_metrics()) if self.backlog.rejected else []
        refusals = list(self._refusals(0, looked_until, {})) if self.backlog.rejected else []
        waiting = list(self._waiting(self.cursor, looked_until))
        known = [journal.metrics_line(epoch, values) for epoch, values in self._delivered().items()]
        excess = sum(map(len, refused + refusals + known)) - self.cursor // 2
        if excess > 0 and 2 * self.cursor < self._limit:
            return
        while excess > 0 and known:
            excess -= len(known.pop(0))

        def state() -> bytes:
            # With the spool's lock held: only what was written since the look above is still to be read.
            checkpoints = dict(self.backlog.checkpoints)
            backlog = self.refreshed()
            refusals.extend(self._refusals(looked_until, backlog.end, checkpoints))
            waiting.extend(self._waiting(looked_until, backlog.end))
            # A refusal is about what stands between it and the "sent" before, so what is known comes behind another.
            head = b"".join([journal.run_line(backlog.about), *refused, *refusals])
            head = b"".join([head, journal.sent_line(len(head)), *known])
            lasting = [journal.checkpoint_line(checkpoint) for checkpoint in backlog.checkpoints.values()]
            return b"".join([head, journal.sent_line(len(head)), *lasting, *waiting])

        self.spool.compact(state)
        self.backlog = backlog_of(self.spool)
        self.cursor = self.backlog.cursor
        self._rewritten_from = max(self._least, 2 * self.cursor)

    def _delivered(self) -> dict[int, EpochValues]:
        """What is remembered of delivered epochs, and what an earlier process has delivered; the oldest first."""
        found: dict[int, EpochValues] = {}
        if self._inherited >= 0:
            for epoch, values, was_refused in settled(self.spool):
                if not was_refused:
                    found[epoch] = merged(found.get(epoch), values)
        for epoch, values in self._known.items():
            found.pop(epoch, None)
            found[epoch] = values
        return found

    def _waiting(self, start: int, end: int) -> Iterator[bytes]:
        for line in whole_lines(self.spool, start, before=end):
            if line.record is not None and _is_metrics(line):
                yield journal.encoded(line.record)

    def _refused_metrics(self) -> Iterator[bytes]:
        for epoch, values, was_refused in settled(self.spool):
            if was_refused:
                yield journal.metrics_line(epoch, values)

    def _refusals(self, start: int, end: int, checkpoints: dict[int, Checkpoint]) -> Iterator[bytes]:
        """What the lines from *start* to *end* say was refused; *checkpoints* are those that waited before them.

        With them the checkpoints that have arrived: none that was refused may be sent again after a newer one.
        """
        for line in whole_lines(self.spool, start, before=end):
            match line.record:
                case ["aside", int(), str()]:
                    yield journal.encoded(line.record)
                case ["c", dict(data)]:
                    with contextlib.suppress(TypeError, ValueError):
                        checkpoint = Checkpoint.from_json(data)
                        checkpoints[checkpoint.number] = checkpoint
                case ["c-end", int(number), str(how)] if number in checkpoints and (
                    is_refusal(how) or how == "delivered"
                ):
                    yield journal.checkpoint_line(checkpoints[number])
                    yield journal.encoded(line.record)

    def _recalled(self, epochs: set[int]) -> dict[int, EpochValues]:
        """What was delivered of those *epochs* that only the journal remembers: one reading for all of them."""
        wanted = {epoch for epoch in epochs if epoch <= self._forgotten}
        if not wanted:
            return {}
        found: dict[int, EpochValues] = {}
        for epoch, values, was_refused in settled(self.spool):
            if not was_refused and epoch not in self._known:
                found[epoch] = merged(found.get(epoch), values)
        if (
            not self._known
        ):  # all of it is an earlier process's: its newest epochs are read once, and not for each batch
            newest = sorted(found)[-_REMEMBERED:]
            self._known = OrderedDict((epoch, found[epoch]) for epoch in newest)
            self._forgotten = max(found.keys() - self._known.keys(), default=-1)
        return {epoch: found[epoch] for epoch in wanted if epoch in found}


def _yielding_the_gil(found: Iterator[Line]) -> Iterator[Line]:
    """The same, with breaks in which the trainer's thread gets the interpreter.

    A thread that writes a file lets go of the interpreter, and has to wait for it for five milliseconds where another
    one computes without a break. Letting go for an instant is not enough: whoever let go has it back before the other
    one is awake.
    """
    for number, line in enumerate(found, 1):
        yield line
        if number % _WITHOUT_A_BREAK == 0:
            _NEVER.wait(_BREAK)


def _is_metrics(line: Line) -> bool:
    return line.record is not None and line.record[0] == "m"


def _epoch(line: Line) -> int:
    return int(line.record[1]) if line.record is not None else -1
