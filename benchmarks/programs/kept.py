"""Counts the calls that a client's files still hold after its process was killed.

The one rule: what counts is what the client itself could read back: whole records, in its own format.

hubport is not asked for its files but for its deliveries: it connects again, and says how many it has sent.
"""

from __future__ import annotations

import importlib
import sqlite3
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.programs.clients import connected, options
from benchmarks.programs.speech import say
from benchmarks.wire import VALUES


def hubport(wanted: Mapping[str, Any]) -> int:
    client: Any = connected(wanted)
    client.flush()
    delivered = int(client.session.status().metrics.delivered)
    client.close()
    return delivered


def bare(_: Mapping[str, Any]) -> int:
    return Path("bare.jsonl").read_bytes().count(b"\n")


def wandb(_: Mapping[str, Any]) -> int:
    """History records of the run's log."""
    messages = importlib.import_module("wandb.proto.wandb_internal_pb2")
    found = 0
    for path in Path("wandb").glob("offline-run-*/*.wandb"):
        for content in _leveldb_log(path.read_bytes()):
            record = messages.Record()
            record.ParseFromString(content)
            found += record.WhichOneof("record_type") == "history"
    return found


def _leveldb_log(log: bytes) -> Iterator[bytes]:
    """Whole records of LevelDB's log format, behind wandb's own seven bytes; a torn tail ends it."""
    block, head = 1 << 15, 7
    at, whole = 7, b""
    while at + head <= len(log):
        left = block - at % block
        if left < head:
            at += left
            continue
        _, size, kind = struct.unpack_from("<IHB", log, at)
        piece = log[at + head : at + head + size]
        if kind == 0 or len(piece) < size:
            return
        at += head + size
        whole = piece if kind in {1, 2} else whole + piece  # full or first; middle or last
        if kind in {1, 4}:
            yield whole


def trackio(_: Mapping[str, Any]) -> int:
    return _rows("trackio/*.db", "SELECT count(*) FROM metrics")


def neptune(_: Mapping[str, Any]) -> int:
    """Operations of the kind that a metrics call makes: one a call, as a run that nobody kills shows."""
    return _rows("neptune/*/*.sqlite3", "SELECT count(*) FROM run_operations WHERE operation_type = 0")


def _rows(pattern: str, query: str) -> int:
    found = 0
    for path in Path().glob(pattern):
        with sqlite3.connect(path) as base:
            try:
                found += int(base.execute(query).fetchone()[0])
            except sqlite3.OperationalError:  # the table was not there yet
                continue
        base.close()
    return found


def tensorboardx(_: Mapping[str, Any]) -> int:
    """Whole records of the event file, one for each value, behind the one that says the version."""
    found = 0
    for path in Path("tensorboard").glob("events.*"):
        log, at = path.read_bytes(), 0
        while at + 12 <= len(log):
            (size,) = struct.unpack_from("<Q", log, at)
            at += 12 + size + 4
            found += at <= len(log)
    return max(found - 1, 0) // len(VALUES)


COUNTERS: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
    "hubport_session": hubport,
    "bare_append": bare,
    "wandb_offline": wandb,
    "trackio_local": trackio,
    "neptune_scale_offline": neptune,
    "tensorboardx_files": tensorboardx,
}


def main() -> None:
    wanted = options()
    say(COUNTERS[wanted["client"]](wanted))


if __name__ == "__main__":
    main()
