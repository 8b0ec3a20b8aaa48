"""Signals that a test raises."""

from __future__ import annotations

import signal
from collections.abc import Callable

from ...domain.ports.signals import Signals, SignalWatch


class FakeWatch(SignalWatch):
    """One caller's hold on the fake signals."""

    def __init__(self, signals: FakeSignals, on_signal: Callable[[int], None]) -> None:
        self._signals = signals
        self.on_signal = on_signal
        self.holding = False
        self.is_anothers = False

    def pass_on(self, signum: int) -> None:
        """Raise it again: it meets the watcher below, or the fake process."""
        self.holding = False
        if not self.is_anothers:
            self._signals.raise_signal(signum)
        self.is_anothers = False

    @property
    def is_watching(self) -> bool:
        """Until it has met one, or has let go."""
        return self in self._signals.watches

    @property
    def is_holding(self) -> bool:
        """From :meth:`FakeSignals.raise_signal` on."""
        return self.holding

    def stop(self) -> None:
        """Let go."""
        if self in self._signals.watches:
            self._signals.watches.remove(self)


class FakeSignals(Signals):
    """``passed_on`` holds what reached the process itself; ``settable=False`` plays a thread beside the main one."""

    def __init__(self, *, settable: bool = True) -> None:
        self.settable = settable
        self.watches: list[FakeWatch] = []
        self.passed_on: list[int] = []

    def watch(self, on_signal: Callable[[int], None]) -> FakeWatch | None:
        """Hold on."""
        if not self.settable:
            return None
        self.watches.append(FakeWatch(self, on_signal))
        return self.watches[-1]

    def raise_signal(self, signum: int = signal.SIGTERM) -> None:
        """What the operating system does."""
        if self.watches:
            watch = self.watches.pop()
            watch.holding = True
            watch.on_signal(signum)
        else:
            self.passed_on.append(signum)

    def raise_before(self, signum: int = signal.SIGTERM) -> None:
        """It meets a handler that somebody has set later, which calls ours and goes on."""
        for watch in reversed(self.watches):
            watch.holding = watch.is_anothers = True
            watch.on_signal(signum)
        self.passed_on.append(signum)
