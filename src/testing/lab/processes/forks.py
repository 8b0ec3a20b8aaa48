"""Forks at bad moments: while any lock of a session is held by another thread.

The one rule: a child that hangs says where, and leaves with status 1.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..timeouts import HANG_TIMEOUT

_LOCKS = (type(threading.Lock()), type(threading.RLock()))
_INSIDE = ("hubport", "requests", "urllib3", "queue", "threading")


def forked(
    work: Callable[[], object], *, leave: Callable[[int], object] = os._exit, timeout: float = HANG_TIMEOUT
) -> int:
    """Fork; the child calls *work* and then ``leave(0)``. How it ended, which is 1 when *work* raised or hung.

    ``leave=sys.exit`` takes it through everything that the interpreter does at its end. A child that takes longer than
    *timeout* seconds dumps every thread's stack on its standard error.
    """
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    faulthandler.dump_traceback_later(timeout, exit=True)
    try:
        work()
    except BaseException:  # noqa: BLE001 - whatever it is, the parent's code below must not run a second time
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    leave(0)
    os._exit(1)


@contextlib.contextmanager
def held(lock: Any) -> Iterator[None]:
    """Another thread holds *lock* meanwhile."""
    is_held, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            is_held.set()
            is_over.wait(HANG_TIMEOUT)

    thread = threading.Thread(target=hold, name="lab-holds-a-lock", daemon=True)
    thread.start()
    try:
        if not is_held.wait(HANG_TIMEOUT):
            raise AssertionError(f"{lock!r} is never free")
        yield
    finally:
        is_over.set()
        thread.join(HANG_TIMEOUT)


def locks_of(**things: object) -> dict[str, Any]:
    """Every lock that *things* are made of, hubport's own and those of requests below it, by the way that leads there.

    ``locks_of(session=session)`` finds, for one, ``session._delivery.counters._lock``. Threads are left out: theirs are
    held for as long as they live.
    """
    found: dict[str, Any] = {}
    seen: set[int] = set()
    waiting: deque[tuple[str, object]] = deque(things.items())
    while waiting:
        name, thing = waiting.popleft()
        if id(thing) in seen or isinstance(thing, threading.Thread):
            continue
        seen.add(id(thing))
        if isinstance(thing, _LOCKS):
            found[name] = thing
        else:
            waiting.extend((name + step, part) for step, part in _parts(thing))
    return found


def _parts(thing: object) -> Iterable[tuple[str, object]]:
    """What *thing* is made of, and how one comes there."""
    if isinstance(thing, dict):
        return [(f"[{key!r:.40}]", part) for key, part in list(thing.items())]
    if isinstance(thing, list | tuple | set | frozenset | deque):
        return [(f"[{number}]", part) for number, part in enumerate(list(thing))]
    if closure := getattr(thing, "__closure__", None):
        return [("()", cell.cell_contents) for cell in closure]
    if (bound := getattr(thing, "__self__", None)) is not None and callable(thing):
        return [(".__self__", bound)]
    if not type(thing).__module__.startswith(_INSIDE):
        return []
    names = {*getattr(thing, "__dict__", {}), *_slots(type(thing))}
    return [(f".{name}", getattr(thing, name)) for name in sorted(names) if hasattr(thing, name)]


def _slots(kind: type) -> Iterable[str]:
    return [name for base in kind.__mro__ for name in getattr(base, "__slots__", ()) if name != "__weakref__"]
