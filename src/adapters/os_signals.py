"""SIGTERM and SIGINT of this process.

The one rule: the handler takes no lock and waits for nothing. It puts the earlier handlers back and starts a thread,
which lets the signal go on when the watcher is through. Where somebody's handler in front of ours has called ours, the
signal is that handler's: ours starts the thread, calls the earlier handler at once, and sends nothing again.
"""

from __future__ import annotations

import _thread
import os
import signal
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeAlias

from ..domain.ports.signals import Signals, SignalWatch

_WATCHED = (signal.SIGTERM, signal.SIGINT)
#: What Python sets, or Python code has set.
Handler: TypeAlias = Callable[[int, FrameType | None], Any] | int


_WATCHES: weakref.WeakSet[OsWatch] = weakref.WeakSet()


class OsWatch(SignalWatch):
    """Handlers of ours in front of the earlier ones."""

    def __init__(self, on_signal: Callable[[int], None]) -> None:
        self._on_signal = on_signal
        self._active = True
        self._holding = False
        self._is_anothers = False
        self._earlier: dict[signal.Signals, Handler] = {
            number: handler
            for number in _WATCHED
            # Ignored stays ignored; None is a handler that C code set, which Python could not put back.
            if (handler := _without_stopped(number)) is not signal.SIG_IGN and handler is not None
        }
        _WATCHES.add(self)
        for number in self._earlier:
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        earlier = self._earlier[signal.Signals(number)]
        if signal.getsignal(number) != self._handle or _is_of_event_loop(earlier):
            self._handle_for_another(number, frame, earlier)
        elif self._active:
            self.stop()
            self._holding = True
            try:
                # Not threading.Thread: its start() takes locks, which the code that we interrupted may hold.
                _thread.start_new_thread(self._on_signal, (number,))
            except RuntimeError:  # the interpreter is about to end, and starts no threads any more
                self.pass_on(number)
        else:
            # We were stopped where handlers cannot be put back (another thread), or somebody has put ours back since:
            # do what the earlier one does. It must find itself in front.
            signal.signal(number, earlier)
            if callable(earlier):
                earlier(number, frame)
            else:
                os.kill(os.getpid(), number)

    def _handle_for_another(self, number: int, frame: FrameType | None, earlier: Handler) -> None:
        """Somebody in front goes on. Without us that handler would have called the earlier one, where there is one."""
        if self._active and not self._holding:
            self._holding = self._is_anothers = True
            try:
                _thread.start_new_thread(self._on_signal, (number,))
            except RuntimeError:
                self.pass_on(number)
        if callable(earlier):
            earlier(number, frame)

    def pass_on(self, signum: int) -> None:
        """Send the signal again: to this process, so that the main thread's handler or the default action meets it."""
        if not self._is_anothers:
            os.kill(os.getpid(), signum)
        self._is_anothers = False
        self._holding = False

    def earlier(self, number: signal.Signals) -> Handler:
        """What was installed before ours."""
        return self._earlier[number]

    @property
    def is_watching(self) -> bool:
        """Until the first signal that came to us, or the stop."""
        return self._active

    @property
    def is_holding(self) -> bool:
        """From the handler's first moment on: the watcher's thread may not have begun yet."""
        return self._holding

    def stop(self) -> None:
        """Put the earlier handlers back where ours are still in front; elsewhere ours only pass on from now."""
        self._active = False
        if threading.current_thread() is threading.main_thread():
            for number, earlier in self._earlier.items():
                if signal.getsignal(number) == self._handle:
                    signal.signal(number, earlier)


def _without_stopped(number: signal.Signals) -> Handler | None:
    """What is installed, or what is behind it where that is ours and was stopped beside the main thread."""
    handler = signal.getsignal(number)
    while isinstance(watch := getattr(handler, "__self__", None), OsWatch) and not watch.is_watching:
        handler = watch.earlier(number)
    return handler


def _is_of_event_loop(handler: Handler) -> bool:
    """Whether *handler* does nothing, because an event loop has been told of the signal by its file descriptor."""
    return getattr(handler, "__module__", None) in {"asyncio.unix_events", "uvloop._noop"}


class OsSignals(Signals):
    """The process's signals; handlers can be set from its main thread alone."""

    def watch(self, on_signal: Callable[[int], None]) -> OsWatch | None:
        """Set handlers, or return ``None`` off the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return None
        return OsWatch(on_signal)


class _Masked(threading.local):
    """What this thread, which forks, held back before."""

    signals: set[int] | None = None


_MASKED = _Masked()


def _before_fork() -> None:
    # Python forgets in a child what came before its first line where a handler is set, as ours is. Whoever ends a pool
    # of workers that have just begun would wait for ever: so the kernel keeps it until the handlers are put back.
    if _WATCHES:
        _MASKED.signals = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)


def _after_fork_in_parent() -> None:
    before, _MASKED.signals = _MASKED.signals, None
    if before is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _after_fork_in_child() -> None:
    for watch in list(_WATCHES):
        watch.stop()
    _after_fork_in_parent()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
