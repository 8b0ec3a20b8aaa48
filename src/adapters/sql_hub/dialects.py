"""What SQLite and PostgreSQL say differently.

The one rule: nobody else asks which database it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

#: Our name among the advisory locks of a PostgreSQL database: the first bytes of "hubport".
_LOCK = int.from_bytes(b"hubport", "big")
_SERIALIZATION = frozenset({"40001", "40P01"})
_DISK_FULL = "53100"

# CROSS JOIN keeps the order: each key is looked up in the index, and the table is never read through.
_SQLITE_METRICS = """
    SELECT metrics.model_id, metrics.epoch, metrics.text FROM json_each(:keys) AS wanted CROSS JOIN metrics
    ON metrics.model_id = json_extract(wanted.value, '$[0]') AND metrics.epoch = json_extract(wanted.value, '$[1]')
"""
_POSTGRESQL_METRICS = """
    SELECT metrics.model_id, metrics.epoch, metrics.text
    FROM unnest(%(ids)s::text[], %(epochs)s::bigint[]) AS wanted (model_id, epoch)
    JOIN metrics ON metrics.model_id = wanted.model_id AND metrics.epoch = wanted.epoch
"""


class Dialect(Protocol):
    """One of the two."""

    def insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that can do something else where a key is there already."""
        ...

    def upsert(self, table: sa.Table, key: list[str], values: dict[str, Any], also: dict[str, Any]) -> sa.Insert:
        """Insert *values*; where *key* is there already, replace them, and set *also*."""
        statement = self.insert(table).values(values)
        new = {name: statement.excluded[name] for name in values if name not in key}
        return statement.on_conflict_do_update(index_elements=key, set_=new | also)

    def holds(self, column: sa.Column[bytes], part: sa.BindParameter[bytes]) -> sa.ColumnElement[bool]:
        """Whether the bytes of *column* hold those of *part*."""
        ...

    def metrics_of(self, connection: sa.Connection, keys: Sequence[tuple[str, int]]) -> Sequence[sa.Row[Any]]:
        """Model, epoch and text of those metrics among *keys* that are there: one statement for all of them."""
        ...

    def lock_schema(self, connection: sa.Connection) -> None:
        """Let no other process change tables until the transaction ends."""
        ...

    def may_try_again(self, error: sa.exc.DBAPIError) -> bool:
        """Whether the transaction only lost against another one."""
        ...

    def is_full(self, error: sa.exc.DBAPIError) -> bool:
        """Whether there is no room for what was to be written."""
        ...


class Sqlite(Dialect):
    """One writer at a time: a transaction that writes has the whole database from its beginning."""

    def insert(self, table: sa.Table) -> sqlite.Insert:
        return sqlite.insert(table)

    def holds(self, column: sa.Column[bytes], part: sa.BindParameter[bytes]) -> sa.ColumnElement[bool]:
        return sa.func.instr(column, part) > 0

    def metrics_of(self, connection: sa.Connection, keys: Sequence[tuple[str, int]]) -> Sequence[sa.Row[Any]]:
        return connection.exec_driver_sql(_SQLITE_METRICS, {"keys": json.dumps(keys)}).all()

    def lock_schema(self, connection: sa.Connection) -> None:
        """It is locked: the transaction began as a writer's."""

    def may_try_again(self, error: sa.exc.DBAPIError) -> bool:
        return False

    def is_full(self, error: sa.exc.DBAPIError) -> bool:
        # By its words: the number came to Python's exceptions with 3.11.
        return "database or disk is full" in str(error.orig)


class Postgresql(Dialect):
    """Many writers, which lock rows."""

    def insert(self, table: sa.Table) -> postgresql.Insert:
        return postgresql.insert(table)

    def holds(self, column: sa.Column[bytes], part: sa.BindParameter[bytes]) -> sa.ColumnElement[bool]:
        return sa.func.position(part.op("IN")(column)) > 0

    def metrics_of(self, connection: sa.Connection, keys: Sequence[tuple[str, int]]) -> Sequence[sa.Row[Any]]:
        ids, epochs = [model_id for model_id, _ in keys], [epoch for _, epoch in keys]
        return connection.exec_driver_sql(_POSTGRESQL_METRICS, {"ids": ids, "epochs": epochs}).all()

    def lock_schema(self, connection: sa.Connection) -> None:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))

    def may_try_again(self, error: sa.exc.DBAPIError) -> bool:
        return getattr(error.orig, "sqlstate", None) in _SERIALIZATION

    def is_full(self, error: sa.exc.DBAPIError) -> bool:
        return getattr(error.orig, "sqlstate", None) == _DISK_FULL
