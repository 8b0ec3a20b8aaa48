"""What a store says when its database cannot be used: one line, and no password."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from hubport.adapters.sql_hub import SqlHubStore
from hubport.adapters.sql_hub.database import Database
from hubport.domain.errors import HubportError, StoreUnusable
from hubport.domain.hub.model import HubModel
from hubport.testing.lab.sandbox import bare_environment
from tests.integration.hub.postgres import Cluster

MODEL = HubModel("Ab3Cd5Ef7Gh9Ij1Kl2Mn", name="a model", data="coco8.yaml")


def complaint(url: str) -> str:
    with pytest.raises(StoreUnusable) as caught:
        SqlHubStore(url)
    text = str(caught.value)
    assert "\n" not in text
    assert "s3cret" not in text
    assert "s3cret" not in repr(caught.value)
    assert isinstance(caught.value, HubportError)
    return text


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but longer than the header of one would be: " * 20)

    assert f"sqlite:///{file}: file is not a database" == complaint(f"sqlite:///{file}")
    assert file.read_text().startswith("not a database")


def test_a_folder(tmp_path: Path) -> None:
    assert f"sqlite:///{tmp_path}: is a folder: name a file in it" == complaint(f"sqlite:///{tmp_path}")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert complaint(f"sqlite:///{tmp_path / 'file' / 'hub.db'}").endswith(": File exists")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hub.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
        "sqlite+aiosqlite:///x.db",
        "mysql://user:s3cret@127.0.0.1/hub",
        "postgresql+psycopg2://user:s3cret@127.0.0.1/hub",
        "postgresql+nonsense://user:s3cret@127.0.0.1/hub",
        "nonsense://user:s3cret@127.0.0.1/hub",
        "postgresql://user:s3cret@127.0.0.1:port/hub",
    ],
)
def test_what_is_none_of_the_two(url: str) -> None:
    assert "sqlite:///PATH or postgresql://" in complaint(url)


def test_a_path_takes_no_options(tmp_path: Path) -> None:
    """They would be a part of the file's name."""
    assert "takes no options" in complaint(f"sqlite:///{tmp_path / 'hub.db'}?timeout=5")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["job%2Fmain", "100%", "what?", "what?a=b", "#1", "a b", "a@b:c", "é+", "%41"])
def test_a_path_is_taken_to_the_letter(tmp_path: Path, name: str) -> None:
    file = tmp_path / name / "hub.db"
    url = f"sqlite:///{file}"
    with closing(SqlHubStore(url)) as store:
        store.models.save(MODEL)
    with closing(SqlHubStore(url)) as store:
        assert MODEL == store.models.get(MODEL.id)

    assert [file] == [found for found in tmp_path.rglob("*") if found.is_file()]


def test_the_name_of_a_database_on_a_server_is_decoded() -> None:
    """As libpq does; SQLAlchemy 2.0 does not, and 2.1 does."""
    with closing(Database("postgresql://user:s3cret@127.0.0.1:1/my%20hub")) as database:
        assert "my hub" == database._engine.url.database


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    text = complaint(f"postgresql://user:s3cret@/hub?host={tmp_path}")

    assert text.startswith("postgresql+psycopg://user:***@/hub?host=")
    assert "connection" in text


def test_a_database_that_is_not_there(postgres: Cluster) -> None:
    assert 'database "nowhere" does not exist' in complaint(postgres.url("nowhere"))


def test_a_driver_that_is_missing(tmp_path: Path) -> None:
    """As `pip install hubport[hub]` leaves it."""
    (tmp_path / "psycopg.py").write_text("raise ModuleNotFoundError('no module named psycopg', name='psycopg')\n")
    program = (
        "from hubport.adapters.sql_hub import SqlHubStore\n"
        "from hubport.domain.errors import StoreUnusable\n"
        "try:\n    SqlHubStore('postgresql://user:s3cret@127.0.0.1/hub')\n"
        "except StoreUnusable as exc:\n    print(exc)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=bare_environment() | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (
        "postgresql+psycopg://user:***@127.0.0.1/hub: its driver is missing: pip install 'hubport[postgres]'\n",
        "",
    ) == (done.stdout, done.stderr)


def test_a_server_that_restarts_is_found_again(postgres: Cluster) -> None:
    """Every connection of the pool is dead then, and the first call after it notices."""
    with postgres.database() as url, closing(SqlHubStore(url)) as store:
        store.models.save(MODEL)
        for call in (
            lambda: store.put_metrics(MODEL.id, {0: "{}"}, at=1.0),
            lambda: store.models.update(MODEL.id, lambda model: model),
            lambda: store.models.get(MODEL.id),
            lambda: store.models.page(limit=1),
        ):
            postgres.restart()
            call()
        assert {0: "{}"} == dict(store.metrics(MODEL.id).epochs)


def test_a_server_that_is_gone_is_an_error_and_comes_back(postgres: Cluster) -> None:
    with postgres.database() as url, closing(SqlHubStore(url)) as store:
        store.models.save(MODEL)
        postgres.stop()
        try:
            with pytest.raises(StoreUnusable):
                store.put_metrics(MODEL.id, {0: "{}"}, at=1.0)
            with pytest.raises(StoreUnusable):
                store.models.get(MODEL.id)
        finally:
            postgres.start()
        store.put_metrics(MODEL.id, {1: "{}"}, at=1.0)
        assert {1: "{}"} == dict(store.metrics(MODEL.id).epochs)


def test_what_no_database_holds_is_refused_and_harms_nobody(tmp_path: Path) -> None:
    with closing(SqlHubStore(f"sqlite:///{tmp_path / 'hub.db'}")) as store:
        store.models.save(MODEL)
        with closing(sqlite3.connect(tmp_path / "hub.db")) as other:
            other.execute("DROP TABLE metrics")
        with pytest.raises(StoreUnusable, match="no such table: metrics"):
            store.put_metrics(MODEL.id, {0: "{}"}, at=1.0)
        assert MODEL == store.models.get(MODEL.id)


def test_what_cannot_be_read_is_not_deleted(tmp_path: Path) -> None:
    """Nobody would know any more which files it had."""
    with closing(SqlHubStore(f"sqlite:///{tmp_path / 'hub.db'}")) as store:
        store.models.save(MODEL)
        with closing(sqlite3.connect(tmp_path / "hub.db", isolation_level=None)) as other:
            other.execute("UPDATE models SET document = '{'")
            with pytest.raises(ValueError, match="Expecting property name"):
                store.models.delete(MODEL.id)
            assert 1 == other.execute("SELECT count(*) FROM models").fetchone()[0]
