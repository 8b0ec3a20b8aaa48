"""The lines of a spool's journal.

The one rule: a line that is not whole is no record. Each carries its own checksum, so that a torn tail or a flipped
byte costs that line, is counted, and the rest is read.

A line is the CRC-32 of the rest in eight hex digits, a space, a JSON array, and a line feed. The array is one of

==============================  ========================================================================
``["run", {...}]``              who writes: model, root, process; the first line
``["m", epoch, values]``        metrics were logged
``["sent", offset]``            all metrics before *offset* are settled
``["aside", epoch, reason]``    the HUB refused this epoch: it is kept here, and not sent again
``["c", {...}]``                a checkpoint waits
``["c-end", number, how]``      that checkpoint is settled: delivered, superseded, or why it was refused
==============================  ========================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import attrs

from .checkpoint import Checkpoint
from .metrics import EpochValues

_CRC_DIGITS = 8
_LINE_START = re.compile(rb"[0-9a-f]{8} \[")


def encoded(record: list[Any]) -> bytes:
    """*record* as a line."""
    text = json.dumps(record).encode()
    return b"%08x %b\n" % (crc32(text), text)


def run_line(about: dict[str, Any]) -> bytes:
    """Who writes."""
    return encoded(["run", about])


def metrics_line(epoch: int, values: EpochValues) -> bytes:
    """Metrics were logged."""
    return encoded(["m", epoch, values])


def sent_line(offset: int) -> bytes:
    """All metrics before byte *offset* are settled."""
    return encoded(["sent", offset])


def aside_line(epoch: int, reason: str) -> bytes:
    """The HUB refused *epoch*."""
    return encoded(["aside", epoch, reason])


def checkpoint_line(checkpoint: Checkpoint) -> bytes:
    """A checkpoint waits."""
    return encoded(["c", checkpoint.as_json()])


def checkpoint_end_line(number: int, how: str) -> bytes:
    """A checkpoint is settled."""
    return encoded(["c-end", number, how])


@attrs.frozen
class Line:
    """One line as read: ``record`` is ``None`` where it is damaged; ``end`` is the byte after its line feed."""

    record: list[Any] | None
    end: int


def lines(chunk: bytes, start: int) -> Iterator[Line]:
    """The whole lines of *chunk*, which was read at byte *start*. A tail without a line feed is left for later."""
    position = 0
    while (feed := chunk.find(b"\n", position)) >= 0:
        text = chunk[position:feed]
        position = feed + 1
        if text:
            yield from _read(text, start + position - len(text) - 1, start + position)


def _read(text: bytes, start: int, end: int) -> Iterator[Line]:
    record = _decoded(text)
    if record is None:
        # Where it is a line feed that was damaged, a whole line stands behind the damaged one.
        for match in _LINE_START.finditer(text, 1):
            behind = _decoded(text[match.start() :])
            if behind is not None:
                yield Line(None, start + match.start())
                record = behind
                break
    yield Line(record, end)


def _decoded(text: bytes) -> list[Any] | None:
    digits, _, payload = text.partition(b" ")
    if len(digits) != _CRC_DIGITS or digits != b"%08x" % crc32(payload):
        return None
    try:
        record = json.loads(payload)
    except ValueError:  # one damaged line in four thousand million passes the checksum
        return None
    return record if isinstance(record, list) and record else None
