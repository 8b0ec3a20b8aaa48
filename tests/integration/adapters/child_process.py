"""Programs of a test's own: Python code that runs in another interpreter and talks by lines."""

from __future__ import annotations

import os
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hubport.testing.lab import Child


@contextmanager
def program(code: str, *arguments: object, **environment: str) -> Iterator[Child]:
    """Run *code*, to which every warning is an error, with *arguments* in its ``sys.argv``."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, arguments)]
    with (
        tempfile.TemporaryDirectory() as folder,
        Child.run(command, os.environ | environment, Path(folder) / "errors") as child,
    ):
        yield child


def unmeasured() -> dict[str, str]:
    """Changes to the environment of a process that coverage is to leave alone.

    One that bears a load takes several times as long where it is measured, and what it runs is measured by others. In
    one that forks, coverage has a lock in every thread, for which a child might wait for ever. And coverage's own file
    may not fit where there is room for little.
    """
    return {name: "" for name in os.environ if name.startswith("COVERAGE")}


def output(code: str, *arguments: object, **environment: str) -> str:
    """What *code* says; it must end well and complain of nothing."""
    with program(code, *arguments, **environment) as child:
        said = "".join(f"{line}\n" for line in child.rest())
        assert (0, "") == (child.end(), child.stderr)
    return said
