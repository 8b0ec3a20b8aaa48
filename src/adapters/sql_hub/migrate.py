"""Bringing the tables up to this version's, by Alembic, from inside the installed package.

The one rule: one process migrates at a time, in one transaction; the others wait and find it done. Nothing is written
but the database, and logging is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from ...domain.errors import StoreUnusable
from .database import Database
from .tables import METADATA

#: Not Alembic's own name: the database may hold another program's.
VERSION_TABLE = "hubport_version"
_HERE = Path(__file__).with_name("migrations")


def migrate(database: Database, *, to: str = "head", more: Sequence[Path] = ()) -> None:
    """Apply the revisions that the database lacks, up to the one called *to*; *more* are folders with further ones.

    Raises:
        StoreUnusable: when the tables are a later version's, or another program's.
    """
    script = ScriptDirectory(str(_HERE), version_locations=[str(folder) for folder in (_HERE, *more)])

    def is_current(connection: sa.Connection) -> bool:
        return version(connection) == (script.get_current_head() if to == "head" else to)

    # Without the lock, so that who starts need not wait for who writes.
    if database.read(is_current):
        return

    def migrate(connection: sa.Connection) -> None:
        database.dialect.lock_schema(connection)
        _check(database.name, connection, script)

        def missing(heads: Any, _context: MigrationContext) -> Any:
            return script._upgrade_revs(to, heads)  # noqa: SLF001 - as Alembic's own documentation does it

        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "fn": missing})
        # Not by `from alembic import op`, which is one for the whole process, and stores open in many threads.
        context.run_migrations(op=Operations(context))

    database.write(migrate)


def version(connection: sa.Connection) -> str | None:
    """The revision that the tables are of; none in a database that is not a store yet."""
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _check(name: str, connection: sa.Connection, script: ScriptDirectory) -> None:
    found = version(connection)
    if found is not None:
        if found not in {revision.revision for revision in script.walk_revisions()}:
            raise StoreUnusable(
                name, f"its tables are of a later version of hubport (revision {found[:40]}): upgrade hubport"
            )
        return
    taken = sorted(set(METADATA.tables) & set(sa.inspect(connection).get_table_names()))
    if taken:
        raise StoreUnusable(name, f"holds another program's table {taken[0]!r}: give hubport a database of its own")
