"""Which locks of hubport are taken while another is held: seen, not read."""

from __future__ import annotations

import linecache
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class Recorder:
    """Remembers each pair of an outer and an inner lock, each called by its class and attribute."""

    def __init__(self) -> None:
        self.pairs: set[tuple[str, str]] = set()
        self.names: set[str] = set()
        self._held = threading.local()

    def stack(self) -> list[Recorded]:
        """The locks that this thread holds, outermost first."""
        if not hasattr(self._held, "stack"):
            self._held.stack = []
        stack: list[Recorded] = self._held.stack
        return stack

    def cycle(self) -> list[str]:
        """Names of locks that are taken in a circle, if any are: two threads could wait for each other."""
        inner: dict[str, set[str]] = {}
        for outer, name in self.pairs:
            inner.setdefault(outer, set()).add(name)

        def visit(name: str, path: list[str]) -> list[str]:
            if name in path:
                return [*path[path.index(name) :], name]
            return next((found for one in inner.get(name, ()) if (found := visit(one, [*path, name]))), [])

        return next((found for name in list(inner) if (found := visit(name, []))), [])


class Recorded:
    """A lock that is told of to *recorder*."""

    def __init__(self, lock: Any, name: str, recorder: Recorder) -> None:
        self._lock, self._name, self._recorder = lock, name, recorder

    def acquire(self, *args: Any, **kwargs: Any) -> bool:
        stack = self._recorder.stack()
        if not any(held is self for held in stack):
            self._recorder.pairs |= {(held._name, self._name) for held in stack}
        taken: bool = self._lock.acquire(*args, **kwargs)
        if taken:
            stack.append(self)
        return taken

    def release(self) -> None:
        self._lock.release()
        stack = self._recorder.stack()
        for at in range(len(stack) - 1, -1, -1):
            if stack[at] is self:
                del stack[at]
                break

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lock, name)


@contextmanager
def recorded() -> Iterator[Recorder]:
    """Record every lock that a module of hubport makes meanwhile."""
    recorder = Recorder()
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("Lock", "RLock"):
            patch.setattr(threading, kind, _maker(getattr(threading, kind), recorder))
        yield recorder


def _maker(make: Any, recorder: Recorder) -> Any:
    def new() -> Any:
        frame = sys._getframe(1)
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith("hubport.") or module.startswith("hubport.testing"):
            return make()
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        found = re.match(r"\s*(?:self\.)?(\w+)", line)
        holder = frame.f_locals.get("self")
        owner = type(holder).__name__ if holder is not None else module.rpartition(".")[2]
        name = f"{owner}.{found[1] if found else frame.f_lineno}"
        recorder.names.add(name)
        return Recorded(make(), name, recorder)

    return new
