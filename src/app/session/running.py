"""The sessions of this process that run: one for each model.

The one rule: being listed here keeps no session alive, and the lock is held for the list alone, never while a session
is closed.
"""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path

import attrs

from .lifecycle import Lifecycle


@attrs.frozen
class Target:
    """What one session of a process may report to at a time: a model, through the outbox in *folder*.

    An outbox is that of one user of one machine for one HUB, whose name its folder has.
    """

    folder: Path
    model_id: str


_LOCK = threading.Lock()
_RUNNING: weakref.WeakValueDictionary[Target, Lifecycle] = weakref.WeakValueDictionary()


def swap(target: Target, lifecycle: Lifecycle | None) -> Lifecycle | None:
    """List *lifecycle* as the session of *target*. Returns the one that was listed, where it still runs."""
    with _LOCK:
        earlier = _RUNNING.pop(target, None)
        if lifecycle is not None:
            _RUNNING[target] = lifecycle
    # One that has ended, or was never closed because nobody holds it, is in nobody's way.
    return earlier if earlier is not None and earlier.running is not None else None


def is_running(target: Target) -> bool:
    """Whether a session runs for *target*."""
    with _LOCK:
        lifecycle = _RUNNING.get(target)
    return lifecycle is not None and lifecycle.running is not None


def of_model(target: Target) -> list[Lifecycle]:
    """The sessions that run for the model of *target*, through whatever outbox of its HUB."""
    with _LOCK:
        found = [(other, lifecycle) for other, lifecycle in _RUNNING.items() if lifecycle.running is not None]
    model = target.model_id, target.folder.name
    return [lifecycle for other, lifecycle in found if model == (other.model_id, other.folder.name)]


def _after_fork_in_child() -> None:
    # Another thread of the parent may have held the lock; and what runs, runs in the parent.
    global _LOCK  # noqa: PLW0603
    _LOCK = threading.Lock()
    _RUNNING.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
