"""The signals that end a run.

The one rule: the process ends as it would have ended without us; we only get a moment before that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable


@runtime_checkable
class SignalWatch(Protocol):
    """One caller's hold on the signals."""

    def pass_on(self, signum: int) -> None:
        """Let happen what would have happened without us: the earlier handler, or the default action.

        From any thread. The earlier handler runs in the main thread, as it always does. Where somebody's handler has
        called ours, that handler decides, and this only ends the hold.
        """
        ...

    @property
    def is_watching(self) -> bool:
        """Whether the next signal will be met: not after :meth:`stop`, nor after a signal that has come to us.

        While a signal is held, this says whether somebody's handler has called ours, and goes on.
        """
        ...

    @property
    def is_holding(self) -> bool:
        """Whether a signal has come that was not passed on yet."""
        ...

    def stop(self) -> None:
        """Put the earlier handlers back. Harmless a second time, and in any thread."""
        ...


@runtime_checkable
class Signals(Protocol):
    """SIGTERM and SIGINT."""

    def watch(self, on_signal: Callable[[int], None]) -> SignalWatch | None:
        """Call *on_signal* with the number of the first of them that comes; ``None`` where handlers cannot be set.

        *on_signal* runs in a thread of its own, and may take its time before it passes the signal on. A second signal
        meets the earlier handlers, so that an impatient Ctrl-C ends the process at once. A signal that was ignored
        stays ignored. A forked child has the earlier handlers, and no signal to it is lost, however early.

        A handler that somebody has set later may call ours. Then too *on_signal* is called, each time; the earlier
        handler is called at once, where there is one, and the default action is not taken.
        """
        ...
