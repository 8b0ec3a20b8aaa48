"""Group commit: the writes of many threads in one transaction, so that they share what it costs.

The one rule: nobody waits when nobody else is there, nobody is told more than was committed, and a write that fails
fails alone.

The first to come leads: it takes all that is queued, and runs it in one transaction. Who comes meanwhile queues, and
waits. Then the leader hands over to one of those, which takes them all.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa

from ...domain.errors import StoreUnusable
from ...domain.hub.ports.store import MetricsError, MetricsWrite
from .database import Database
from .metrics_statements import MetricsStatements

T = TypeVar("T")


class Transaction:
    """What a write is done in: *connection*."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection


class Write(Generic[T]):
    """One write: *work* runs in a transaction, perhaps again in another, and perhaps in another thread.

    *row* is what it locks. What *work* raises, before it has written anything, comes out of it alone.
    """

    def __init__(self, row: tuple[str, str], work: Callable[[Transaction], T]) -> None:
        self.row = row
        self._work = work
        self._result: T | None = None
        self._error: Exception | None = None
        self.is_done = False
        self.leads = False
        self.turn = threading.Lock()
        self.turn.acquire()

    def run(self, transaction: Transaction) -> None:
        """Once; what comes of it counts when *transaction* is committed."""
        self._error = None
        try:
            self._result = self._work(transaction)
        except sa.exc.SQLAlchemyError:
            raise
        except Exception as exc:  # noqa: BLE001 - it is raised where the write was asked for
            self._error = exc

    def fail(self, error: Exception) -> None:
        """It was not committed."""
        self._error = error

    def outcome(self) -> T:
        """What came of it."""
        if self._error is not None:
            raise self._error
        return cast("T", self._result)


class QueuedMetrics(Write[None]):
    """Metrics, which are written with those of others at the end. ``errors`` says of each what came of it, then."""

    def __init__(self, table: str, writes: Sequence[MetricsWrite]) -> None:
        super().__init__((table, min((write.model_id for write in writes), default="")), lambda _: None)
        self.writes = writes
        self.errors: Sequence[MetricsError | None] = ()


class GroupCommit:
    """All writes of this process to *database*."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._puts = MetricsStatements(database)
        # Over the queue, `_is_led`, and of each write `is_done` and `leads`.
        self._lock = threading.Lock()
        self._queue: deque[Write[Any]] = deque()
        self._is_led = False

    def do(self, write: Write[T]) -> T:
        """What *write* gives, once it is on the disk.

        Raises:
            StoreUnusable: when the database does not take it.
        """
        try:
            with self._lock:
                self._queue.append(write)
                if not self._is_led:
                    self._is_led = write.leads = True
            if not write.leads:
                write.turn.acquire()
            if not write.is_done:
                self._lead(write)
        except BaseException:
            self._leave(write)
            raise
        return write.outcome()

    def _lead(self, own: Write[Any]) -> None:
        with self._lock:
            batch = list(self._queue)
            self._queue.clear()
        is_over = False
        try:
            self._commit(batch)
            is_over = True
        finally:
            with self._lock:
                others = [write for write in batch if write is not own]
                for write in others if is_over else ():
                    write.is_done = True
                    write.turn.release()
                if not is_over:  # interrupted: nobody knows of the others yet, and another one will lead them
                    self._queue.extendleft(reversed(others))
                self._hand_over(own)

    def _leave(self, write: Write[Any]) -> None:
        """Give up a write that waits, because its thread was interrupted."""
        with self._lock, contextlib.suppress(ValueError):
            if write.leads:
                self._hand_over(write)
            self._queue.remove(write)

    def _hand_over(self, write: Write[Any]) -> None:
        write.leads = False
        heir = next((other for other in self._queue if other is not write), None)
        self._is_led = heir is not None
        if heir is not None:
            heir.leads = True
            heir.turn.release()

    def _commit(self, batch: Sequence[Write[Any]]) -> None:
        # In one order in all processes, so that no two wait for each other.
        ordered = sorted(batch, key=lambda write: write.row)

        def run(connection: sa.Connection) -> None:
            transaction = Transaction(connection)
            for write in ordered:
                write.run(transaction)
            # As they came, and not as they are locked: of two values of one name the newer counts.
            self._put(connection, [write for write in batch if isinstance(write, QueuedMetrics)])

        try:
            self._database.write(run)
        except StoreUnusable as exc:
            if len(batch) > 1 and _is_of_one(exc):
                for write in batch:
                    self._commit([write])
                return
            for write in batch:
                write.fail(exc)

    def _put(self, connection: sa.Connection, writes: Sequence[QueuedMetrics]) -> None:
        errors = iter(self._puts.write(connection, [one for write in writes for one in write.writes]) if writes else ())
        for write in writes:
            write.errors = [next(errors) for _ in write.writes]


def _is_of_one(error: StoreUnusable) -> bool:
    """Whether it is of what one of them wrote, rather than of the database."""
    return isinstance(error.__cause__, sa.exc.DBAPIError) and not isinstance(
        error.__cause__, (sa.exc.OperationalError, sa.exc.InterfaceError)
    )
