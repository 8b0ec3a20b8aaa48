"""One thread for one pacer, and the group of them that a session has.

The one rule: the lock is held for the pacer's arithmetic alone, never while something is sent, written or waited for.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence

from ...domain.client.outcome import Outcome
from ...domain.client.pacing import Pacer, Upstream
from ...domain.errors import HubUnreachable, InvalidAdapter
from ...domain.ports.clock import Alarm, Clock
from ..log import EventLogger
from .condition import Condition, Onlooker
from .counters import DeliveryCounters
from .failure_log import FailureLog
from .keep_alive import KeepAlive
from .senders.sender import Sender


class Worker:
    """Steps one pacer: nearly every test does so by hand, without a thread."""

    def __init__(self, name: str, pacer: Pacer, sender: Sender, group: WorkerGroup) -> None:
        self.name = name
        self.pacer = pacer
        self.sender = sender
        self._group = group
        self._alarm: Alarm = group.clock.alarm()
        self._thread = threading.Thread(target=self._loop, name=f"hubport-{name}", daemon=True)
        self._is_busy = False
        self.is_paused = False
        self.is_optional = False
        """Whether nobody waits at the end for what fails here."""
        self.is_gone = False
        self.is_broken = False
        """Whether the adapter broke its port at the last try: it is tried again, and nobody waits for that."""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def offer(self) -> None:
        """There is something to send. Called after it was written down."""
        # Without the lock: when `waiting` is True here, the worker has not begun yet, since beginning is what makes it
        # False; and it reads what there is to send after it has begun, so it finds what our caller wrote before.
        if self.pacer.waiting:
            return
        with self._group.lock:
            self.pacer.offer()
        self.wake()

    def offer_again(self) -> None:
        """The same where an interrupt may have ended an offer half-way, between its two steps."""
        with self._group.lock:
            self.pacer.offer()
        self.wake()

    def offer_last(self) -> None:
        """There is one more message to send, whatever the pace."""
        with self._group.lock:
            self.pacer.offer_last()
        self.wake()

    def wake(self) -> None:
        """Look at the pacer again."""
        self._alarm.ring()

    def pause(self) -> None:
        """Send nothing that is not under way already."""
        with self._group.lock:
            self.is_paused = True
        self.wake()

    def resume(self) -> None:
        """Go on after :meth:`pause`, at once, whatever the pace."""
        with self._group.lock:
            self.is_paused = False
            self.pacer.resume_at_once()
        self.wake()

    def abandon(self) -> None:
        """Leave without ever having had a thread."""
        self._group.on_exit(self)
        self._alarm.retire()

    def join(self) -> None:
        """Wait for the thread of a worker that is gone."""
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        # With the lock: between the two steps of taking an offer, neither flag is up.
        with self._group.lock:
            return not self._is_busy and (self.is_paused or not self.pacer.waiting)

    def step(self) -> None:
        """Send what is due, if something is."""
        with self._group.lock:
            now = self._group.clock.now()
            if self.is_paused or now >= self._group.deadline or not self.pacer.begin(now):
                return
            self._is_busy = True
        outcome, is_broken = self._outcome()
        concerns_others = False
        with self._group.lock:
            self.is_broken = is_broken
            if outcome is not None:
                now = self._group.clock.now()
                concerns_others = self.pacer.settle(outcome, now=now, more=self.sender.has_more)
            elif self.sender.has_more:
                self.pacer.offer()  # what was first in line needed no sending
            self._is_busy = False
        if outcome is not None:
            self._group.failure_log.note(self.name, outcome)
        self._group.changed(by=self, concerns_others=concerns_others)

    def _is_in_vain(self, due: float) -> bool:
        """Whether only this is left, nobody waits for it, and it does not get through now. The lock is held."""
        is_held_up = self.pacer.failures > 0 or due > self._group.clock.now()
        return self.is_optional and is_held_up and all(other.is_gone or other is self for other in self._group.workers)

    def _outcome(self) -> tuple[Outcome | None, bool]:
        """What became of a run of the sender, and whether the adapter broke its port."""
        try:
            return self.sender.run(), False
        except HubUnreachable as exc:
            return Outcome.unreachable(exc.cause), False
        except InvalidAdapter as exc:
            return Outcome.fault(f"{exc.adapter} {exc.fault}"), True
        except Exception:
            self._group.log.exception("worker.failed", worker=self.name)
            return Outcome.fault("a fault of hubport's own: see the log"), False

    def _loop(self) -> None:
        try:
            # Returns at once, and makes the alarm this thread's: a virtual clock knows from here on whom to wait for.
            self._alarm.wait(self._group.clock.now())
            while True:
                if self._group.is_abandoned:
                    self._group.end_abandoned()
                self._group.keep_alive.send_if_due()
                self.step()
                with self._group.lock:
                    due = None if self.is_paused else self.pacer.due
                    deadline = self._group.deadline
                    is_last_try_over = due is None or self.is_broken or self._group.clock.now() >= deadline
                    is_over = self._group.is_dismissed and (
                        is_last_try_over or (due is not None and self._is_in_vain(due))
                    )
                if is_over:
                    break
                until = min(deadline, math.inf if due is None else due, self._group.keep_alive.due)
                # A ring between the lock and this line is kept for us: the wait returns at once.
                self._alarm.wait(None if until == math.inf else until)
        finally:
            # Before we retire: who waits for us is rung, and the clock of a test does not run on before that.
            self._group.on_exit(self)
            self._alarm.retire()


class WorkerGroup:
    """The workers of one session, what they share, and how to wait for them."""

    def __init__(
        self,
        clock: Clock,
        upstream: Upstream,
        counters: DeliveryCounters,
        log: EventLogger,
        *,
        on_empty: Callable[[], None],
        on_alive: Callable[[], None] | None = None,
    ) -> None:
        self.clock = clock
        self.upstream = upstream
        self.log = log
        self.lock = threading.Lock()
        self.deadline = math.inf
        self.workers: list[Worker] = []
        self.is_dismissed = False
        self.is_empty = False
        self.is_abandoned = False
        self.end_abandoned: Callable[[], None] = _nothing
        self.after_abandoned: Callable[[], None] = _nothing
        self.counters = counters
        self._on_empty = on_empty
        self.keep_alive = KeepAlive(clock, log, on_alive)
        self.waiting = Condition(clock)
        self.failure_log = FailureLog(counters, log)

    def add(self, name: str, pacer: Pacer, sender: Sender) -> Worker:
        """A new worker, not started yet."""
        self.workers.append(Worker(name, pacer, sender, self))
        return self.workers[-1]

    def start(self) -> None:
        """Start every thread, or none for long.

        Raises:
            RuntimeError: when the system gives no more threads.
        """
        for number, worker in enumerate(self.workers):
            try:
                worker.start()
            except RuntimeError:
                for other in self.workers[number:]:
                    other.abandon()
                self.shutdown(self.clock.now())
                raise

    def changed(self, *, by: Worker | None = None, concerns_others: bool = False) -> None:
        """Something has happened: tell who waits, and the other workers when they may send at another time now."""
        if concerns_others:
            for worker in self.workers:
                if worker is not by:
                    worker.wake()
        self.waiting.notify_all()

    def on_exit(self, worker: Worker) -> None:
        """*worker* sends nothing any more. The last one to leave turns off the light: nobody sends after that."""
        with self.lock:
            worker.is_gone = True
            is_last = all(other.is_gone for other in self.workers)
        if is_last:
            try:
                self._on_empty()
                if self.is_abandoned:
                    # Before anybody is told: an exit that waits for us takes this thread with it, and its last line.
                    self.after_abandoned()
            except Exception:
                self.log.exception("session.not_released")
            finally:
                self.is_empty = True
        # An optional worker may be the only one that is left now.
        self.changed(by=worker, concerns_others=True)

    def clear_unauthorized(self) -> None:
        """There is another key: what the old one was refused may be sent."""
        with self.lock:
            self.upstream.is_unauthorized = False
        self.failure_log.clear_unauthorized()
        self._wake()

    @property
    def is_over(self) -> bool:
        """Whether nothing will be sent any more, or nothing that anybody should wait for."""
        return self.is_empty or (self.is_dismissed and self.clock.now() >= self.deadline)

    def begin_drain(self, workers: Sequence[Worker]) -> None:
        """Somebody waits for *workers*: no pacing from now on."""
        with self.lock:
            for worker in workers:
                worker.pacer.begin_drain()
                worker.is_broken = False  # who waits is owed one try
        # All of them: our own backoff from an outage is forgotten for every pacer.
        self._wake()

    def end_drain(self, workers: Sequence[Worker]) -> None:
        """Back to the pace."""
        with self.lock:
            for worker in workers:
                worker.pacer.end_drain()

    def shutdown(self, deadline: float, *, onlookers: Sequence[Onlooker] = ()) -> bool:
        """Let every worker that is not paused send what waits until *deadline*; whether all are gone then."""
        self.halt(deadline)
        gone = self.waiting.wait_for(lambda: self.is_empty, deadline=deadline, onlookers=onlookers)
        for worker in self.workers:
            if gone:
                worker.join()  # past its loop: a matter of microseconds
        return gone

    def halt(self, deadline: float) -> None:
        """The same, without waiting for it."""
        with self.lock:
            self.deadline, self.is_dismissed = deadline, True
        self.begin_drain(self.workers)

    def abandon(self) -> None:
        """Have a worker call ``end_abandoned``, and the last one ``after_abandoned``.

        The garbage collector calls this: it takes no lock. A ring takes none that the same thread may hold.
        """
        self.is_abandoned = True
        self._wake()

    def _wake(self) -> None:
        for worker in self.workers:
            worker.wake()


def _nothing() -> None:
    """Nobody has asked for more."""
