"""The tables: made and brought up to date by the package itself, whoever comes first."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import attrs
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from hubport.adapters.sql_hub import SqlHubStore, migrate
from hubport.adapters.sql_hub.database import Database
from hubport.adapters.sql_hub.tables import METADATA
from hubport.domain.checkpoint import CheckpointKind
from hubport.domain.errors import StoreUnusable
from hubport.domain.hub.api_key import ApiKey
from hubport.domain.hub.items import Project
from hubport.domain.hub.model import HubModel, StoredCheckpoint
from hubport.testing.contracts.waiting import run_concurrently

MODEL = HubModel("Ab3Cd5Ef7Gh9Ij1Kl2Mn", name="a model", data="coco8.yaml")

# As revision 0001 left it, with what the version of then wrote: it is read for ever.
_DOCUMENT = (
    '{"id":"Ab3Cd5Ef7Gh9Ij1Kl2Mn","name":"gr\\u00f6\\u00dfe","data":"coco8.yaml","weights":null,"cfg":"n.yaml",'
    '"epochs":7,"batch":16,"imgsz":640,"patience":100,"device":"","cache":"","checkpoints":[{"name":"x-3.pt",'
    '"token":"t","size":3,"sha256":"ab","kind":"epoch","epoch":3,"is_best":true,"map":null,"at":1.5}],"agent":null,'
    '"agent_id":null,"last_seen":null,"created":1.25,"project":null,"dataset":null,"meta":{},"is_trashed":false}'
)
_OF_THEN = HubModel(
    "Ab3Cd5Ef7Gh9Ij1Kl2Mn",
    name="größe",
    data="coco8.yaml",
    weights=None,
    cfg="n.yaml",
    epochs=7,
    checkpoints=(StoredCheckpoint("x-3.pt", "t", 3, "ab", kind=CheckpointKind.EPOCH, epoch=3, is_best=True, at=1.5),),
    created=1.25,
    last_seen=9.5,
)

_LATER = '''"""A revision of some later version."""
import sqlalchemy as sa

revision = "9999"
down_revision = "{down}"


def upgrade(op):
    op.add_column("projects", sa.Column("colour", sa.Text, nullable=True))
'''


@contextmanager
def a_database(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def head(database: Database) -> str | None:
    return database.read(migrate.version)


def later_version(folder: Path, down: str) -> Path:
    folder.mkdir()
    (folder / "r9999_later.py").write_text(_LATER.format(down=down))
    return folder


def insert_as_of_then(connection: sa.Connection) -> None:
    row = {"place": 5, "id": MODEL.id, "is_trashed": False, "sought": "größe".encode() + b"\xff" + b"ab3cd5"}
    tables = sa.MetaData()
    tables.reflect(connection)
    connection.execute(
        sa.insert(tables.tables["models"]).values(row | {"document": _DOCUMENT, "revision": 4, "seen": 9.5})
    )
    connection.execute(
        sa.insert(tables.tables["metrics"]).values(model_id=MODEL.id, epoch=3, revision=4, text=b'{"a": 1}')
    )


def test_an_empty_database_becomes_exactly_what_this_version_writes(database_url: str) -> None:
    def differences(connection: sa.Connection) -> object:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": True, "version_table": migrate.VERSION_TABLE},
        )
        return compare_metadata(context, METADATA)

    SqlHubStore(database_url).close()

    with a_database(database_url) as database:
        assert [] == database.read(differences)
        tables = database.read(lambda connection: sa.inspect(connection).get_table_names())
        wanted = {*METADATA.tables, migrate.VERSION_TABLE}
        assert wanted == {name for name in tables if not name.startswith("sqlite_")}


def test_what_revision_1_held_is_there_after_the_upgrade(database_url: str) -> None:
    with a_database(database_url) as database:
        migrate.migrate(database, to="0001")
        database.write(insert_as_of_then)

    with closing(SqlHubStore(database_url)) as store:
        assert _OF_THEN == store.models.get(MODEL.id)
        assert (_OF_THEN,) == store.models.page(limit=9, query="GRö").items
        assert (4, {3: '{"a": 1}'}) == (store.metrics(MODEL.id).revision, dict(store.metrics(MODEL.id).epochs))
        store.models.save(_OF_THEN)
        assert 5 == store.revision(MODEL.id)


def test_an_existing_hub_gets_one_identity_that_stays(database_url: str) -> None:
    """Of a database that was there before HUBs had any, and whoever opens it."""
    with a_database(database_url) as database:
        migrate.migrate(database, to="0001")
    stores = [SqlHubStore(database_url) for _ in range(2)]
    names = {store.identity for store in stores}
    for store in stores:
        store.close()

    with closing(SqlHubStore(database_url)) as store:
        assert {store.identity} == names


def test_a_time_in_an_old_document_counts_until_the_model_is_written_again(database_url: str) -> None:
    """Earlier versions wrote the time of a heartbeat there; of it and that of the metrics the later one counted."""
    with a_database(database_url) as database:
        migrate.migrate(database, to="0001")
        database.write(insert_as_of_then)
        document = _DOCUMENT.replace('"last_seen":null', '"last_seen":2e9')
        database.write(
            lambda connection: connection.execute(sa.text("UPDATE models SET document = :d"), {"d": document})
        )

    with closing(SqlHubStore(database_url)) as store:
        assert attrs.evolve(_OF_THEN, last_seen=2e9) == store.models.get(MODEL.id)

        store.models.update(MODEL.id, lambda model: attrs.evolve(model, last_seen=11.0))
        assert attrs.evolve(_OF_THEN, last_seen=11.0) == store.models.get(MODEL.id)
        store.put_metrics(MODEL.id, {}, at=10.0)
        assert attrs.evolve(_OF_THEN, last_seen=10.0) == store.models.get(MODEL.id)


def test_an_upgrade_keeps_what_is_there(database_url: str, tmp_path: Path) -> None:
    with closing(SqlHubStore(database_url)) as store:
        store.projects.save(Project("p1", "a project"))
        store.models.save(MODEL)
        store.put_metrics(MODEL.id, {0: "{}"}, at=1.0)
    with a_database(database_url) as database:
        more = later_version(tmp_path / "later", str(head(database)))

        migrate.migrate(database, more=[more])

        assert "9999" == head(database)
        assert [("p1", None)] == database.read(
            lambda connection: [tuple(row) for row in connection.execute(sa.text("SELECT id, colour FROM projects"))]
        )
        assert 1 == database.read(lambda connection: connection.scalar(sa.text("SELECT count(*) FROM metrics")))


def test_an_upgrade_that_fails_leaves_everything_as_it_was(database_url: str, tmp_path: Path) -> None:
    SqlHubStore(database_url).close()
    with a_database(database_url) as database:
        before = head(database)
        more = later_version(tmp_path / "later", str(before))
        with (more / "r9999_later.py").open("a") as file:
            file.write("    raise RuntimeError('in the middle')\n")

        with pytest.raises(RuntimeError, match="in the middle"):
            migrate.migrate(database, more=[more])

        assert before == head(database)
        columns = database.read(lambda connection: sa.inspect(connection).get_columns("projects"))
        assert "colour" not in {column["name"] for column in columns}


def test_a_later_versions_store_is_left_alone(database_url: str, tmp_path: Path) -> None:
    SqlHubStore(database_url).close()
    with a_database(database_url) as database:
        migrate.migrate(database, more=[later_version(tmp_path / "later", str(head(database)))])

        with pytest.raises(StoreUnusable) as caught:
            SqlHubStore(database_url)

        assert "later version of hubport (revision 9999): upgrade hubport" in str(caught.value)
        assert "9999" == head(database)


def test_another_programs_database_is_left_alone(database_url: str) -> None:
    with a_database(database_url) as database:
        database.write(lambda connection: connection.execute(sa.text("CREATE TABLE metrics (run INTEGER)")))

        with pytest.raises(StoreUnusable, match="another program's table 'metrics'"):
            SqlHubStore(database_url)

        assert ["metrics"] == database.read(lambda connection: sa.inspect(connection).get_table_names())


def test_threads_that_open_it_at_once_all_find_it_whole(database_url: str) -> None:
    """Alembic's own `op` would be one for all of them."""

    def work(number: int) -> None:
        with closing(SqlHubStore(database_url)) as store:
            store.keys.save(ApiKey(f"k{number}", "a key", "ab", "abcd"))

    run_concurrently(work, threads=8)

    with closing(SqlHubStore(database_url)) as store:
        assert 8 == store.keys.page(limit=1).total


def test_logging_is_left_alone(database_url: str) -> None:
    def configured() -> object:
        names = ("", "alembic", "alembic.runtime.migration", "sqlalchemy", "sqlalchemy.engine")
        loggers = [logging.getLogger(name) for name in names]
        return [(one.name, one.level, list(one.handlers), one.propagate, one.disabled) for one in loggers]

    before = configured()
    with closing(SqlHubStore(database_url)) as store:
        store.models.save(MODEL)

    assert before == configured()


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    before = os.umask(0)
    try:
        with closing(SqlHubStore(f"sqlite:///{folder / 'hub.db'}")) as store:
            store.models.save(MODEL)
            rights = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    finally:
        os.umask(before)

    assert {"hub.db": 0o600, "hub.db-shm": 0o600, "hub.db-wal": 0o600} == rights
    assert 0o700 == folder.stat().st_mode & 0o777


def test_a_copy_taken_while_nobody_has_it_open_is_whole(tmp_path: Path) -> None:
    """Nothing is left beside the file by who closed it."""
    with closing(SqlHubStore(f"sqlite:///{tmp_path / 'hub.db'}")) as store:
        store.models.save(MODEL)
    assert ["hub.db"] == [path.name for path in tmp_path.iterdir()]

    shutil.copy(tmp_path / "hub.db", tmp_path / "copy.db")

    with closing(SqlHubStore(f"sqlite:///{tmp_path / 'copy.db'}")) as store:
        assert MODEL == store.models.get(MODEL.id)


def test_sqlite_waits_for_the_disk_and_minds_its_keys(tmp_path: Path) -> None:
    def settings(connection: sa.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    with a_database(f"sqlite:///{tmp_path / 'hub.db'}") as database:
        assert ["wal", 2, 1, 30_000] == database.read(settings)


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    with closing(SqlHubStore(url)) as store:
        store.models.save(MODEL)
        with closing(sqlite3.connect(tmp_path / "hub.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert MODEL == store.models.get(MODEL.id)
            assert 1 == store.models.page(limit=9).total
            # Also who opens it while somebody writes.
            SqlHubStore(url).close()
            other.execute("ROLLBACK")
