"""Locks that know their rank: each lock that hubport makes while a test runs is one of these.

The one rule: a thread takes a lock only of a higher rank than all that it holds. Where that holds no two threads can
wait for each other, and a lock of the highest rank is a leaf.
"""

from __future__ import annotations

import linecache
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hubport.adapters.disk_outbox import outbox, spool
from hubport.app.session import running

#: The locks inside which others are taken, from the outside in; docs/explanation/architecture.md says why.
RANKS = {
    "GuardedProgress._drawing": 1,
    "UploadQueue._settling": 1,
    "DiskSpool._lock": 2,
}
LEAF = 3
#: A turn that another thread gives guards nothing, and what tqdm does with its lock is tqdm's.
UNRANKED = frozenset({"turn", "UploadBar"})


class Watch:
    """What was seen of the locks: their names, and each pair that was taken in a wrong order."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.pairs: set[tuple[str, str]] = set()
        self.wrong: set[str] = set()
        self._held = threading.local()

    def held(self) -> list[RankedLock]:
        """The locks that this thread holds, outermost first."""
        if not hasattr(self._held, "locks"):
            self._held.locks = []
        locks: list[RankedLock] = self._held.locks
        return locks


class RankedLock:
    """A lock with a rank, which tells *watch* when it is taken inside one of the same or a higher rank."""

    def __init__(self, lock: Any, name: str, watch: Watch) -> None:
        self.name, self.rank = name, RANKS.get(name, LEAF)
        self._lock, self._watch = lock, watch
        watch.names.add(name)

    def acquire(self, *args: Any, **kwargs: Any) -> bool:
        """Take it, once its rank is compared."""
        held = self._watch.held()
        if self not in held:  # or it is taken again, as an RLock may be
            self._watch.pairs |= {(outer.name, self.name) for outer in held}
            self._watch.wrong |= {f"{self.name} inside {outer.name}" for outer in held if outer.rank >= self.rank}
        taken: bool = self._lock.acquire(*args, **kwargs)
        if taken:
            held.append(self)
        return taken

    def release(self) -> None:
        """Give it back."""
        held = self._watch.held()
        if self in held:
            del held[len(held) - 1 - held[::-1].index(self)]
        self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lock, name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # for the lab, which looks for locks
        return type(self._lock)


@contextmanager
def ranked_locks() -> Iterator[Watch]:
    """Give a rank to each lock that a module of hubport makes meanwhile, and to those that were made at its import."""
    watch = Watch()
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("Lock", "RLock"):
            patch.setattr(threading, kind, _maker(getattr(threading, kind), watch))
        patch.setattr(running, "_LOCK", RankedLock(running._LOCK, "running._LOCK", watch))
        no_fork = RankedLock(spool.NO_FORK, "spool.NO_FORK", watch)
        for module in (spool, outbox):
            patch.setattr(module, "NO_FORK", no_fork)
        yield watch


def _maker(make: Any, watch: Watch) -> Any:
    def new() -> Any:
        frame = sys._getframe(1)
        module = str(frame.f_globals.get("__name__", ""))
        # Those of the lab and of the fakes are no product's: they stand for the world.
        if not module.startswith("hubport.") or module.startswith(("hubport.testing", "hubport.testing.fakes")):
            return make()
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        found = re.match(r"\s*(?:self\.)?(\w+)", line)
        holder = frame.f_locals.get("self")
        owner = type(holder).__name__ if holder is not None else module.rpartition(".")[2]
        name = f"{owner}.{found[1] if found else frame.f_lineno}"
        return make() if name.rpartition(".")[2] in UNRANKED else RankedLock(make(), name, watch)

    return new
