"""The life of a session: it begins, it runs, it is closed once, and a fork makes copies of it that do nothing.

The one rule: only what runs may be told to do something, and whoever closes it first has closed it. Nothing here knows
the session object, so that one that nobody holds any more is collected, and lets go.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
from enum import Enum

import attrs

from ...domain.errors import SessionClosed
from ...domain.ports.clock import Clock
from ...domain.ports.signals import Signals
from ...domain.run_end import CLOSED, RunEnd
from ..delivery.counters import DeliveryCounters
from ..delivery.delivery import Delivery
from ..delivery.recorder import Recorder
from ..delivery.report import Report
from ..log import EventLogger
from ..settings import Settings
from . import fork
from .signal_drain import SignalDrain
from .uncaught import uncaught_exception
from .unsent import FORKED, Unsent

#: Seconds for a worker to say how a session ended that nobody holds, once the time for sending is over.
_LAST_WORDS = 1.0


class State(str, Enum):
    """Where a session is in its life."""

    RUNNING = "running"
    CLOSED = "closed"
    FORKED = "forked"
    """A copy in a forked child, which does nothing."""
    DISABLED = "disabled"
    """Of another rank than 0 in a distributed training: it does nothing, from its beginning to its end."""
    COPY = "copy"
    """Made by pickle or copy: it knows its model, has no key, and does nothing."""


@attrs.frozen
class Engine:
    """What a session runs on: whatever is logged goes into the recorder, and the delivery sends it."""

    delivery: Delivery
    recorder: Recorder


class Lifecycle:
    """Whether a session runs, and on what. Until :meth:`begin` it is that of a disabled session, or of a copy.

    *unsent* counts what is logged meanwhile, where that is a loss.
    """

    def __init__(
        self, model_id: str, model_url: str, *, state: State = State.DISABLED, unsent: Unsent | None = None
    ) -> None:
        self.state = state
        self.engine: Engine | None = None
        self.unsent = unsent
        self._model_id = model_id
        self._model_url = model_url
        self._is_replaced = False
        self._is_ended_by_worker = False
        self._closing = threading.Lock()
        fork.register(self)

    def begin(
        self,
        engine: Engine,
        *,
        settings: Settings,
        clock: Clock,
        signals: Signals,
        log: EventLogger,
        sends_heartbeats: bool,
    ) -> None:
        """Start *engine*. When the interpreter ends before the session does, the session is closed."""
        self._settings = settings
        self._clock = clock
        self.log = log
        self._unsent_in_child = Unsent(FORKED, self._model_url, settings.rank, log)
        self._hold = SignalDrain(engine.delivery, clock, settings.signal_timeout, log)
        engine.delivery.on_abandoned(self._end_abandoned, then=self._after_abandoned)
        engine.delivery.start(sends_heartbeats=sends_heartbeats)
        self.engine, self.state = engine, State.RUNNING
        atexit.register(self._at_exit)
        try:
            if settings.handle_signals:
                self._hold.begin(signals)
        except BaseException:
            self._end(clock.now())
            raise

    @property
    def running(self) -> Engine | None:
        """What may be told to do something; nothing in a forked child, in a disabled session, and after the end."""
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
        self._hold.rearm()
        return engine

    def closed(self, call: str) -> SessionClosed:
        """What to raise where another thread has closed the session after *call* had begun."""
        if self._is_replaced:
            return SessionClosed(call, self._model_url, "replaced")
        is_final = self.engine is not None and self.engine.delivery.counters.final_delivered
        return SessionClosed(call, self._model_url, "finished" if is_final else "closed")

    def report(self) -> Report:
        """What became of what was logged, as of now."""
        if self.engine is not None and self.unsent is None:
            return self.engine.delivery.report(model_url=self._model_url, state=self.state.value)
        counters = DeliveryCounters() if self.unsent is None else self.unsent.counters
        return counters.report(model_id=self._model_id, model_url=self._model_url, state=self.state.value, spool="")

    def end(self, deadline: float, end: RunEnd = CLOSED) -> Report:
        """Close, send what can be sent until *deadline*, let go, and say how it went. Once: then it is the report.

        The HUB is told of *end*.
        """
        self._end(deadline, end)
        return self.report()

    def _end(self, deadline: float, end: RunEnd = CLOSED) -> bool:
        """The same; whether it was for this call to close it."""
        engine = self._close()
        if engine is None:
            return False
        atexit.unregister(self._at_exit)
        try:
            try:
                engine.delivery.end(deadline, end)
            finally:
                self._hold.end()
        finally:  # also where an interrupt ends the wait: what waits, and the command that sends it, are said
            self._say_end()
        return True

    def replace(self) -> None:
        """Another session of this process takes the place of this one: end within ``Settings.exit_timeout``."""
        self._is_replaced = True
        self.log.warning(
            "session.replaced",
            cause="this process has connected to the same model again",
            consequence="the earlier session is closed; what it still has to send is sent",
            remedy="use the session of the newest connect; call finish() or close() before the next",
        )
        self._end(self._clock.now() + self._settings.exit_timeout)

    def abandon(self) -> None:
        """Nobody holds the session any more: a worker ends it, as :meth:`end` does within ``Settings.exit_timeout``.

        The garbage collector calls this, in any thread and between any two lines of it: it takes no lock, starts no
        thread, and logs nothing.
        """
        if engine := self.running:
            engine.delivery.abandon()

    def stop_heartbeats(self) -> None:
        """No heartbeat from now on but a last one, which says that the run was closed. Waits for nothing."""
        if engine := self.running:
            engine.delivery.stop_heartbeats(CLOSED)

    def _end_abandoned(self) -> None:
        """Called by a worker, which cannot wait for itself: the last one to leave calls :meth:`_after_abandoned`."""
        engine = self._close()
        if engine is not None:
            self._is_ended_by_worker = True
            engine.delivery.begin_end(self._clock.now() + self._settings.exit_timeout)

    def _after_abandoned(self) -> None:
        if not self._is_ended_by_worker:
            return  # the exit came first, and waits for this worker
        atexit.unregister(self._at_exit)
        self._hold.let_go()
        self._say_end(cause="nobody holds the session any more")

    def _close(self) -> Engine | None:
        """Say that it is over; what was running until now, for whoever is the first to say so."""
        with self._closing:
            engine = self.running
            if engine is not None:
                self.state = State.CLOSED
        return engine

    def _say_end(self, **why: str) -> None:
        report = self.report()
        (self.log.info if report.is_complete else self.log.warning)("session.closed", **why, summary=str(report))

    def _at_exit(self) -> None:
        # Who interrupts an exit wants it over, and no traceback of ours.
        with contextlib.suppress(KeyboardInterrupt):
            deadline = self._clock.now() + self._settings.exit_timeout
            is_ours = self._end(deadline, RunEnd.of(uncaught_exception()))
            if not is_ours and self.engine is not None:
                # Nobody holds it, and a worker is at its end, with a deadline like ours: the last one says how it went.
                self.engine.delivery.wait_for_end(deadline + _LAST_WORDS)

    def after_fork_in_child(self) -> None:
        """Turn this copy into one that does nothing: it has no threads, and the outbox is its parent's."""
        # Another thread of the parent may have held any lock at the fork, or have been about to close.
        self._closing = threading.Lock()
        if self.engine is not None:
            self.engine.delivery.counters.after_fork_in_child()
            self._hold.after_fork_in_child()
            atexit.unregister(self._at_exit)
            self.state, self.unsent = State.FORKED, self._unsent_in_child
        if self.unsent is not None:
            self.unsent.after_fork_in_child()
