"""A PostgreSQL cluster of the tests' own, from the machine's binaries.

The one rule: it listens on a socket in its own folder and nowhere else, and nothing of it outlives the tests.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

#: Nothing of a test's cluster is worth a wait for the disk; many tests open many connections.
_OPTIONS = "-c fsync=off -c listen_addresses='' -c unix_socket_directories='{folder}' -c max_connections=300"


class Cluster:
    """A running server, in *folder*."""

    def __init__(self, folder: Path, programs: Path, user: str | None) -> None:
        self._folder = folder
        self._programs = programs
        self._user = user
        self._made = 0
        if user is not None:
            shutil.chown(folder, user)
        self._run("initdb", "--username=hubport", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
        self._control("start")

    def url(self, database: str) -> str:
        """Where *database* is."""
        return f"postgresql://hubport@/{database}?host={self._folder}"

    @contextmanager
    def database(self, *, like: str = "template1") -> Iterator[str]:
        """The URL of a new database, a copy of *like*."""
        self._made += 1
        name = f"test_{self._made}"
        self.say(f"CREATE DATABASE {name} TEMPLATE {like}")
        try:
            yield self.url(name)
        finally:
            self.say(f"DROP DATABASE {name} WITH (FORCE)")

    def say(self, statement: str, database: str = "postgres") -> None:
        """Run *statement*."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def restart(self) -> None:
        """As after a power cut: every connection is dead."""
        self._control("restart", "--mode=immediate")

    def stop(self) -> None:
        """Stop it, whoever is still connected."""
        self._control("stop", "--mode=immediate")

    def start(self) -> None:
        """Start it again."""
        self._control("start")

    def _control(self, command: str, *options: str) -> None:
        self._run(
            "pg_ctl", command, "--wait", "--silent", *options, f"--log={self._folder / 'log'}",
            f"--options={_OPTIONS.format(folder=self._folder)}",
        )  # fmt: skip

    def _run(self, program: str, *arguments: str) -> None:
        # To a file: the server keeps open what it was started with, so that a pipe would have no end.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [self._programs / program, *arguments],
                env={"PGDATA": str(self._folder / "data"), "PATH": os.environ["PATH"], "LC_ALL": "C"},
                cwd=self._folder,
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
            output.seek(0)
            assert done.returncode == 0, output.read().decode(errors="replace")


def empty(url: str) -> None:
    """Forget everything in the store at *url*, which is faster than to make another one."""
    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE models, projects, datasets, keys, metrics RESTART IDENTITY")


@contextmanager
def a_cluster() -> Iterator[Cluster]:
    """A cluster for as long as the block runs. Skips the test where the server is not installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")
    # Not below pytest's own folder, which no other user may enter; and a socket's path may have 107 bytes only.
    folder = Path(tempfile.mkdtemp(prefix="hubport-pg-"))
    try:
        cluster = Cluster(folder, programs, _user())
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder)


def _programs() -> Path | None:
    """Debian keeps them out of the PATH, one folder for each version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path).resolve())
    return found[-1].parent if found else None


def _user() -> str | None:
    """Whom to run it as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


_RUNNING = pytest.StashKey[Cluster]()


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """One cluster for the session, whichever folder's conftest asks for it first."""
    running = pytestconfig.stash.get(_RUNNING, None)
    if running is not None:
        yield running
        return
    with a_cluster() as cluster:
        pytestconfig.stash[_RUNNING] = cluster
        yield cluster
