"""The lines of a spool's journal.

The one rule: a line that is not whole is no record. Each carries its own checksum, so that a torn tail or a flipped
byte costs that line, is counted, and the rest is read.

A line is the CRC-32 of the rest in eight hex digits, a space, a JSON array, and a line feed. The array is one of

==============================  ========================================================================
``["run", {...}]``              who writes: model, root, hub, process; the first line. ``hub`` is the HUB's own name
``["m", epoch, values]``        metrics were logged
``["sent", offset]``            all metrics before *offset* are settled
``["aside", epoch, reason]``    the HUB refused this epoch: it is kept here, and not sent again unless asked for
``["c", {...}]``                a checkpoint waits
``["c-end", number, how]``      that checkpoint is settled: delivered, superseded, given up, gone, or why it was refused
``["end", reason]``             the run ended in order, and this is why something waits
==============================  ========================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import attrs

from ..checkpoint import Checkpoint
from ..metrics import EpochValues

# Our records hold no circles, and not looking for them is a fifth of the time of a line.
_encoded = json.JSONEncoder(check_circular=False).encode
_CRC_DIGITS = 8
_LINE_START = re.compile(rb"[0-9a-f]{8} \[")
_METRICS_START = re.compile(rb'\["m", (\d+), ["{]')


def encoded(record: list[Any]) -> bytes:
    """*record* as a line."""
    text = _encoded(record).encode()
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


def rejected_line(epoch: int, reason: str) -> bytes:
    """The HUB refused *epoch*."""
    return encoded(["aside", epoch, reason])


def checkpoint_line(checkpoint: Checkpoint) -> bytes:
    """A checkpoint waits."""
    return encoded(["c", checkpoint.as_json()])


def checkpoint_end_line(number: int, how: str) -> bytes:
    """A checkpoint is settled."""
    return encoded(["c-end", number, how])


def end_line(reason: str) -> bytes:
    """The run ended in order; *reason* is why something waits."""
    return encoded(["end", reason])


@attrs.frozen
class Line:
    """One line as read: ``record`` is ``None`` where it is damaged; ``end`` is the byte after its line feed."""

    record: list[Any] | None
    end: int


def lines(chunk: bytes, start: int, *, outline: bool = False) -> Iterator[Line]:
    """The whole lines of *chunk*, which was read at byte *start*. A tail without a line feed is left for later.

    An *outline* has no values in the lines of metrics, and is made several times as fast.
    """
    decoded = _outlined if outline else _decoded
    position = 0
    while (feed := chunk.find(b"\n", position)) >= 0:
        text = chunk[position:feed]
        position = feed + 1
        if not text:
            continue
        record = decoded(text)
        if record is None:
            yield from _salvaged(text, start + position - len(text) - 1, start + position)
        else:
            yield Line(record, start + position)


def _salvaged(text: bytes, start: int, end: int) -> Iterator[Line]:
    """A damaged line; and where it is a line feed that was damaged, the whole line that stands behind it."""
    behind: list[Any] | None = None
    for match in _LINE_START.finditer(text, 1):
        behind = _decoded(text[match.start() :])
        if behind is not None:
            yield Line(None, start + match.start())
            break
    yield Line(behind, end)


def _decoded(text: bytes) -> list[Any] | None:
    if not _is_whole(text):
        return None
    try:
        record = json.loads(text[_CRC_DIGITS + 1 :])
    except ValueError:  # one damaged line in four thousand million passes the checksum
        return None
    return record if isinstance(record, list) and record else None


def _outlined(text: bytes) -> list[Any] | None:
    match = _METRICS_START.match(text, _CRC_DIGITS + 1)
    if match is None or not _is_whole(text):
        return _decoded(text)
    return ["m", int(match[1]), {}]


def _is_whole(text: bytes) -> bool:
    digits, payload = text[:_CRC_DIGITS], text[_CRC_DIGITS + 1 :]
    return text[_CRC_DIGITS : _CRC_DIGITS + 1] == b" " and digits == b"%08x" % crc32(payload)
