"""SIGTERM and SIGINT, held back while what is left is sent.

The one rule: a signal is held for its deadline at most, and then has its way: the process ends as without us.
"""

from __future__ import annotations

from ...domain.ports.clock import Clock
from ...domain.ports.signals import Signals, SignalWatch
from ...domain.run_end import CLOSED
from ..delivery.delivery import Delivery
from ..log import EventLogger


class SignalDrain:
    """One session's hold on the signals, *timeout* seconds of each."""

    def __init__(self, delivery: Delivery, clock: Clock, timeout: float, log: EventLogger) -> None:
        self._delivery = delivery
        self._clock = clock
        self._timeout = timeout
        self._log = log
        self._signals: Signals | None = None
        self._watch: SignalWatch | None = None
        self._was_survived = False

    def begin(self, signals: Signals) -> None:
        """Watch *signals*, where that can be done."""
        self._signals = signals
        self._watch = signals.watch(self._on_signal)
        self._delivery.waiting.notify_all()
        if self._watch is None:
            self._log.debug("signals.not_watched", why="handlers can be set in the main thread alone")

    def _on_signal(self, signum: int) -> None:
        """Called in a thread of its own."""
        if self._watch is None:  # it has come between the setting of the handler and the return of `watch`
            longest = self._clock.now() + self._timeout
            self._delivery.waiting.wait_for(lambda: self._watch is not None, deadline=longest)
        goes_on = self._watch is not None and self._watch.is_watching
        last = "the handler that has called ours goes on" if goes_on else "then passing it on"
        try:
            self._log.info("signal.received", signal=signum, consequence=f"sending what is left, {last}")
            if not goes_on:
                self._delivery.stop_heartbeats(CLOSED)
            self._delivery.drain(self._clock.now() + self._timeout)
        finally:
            if self._watch is not None:
                self._watch.pass_on(signum)
            self._was_survived = not goes_on
            self._delivery.waiting.notify_all()

    def rearm(self) -> None:
        """The trainer logs: where it has survived a signal, as after an interrupted cell of a notebook, go on too."""
        if self._was_survived and self._signals is not None:
            self._was_survived = False
            self._delivery.start_heartbeats()
            self._watch = self._signals.watch(self._on_signal) or self._watch

    def end(self) -> None:
        """Put the earlier handlers back; and where a signal is being held, let it have its way first.

        Without that a signal in the last moments of a process would be swallowed, and the exit status be 0.
        """
        watch = self._watch
        if watch is not None:
            watch.stop()
            self._delivery.waiting.notify_all()  # whoever drains has nothing to wait for any more
            self._delivery.waiting.wait_for(lambda: not watch.is_holding, deadline=self._clock.now() + self._timeout)

    def let_go(self) -> None:
        """Put the earlier handlers back, and wait for nothing: a signal that is being held has its way by itself."""
        if self._watch is not None:
            self._watch.stop()

    def after_fork_in_child(self) -> None:
        """A child has its own handlers back by then, and watches nothing."""
        self._was_survived = False
