"""One database by URL: how it is opened, read and written, and what is said when that cannot be done.

The one rule: an error is one line, names the database, and never holds its password.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import sqlalchemy as sa

from ...domain.errors import StoreFull, StoreUnusable
from .dialects import Dialect, Postgresql, Sqlite

T = TypeVar("T")

#: Seconds that a writer waits for those of other processes, and that a server may take to answer at all.
_PATIENCE = 30.0
_CONNECT_WITHIN = 10
#: Often enough for any number of processes: one of those that collide always wins.
_ATTEMPTS = 50

#: A path is none of SQLAlchemy's URLs: from 2.1 on it decodes %2F in them, and 2.0 does not.
_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///(.+)", re.DOTALL)
_OPTIONS = re.compile(r"\?\w+=[^/]*\Z")
#: Whether this version of SQLAlchemy decodes the name of a database, which libpq does.
_DECODES = sa.make_url("postgresql:///%61").database == "a"


class Database:
    """Readers and writers of the database at *url*; nothing is opened before it is needed."""

    def __init__(self, url: str) -> None:
        self.name, location, self.dialect = _understood(url)
        if isinstance(self.dialect, Sqlite):
            _make_private(self.name, Path(str(location.database)))
            self._engine = sa.create_engine(
                location,
                paramstyle="named",  # values by name, as PostgreSQL's driver has them
                connect_args={"timeout": _PATIENCE},
                pool_size=8,
                max_overflow=-1,
                pool_use_lifo=True,
                hide_parameters=True,
            )
            # All transactions are begun here: what the driver begins on its own depends on the version of Python.
            sa.event.listen(self._engine, "connect", _set_up_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
            self._reading = self._engine.execution_options(**_READ_ONLY)
        else:
            self._engine = _postgresql(self.name, location)
            self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """What *work* gives, which reads; again on a new connection where the old one was dead.

        Raises:
            StoreUnusable: when the database does not answer.
        """
        with self._errors():
            try:
                with self._reading.connect() as connection:
                    return work(connection)
            except sa.exc.DBAPIError as exc:
                if not exc.connection_invalidated:
                    raise
            with self._reading.connect() as connection:
                return work(connection)

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        """What *work* gives, in a transaction of its own, which is on the disk on return.

        *work* is called again when another transaction was in its way, or the connection was dead.

        Raises:
            StoreUnusable: when the database does not answer, or does not take it.
        """
        with self._errors():
            is_lost = False
            for attempt in range(_ATTEMPTS):
                with self._engine.connect() as connection:
                    try:
                        transaction = connection.begin()
                        result = work(connection)
                    except sa.exc.DBAPIError as exc:
                        # Nothing was committed, so that it cannot be done twice.
                        may_try = self.dialect.may_try_again(exc) or (exc.connection_invalidated and not is_lost)
                        is_lost = is_lost or exc.connection_invalidated
                        if not may_try or attempt + 1 == _ATTEMPTS:
                            raise
                        continue
                    try:
                        transaction.commit()
                    except sa.exc.DBAPIError as exc:
                        # A dead connection leaves open whether it was: only what surely was not may be done again.
                        if not self.dialect.may_try_again(exc) or attempt + 1 == _ATTEMPTS:
                            raise
                        continue
                    return result
            raise AssertionError("unreachable: the last attempt raises")

    def compiled(self, statement: sa.ClauseElement) -> str:
        """*statement* as the driver takes it, which gets its values by name."""
        return str(statement.compile(dialect=self._engine.dialect))

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as exc:
            if self.dialect.is_full(exc):
                raise StoreFull(self.name, "the disk is full: make room there, and send it again") from exc
            raise StoreUnusable(self.name, _one_line(exc.orig or exc)) from exc
        except sa.exc.SQLAlchemyError as exc:
            raise StoreUnusable(self.name, _one_line(exc)) from exc


def _understood(url: str) -> tuple[str, sa.URL, Dialect]:
    """Its name in errors, where it is, and what it speaks."""
    if (sqlite := _SQLITE.fullmatch(url)) and not sqlite[1].startswith((":memory:", "file:")):
        if _OPTIONS.search(sqlite[1]):
            raise StoreUnusable(url, "takes no options: what follows sqlite:/// is a path, to the letter")
        return url, sa.URL.create("sqlite", database=sqlite[1]), Sqlite()
    try:
        location = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        # The text may hold a password.
        raise StoreUnusable("the database", "its URL cannot be read: sqlite:///PATH or postgresql://...") from None
    name = location.render_as_string(hide_password=True)
    if location.drivername not in {"postgresql", "postgresql+psycopg"}:
        raise StoreUnusable(name, "is none that hubport knows: sqlite:///PATH or postgresql://...")
    if location.database and not _DECODES:
        location = location.set(database=unquote(location.database))
    location = location.set(drivername="postgresql+psycopg")
    return location.render_as_string(hide_password=True), location, Postgresql()


def _postgresql(name: str, location: sa.URL) -> sa.Engine:
    arguments: dict[str, Any] = {} if "connect_timeout" in location.query else {"connect_timeout": _CONNECT_WITHIN}
    try:
        return sa.create_engine(location, connect_args=arguments, hide_parameters=True)
    except ModuleNotFoundError as exc:
        raise StoreUnusable(name, "its driver is missing: pip install 'hubport[postgres]'") from exc
    except ImportError as exc:
        raise StoreUnusable(name, f"its driver does not work ({_one_line(exc)})") from exc


# SQLite.

#: Seconds between two looks at a file that another process has alone.
_MOMENT = 0.01
_READ_ONLY = {"hubport_reads": True}


def _make_private(name: str, file: Path) -> None:
    """Before SQLite makes it, with the rights of everybody; what lies beside the file takes on its rights."""
    if file.is_dir():
        raise StoreUnusable(name, "is a folder: name a file in it")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.exists():
            return
        handle, empty = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        os.close(handle)
        # Never opened under its own name: who closes a file drops all locks that SQLite has on it in this process.
        with contextlib.suppress(FileExistsError):
            os.link(empty, file)
        Path(empty).unlink()
    except OSError as exc:
        raise StoreUnusable(name, exc.strerror or str(exc)) from exc


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for setting in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL"):
        _insist(connection, f"PRAGMA {setting}")


def _insist(connection: sqlite3.Connection, statement: str) -> None:
    """Who turns WAL on, or is the last to close, has the file alone for a moment, in which SQLite does not wait."""
    pause = threading.Event()
    for _ in range(round(_PATIENCE / _MOMENT)):
        try:
            connection.execute(statement).close()
        except sqlite3.OperationalError as exc:
            if "locked" not in str(exc):
                raise
            pause.wait(_MOMENT)
        else:
            return
    connection.execute(statement).close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer has the lock from the beginning: it could not get it later once another one has written in between.
    if not connection.get_execution_options().get("hubport_reads"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return " ".join(lines[0].split()) if lines else type(error).__name__
