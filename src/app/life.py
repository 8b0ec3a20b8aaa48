"""The life of a session: it begins, it runs, it is closed once, and a fork makes copies of it that do nothing.

The one rule: only what runs may be told to do something, and whoever closes it first has closed it.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from enum import Enum

import attrs

from ..domain.errors import SessionClosed
from ..domain.ports.clock import Clock
from ..domain.ports.signals import Signals
from . import process
from .delivery import Delivery
from .intake import Intake
from .log import EventLogger
from .report import Report, Tally
from .settings import Settings
from .signal_hold import SignalHold
from .unsent import FORKED, Unsent


class State(str, Enum):
    """Where a session is in its life."""

    RUNNING = "running"
    CLOSED = "closed"
    FORKED = "forked"
    """A copy in a forked child, which does nothing."""
    BYSTANDER = "bystander"
    """Of another rank than 0 in a distributed training: it does nothing, from its beginning to its end."""
    COPY = "copy"
    """Made by pickle or copy: it knows its model, has no key, and does nothing."""


@attrs.frozen
class Engine:
    """What a session runs on: whatever is logged goes into the intake, and the delivery sends it."""

    delivery: Delivery
    intake: Intake


class Life:
    """Whether a session runs, and on what. Before :meth:`begin` it is a bystander's or a copy's.

    *unsent* counts what is logged meanwhile, where that is a loss.
    """

    def __init__(self, model_url: str, *, state: State = State.BYSTANDER, unsent: Unsent | None = None) -> None:
        self.state = state
        self.engine: Engine | None = None
        self.unsent = unsent
        self._model_url = model_url
        self._closing = threading.Lock()
        process.watch(self)

    def begin(
        self,
        engine: Engine,
        *,
        settings: Settings,
        clock: Clock,
        signals: Signals,
        log: EventLogger,
        beats: bool,
        at_exit: Callable[[], object],
    ) -> None:
        """Start *engine*; *at_exit* is called when the interpreter ends before the session does."""
        self._unsent_in_child = Unsent(FORKED, self._model_url, settings.rank, log)
        self._hold = SignalHold(engine.delivery, clock, settings.signal_within, log)
        self._at_exit = at_exit
        engine.delivery.start(beats=beats)
        self.engine, self.state = engine, State.RUNNING
        atexit.register(at_exit)
        try:
            if settings.handle_signals:
                self._hold.begin(signals)
        except BaseException:
            self.close()
            self.end(engine, clock.now())
            raise

    @property
    def running(self) -> Engine | None:
        """What may be told to do something; nothing in a forked child, in a bystander, and after the end."""
        return self.engine if self.state is State.RUNNING else None

    def open(self, call: str, kind: str = "", number: int = 1) -> Engine | None:
        """The same for *call*, which comes too late after the end.

        *call* logs *number* of *kind*, a kind of the report: where nothing runs, they are counted as unsent.

        Raises:
            SessionClosed: naming the call.
        """
        engine = self.engine
        state = self.state  # once: another thread may close it between two looks
        if state is State.CLOSED:
            raise self.closed(call)
        if engine is None or state is not State.RUNNING:
            if kind and self.unsent is not None:
                self.unsent.lose(call, kind, number)
            return None
        self._hold.go_on()
        return engine

    def report(self, model_id: str) -> Report:
        """What became of what was logged, as of now."""
        if self.engine is not None and self.unsent is None:
            return self.engine.delivery.report(model_url=self._model_url, state=self.state.value)
        tally = Tally() if self.unsent is None else self.unsent.tally
        return tally.report(model_id=model_id, model_url=self._model_url, state=self.state.value, spool="")

    def closed(self, call: str) -> SessionClosed:
        """What to raise where another thread has closed the session after *call* had begun."""
        return SessionClosed(call, self._model_url)

    def close(self) -> Engine | None:
        """Say that it is over; what was running until now, for whoever is the first to say so."""
        with self._closing:
            engine = self.running
            if engine is not None:
                self.state = State.CLOSED
        if engine is not None:
            atexit.unregister(self._at_exit)
        return engine

    def end(self, engine: Engine, deadline: float) -> None:
        """After :meth:`close`: send what can be sent until *deadline*, and let go."""
        try:
            engine.delivery.end(deadline)
        finally:
            self._hold.end()

    def after_fork_in_child(self) -> None:
        """Turn this copy into one that does nothing: it has no threads, and the outbox is its parent's."""
        # Another thread of the parent may have held any lock at the fork, or have been about to close.
        self._closing = threading.Lock()
        if self.engine is not None:
            self.engine.delivery.tally.after_fork_in_child()
            self._hold.after_fork_in_child()
            atexit.unregister(self._at_exit)
            self.state, self.unsent = State.FORKED, self._unsent_in_child
        if self.unsent is not None:
            self.unsent.after_fork_in_child()
