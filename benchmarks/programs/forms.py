"""Times one durable record in each form that an outbox may have, alone and while a worker drains it.

The one rule: every form keeps the same JSON, and a worker settles what it has read, in the way of its form.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from benchmarks.programs.clients import options
from benchmarks.programs.speech import hear, say
from hubport.domain.client.journal import encoded, lines, metrics_line, sent_line

VALUES = {f"metrics/value_{number}": number / 7 for number in range(7)}
MOST = 500


class Form(Protocol):
    def keep(self, epoch: int) -> None: ...

    def drain(self) -> None: ...

    def close(self) -> None: ...


class Journal:
    """A file with a line for each record, and a cursor."""

    def __init__(self, path: Path, line: Callable[[int], bytes], *, forced: bool = False) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self._line = line
        self._forced = forced
        self._cursor = 0

    def keep(self, epoch: int) -> None:
        os.write(self._fd, self._line(epoch))
        if self._forced:
            os.fsync(self._fd)

    def drain(self) -> None:
        for line in lines(os.pread(self._fd, 1 << 16, self._cursor), self._cursor):
            self._cursor = line.end
        os.write(self._fd, sent_line(self._cursor))

    def close(self) -> None:
        os.close(self._fd)


class Table:
    """A table in SQLite, write-ahead log on; the worker has a connection of its own."""

    def __init__(self, path: Path, synchronous: str) -> None:
        self._path, self._synchronous = path, synchronous
        self._mine = self._connected()
        self._mine.execute("create table records (id integer primary key, epoch integer, content text)")
        self._workers: sqlite3.Connection | None = None

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=60, check_same_thread=False)
        connection.execute("pragma journal_mode=wal")
        connection.execute(f"pragma synchronous={self._synchronous}")
        return connection

    def keep(self, epoch: int) -> None:
        self._mine.execute("insert into records (epoch, content) values (?, ?)", (epoch, json.dumps(VALUES)))

    def drain(self) -> None:
        self._workers = self._workers or self._connected()
        last = max((row[0] for row in self._workers.execute("select id from records limit ?", (MOST,))), default=0)
        self._workers.execute("delete from records where id <= ?", (last,))

    def close(self) -> None:
        for connection in (self._mine, self._workers):
            if connection is not None:
                connection.close()


def bare(_: int) -> bytes:
    return json.dumps(VALUES).encode() + b"\n"


def checked(epoch: int) -> bytes:
    return metrics_line(epoch, dict(VALUES))


FORMS: dict[str, Callable[[Path], Form]] = {
    "line": lambda path: Journal(path, bare),
    "line with a checksum": lambda path: Journal(path, checked),
    "line with a checksum, fsync": lambda path: Journal(path, checked, forced=True),
    "SQLite, WAL, synchronous off": lambda path: Table(path, "off"),
    "SQLite, WAL, synchronous normal": lambda path: Table(path, "normal"),
    "SQLite, WAL, synchronous full": lambda path: Table(path, "full"),
}


def timed(form: Form, calls: int) -> list[float]:
    """Microseconds of each call."""
    times = []
    for epoch in range(calls):
        started = time.perf_counter_ns()
        form.keep(epoch)
        times.append((time.perf_counter_ns() - started) / 1e3)
    return times


def with_a_worker(form: Form, calls: int) -> list[float]:
    """The same while a thread drains, again and again, as a worker in a hurry does."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.001):
            form.drain()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        return timed(form, calls)
    finally:
        over.set()
        worker.join()


def main() -> None:
    options()
    encoded([])  # whatever is slow the first time
    say("ready")
    order: Any
    while order := hear():
        path = Path.cwd() / "form"
        form = FORMS[order["form"]](path)
        try:
            say((with_a_worker if order["drained"] else timed)(form, order["calls"]))
        finally:
            form.close()
            for file in Path.cwd().glob("form*"):
                file.unlink()


if __name__ == "__main__":
    main()
