"""What the process does to sessions: it forks, and it exits.

The one rule: a forked child never sends and never waits for threads that it does not have. Its copies of the parent's
sessions turn into objects that do nothing, before any code of the child's own runs.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Mapping
from types import ModuleType
from typing import Protocol


class Forkable(Protocol):
    """Something that belongs to the process that made it."""

    def after_fork_in_child(self) -> None:
        """From now on this is a copy in a child."""
        ...


_ALIVE: weakref.WeakSet[Forkable] = weakref.WeakSet()


def register(thing: Forkable) -> None:
    """Tell *thing* when it finds itself in a forked child."""
    _ALIVE.add(thing)


def imports_script(modules: Mapping[str, ModuleType] = sys.modules) -> bool:
    """Whether a process that multiprocessing has started is importing the script of the process that started it.

    Under spawn and forkserver that comes first, and runs what is not under ``if __name__ == "__main__":``. The mark is
    the one by which multiprocessing itself refuses to start a process there. The names of modules are none: whatever
    runs a script under the name of ``__main__``, as ``runpy`` and debuggers do, changes them.
    """
    process = modules.get("multiprocessing.process")
    return process is not None and getattr(process.current_process(), "_inheriting", False)


def _after_fork_in_child() -> None:
    for thing in list(_ALIVE):
        thing.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
