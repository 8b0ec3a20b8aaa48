"""The command ``hubport`` over a data directory of the test's own, here or in a process that costs milliseconds."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import attrs
import pytest

from hubport.app.cli.main import main
from hubport.testing.lab import Child, Zygote
from hubport.testing.lab.sandbox import bare_environment
from tests.integration.adapters.child_process import unmeasured

_PROGRAM = Path(__file__).with_name("hubport_command.py")
PRELOAD = (
    "hubport.app.cli.main",
    "hubport.app.session.connect",
    "hubport.adapters.sql_hub",
    "hubport.adapters.web.server",
    "hubport.adapters.folder_blobs",
)


@attrs.define
class Machine:
    """A user's machine: ``data`` is the data directory. What was started ends with the test."""

    folder: Path
    zygote: Zygote
    children: list[Child] = attrs.field(factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def login_file(self) -> Path:
        return self.folder / "config" / "hubport" / "login.json"

    def environment(self, **more: str) -> dict[str, str]:
        places = {"HUBPORT_DATA_DIR": str(self.data), "HUBPORT_STATE_DIR": str(self.folder / "state")}
        login = {"HUBPORT_CONFIG_FILE": str(self.login_file)}
        return bare_environment() | places | login | {"TMPDIR": str(self.folder), "COLUMNS": "200"} | more

    def hubport(self, *arguments: object, **environment: str) -> Child:
        """Start ``hubport`` with *arguments*; further keywords are environment variables."""
        errors = self.folder / f"stderr-{len(self.children)}"
        child = self.zygote.start(_PROGRAM, *arguments, env=self.environment(**environment), errors=errors)
        self.children.append(child)
        return child

    def outcome(self, *arguments: object, **environment: str) -> tuple[int, list[str], list[str]]:
        """How it ends in this process, and what it writes to standard output and standard error."""
        written = io.BytesIO(), io.BytesIO()
        stdout, stderr = (io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=True) for raw in written)
        with self.inhabited(**environment), redirect_stdout(stdout), redirect_stderr(stderr):
            try:
                status = main([*map(str, arguments)])
            except SystemExit as exc:  # argparse
                status = int(exc.code or 0)
        said, complaints = (raw.getvalue().decode().splitlines() for raw in written)
        return status, said, complaints

    @contextmanager
    def inhabited(self, **environment: str) -> Iterator[None]:
        """This process has the environment of the machine, and further variables."""
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.environment(**environment))
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def ended(self, *arguments: object, **environment: str) -> tuple[int, list[str], list[str]]:
        """The same in a process of its own."""
        child = self.hubport(*arguments, **environment)
        said = child.rest()
        return child.end(), said, child.stderr.splitlines()

    def json(self, *arguments: object, **environment: str) -> Any:
        """What it writes with ``--json``, when all is well."""
        status, said, complaints = self.outcome(*arguments, "--json", **environment)
        assert (0, []) == (status, complaints)
        return json.loads("\n".join(said))

    def served(self, *arguments: object, **environment: str) -> tuple[Child, Any]:
        """``hubport serve`` on a free port, and its ready line."""
        child = self.hubport("serve", "--port", 0, "--json", *arguments, **environment)
        return child, json.loads(child.line())

    def reap(self) -> None:
        for child in self.children:
            child.reap()


@pytest.fixture(scope="session")
def commands() -> Iterator[Zygote]:
    with Zygote(preload=PRELOAD, env=bare_environment() | unmeasured()) as zygote:
        yield zygote


@pytest.fixture
def machine(tmp_path: Path, commands: Zygote) -> Iterator[Machine]:
    assert "HUBPORT_DATA_DIR" not in os.environ
    machine = Machine(tmp_path, commands)
    yield machine
    machine.reap()
