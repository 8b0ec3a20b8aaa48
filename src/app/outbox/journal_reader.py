"""What a journal says, to anybody who reads it: line by line, what is still to be done, and what is settled how.

The one rule: it is read in pieces, so that a day's journal needs no more memory than a second's.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from ...domain.client.backlog import Backlog
from ...domain.client.journal import Line, lines
from ...domain.metrics import EpochValues

#: Bytes that are read at a time, where a line is no longer.
CHUNK = 1 << 18


class Readable(Protocol):
    """A journal as anybody may read it: a spool, or one that was only seen."""

    def read(self, start: int, limit: int) -> bytes:
        """At most *limit* bytes from byte *start*."""
        ...


def backlog_of(readable: Readable) -> Backlog:
    """What the whole journal says is still to be done."""
    backlog = Backlog()
    backlog.apply_all(whole_lines(readable, 0, outline=True))
    return backlog


def settled(readable: Readable) -> Iterator[tuple[int, EpochValues, bool]]:
    """Each line of metrics that is settled: epoch, values, and whether the HUB refused them.

    A refusal is written before the "sent" of the batch that it is about, and speaks of that batch alone.
    """
    pending: deque[tuple[int, int, EpochValues]] = deque()
    refused: set[int] = set()
    for line in whole_lines(readable, 0):
        match line.record:
            case ["m", int(epoch), dict() | str() as values]:
                pending.append((line.end, epoch, values))
            case ["aside", int(epoch), str()]:
                refused.add(epoch)
            case ["sent", int(offset)]:
                while pending and pending[0][0] <= offset:
                    _, epoch, values = pending.popleft()
                    yield epoch, values, epoch in refused
                refused.clear()


def whole_lines(readable: Readable, start: int, *, before: float = math.inf, outline: bool = False) -> Iterator[Line]:
    """Those from byte *start* on that end *before* a byte; an *outline* has no values in the lines of metrics."""
    while start < before:
        end = start
        for line in lines(chunk_of(readable, start), start, outline=outline):
            end = line.end
            if end > before:
                return
            yield line
        if end == start:
            return
        start = end


def chunk_of(readable: Readable, start: int) -> bytes:
    """At least one whole line from *start*, if there is one."""
    size = CHUNK
    while True:
        found = readable.read(start, size)
        if len(found) < size or b"\n" in found:
            return found
        size *= 2
