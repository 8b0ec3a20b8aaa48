"""What SQLite and PostgreSQL say differently.

The one rule: nobody else asks which database it is.
"""

from __future__ import annotations

from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

#: Our name among the advisory locks of a PostgreSQL database: the first bytes of "hubport".
_LOCK = int.from_bytes(b"hubport", "big")
_SERIALIZATION = frozenset({"40001", "40P01"})


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

    def lock_schema(self, connection: sa.Connection) -> None:
        """Let no other process change tables until the transaction ends."""
        ...

    def may_try_again(self, error: sa.exc.DBAPIError) -> bool:
        """Whether the transaction only lost against another one."""
        ...


class Sqlite(Dialect):
    """One writer at a time: a transaction that writes has the whole database from its beginning."""

    def insert(self, table: sa.Table) -> sqlite.Insert:
        return sqlite.insert(table)

    def holds(self, column: sa.Column[bytes], part: sa.BindParameter[bytes]) -> sa.ColumnElement[bool]:
        return sa.func.instr(column, part) > 0

    def lock_schema(self, connection: sa.Connection) -> None:
        """It is locked: the transaction began as a writer's."""

    def may_try_again(self, error: sa.exc.DBAPIError) -> bool:
        return False


class Postgresql(Dialect):
    """Many writers, which lock rows."""

    def insert(self, table: sa.Table) -> postgresql.Insert:
        return postgresql.insert(table)

    def holds(self, column: sa.Column[bytes], part: sa.BindParameter[bytes]) -> sa.ColumnElement[bool]:
        return sa.func.position(part.op("IN")(column)) > 0

    def lock_schema(self, connection: sa.Connection) -> None:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))

    def may_try_again(self, error: sa.exc.DBAPIError) -> bool:
        return getattr(error.orig, "sqlstate", None) in _SERIALIZATION
