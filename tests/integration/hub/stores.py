"""Processes that have a store open.

The one rule: what a process says on its standard output it was told before; nobody guesses when it is where.
"""

from __future__ import annotations

from pathlib import Path

from hubport.testing.lab import Child, Zygote
from hubport.testing.lab.sandbox import bare_environment

_CHILDREN = Path(__file__).with_name("children")
#: Imported once for all of them.
PRELOAD = ("attrs", "hubport.adapters.sql_hub", "psycopg")


def a_process(zygote: Zygote, script: str, *arguments: object, errors: Path) -> Child:
    """``children/<script>.py`` with *arguments*: a context manager, which buries it."""
    return zygote.start(_CHILDREN / f"{script}.py", *arguments, env=bare_environment(), errors=errors)
