"""A clock that a test moves: a day of training in a second, the same each time, without one sleep.

The one rule: time moves only while the test's own thread waits for it, and only when every other thread waits too. It
then goes from one instant that somebody waits for to the next, so that nobody ever sees a wrong time.
"""

from __future__ import annotations

import math
import sys
import threading
import traceback

from ...domain.ports.clock import Alarm, Clock

#: Real seconds after which threads that do not come to rest are taken for hung. No test gets faster or slower by it.
HUNG_AFTER = 30.0


class FakeAlarm(Alarm):
    """Where one thread waits for virtual time or a ring."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.woken = threading.Condition(clock.lock)
        self.rung = False
        self.until: float | None = None
        self.parked = False
        self.owner: int | None = None

    def wait(self, until: float | None) -> None:
        """Park; the thread that made the clock moves the time meanwhile."""
        self._clock.park(self, until)

    def ring(self) -> None:
        """End the wait."""
        with self._clock.lock:
            self.rung = True
            self.woken.notify()

    def retire(self) -> None:
        """Forget this alarm: its thread is no longer waited for."""
        with self._clock.lock:
            self._clock.alarms.discard(self)
            self._clock.rested.notify()

    def is_due(self) -> bool:
        """Whether the wait is over."""
        return self.rung or (self.until is not None and self.until <= self._clock.time)


class FakeClock(Clock):
    """Virtual time, starting at *start*; *wall* is the unix time of that start.

    The thread that makes it is the one that moves it: by :meth:`advance`, or by waiting on an alarm of its own, which
    is what ``session.finish()`` does.
    """

    def __init__(self, *, start: float = 0.0, wall: float = 1_700_000_000.0) -> None:
        self.time = start
        # Reentrant: a ring may come from code that runs below a wait's own bookkeeping.
        self.lock = threading.RLock()
        self.rested = threading.Condition(self.lock)
        self.alarms: set[FakeAlarm] = set()
        self._wall_origin = wall - start
        self._driver = threading.get_ident()

    def now(self) -> float:
        """Virtual monotonic seconds."""
        return self.time

    def wall(self) -> float:
        """Virtual unix seconds; :meth:`shift_wall` moves them alone."""
        return self._wall_origin + self.time

    def shift_wall(self, seconds: float) -> None:
        """Let the calendar jump, as when somebody sets the machine's date. Intervals must not care."""
        self._wall_origin += seconds

    def alarm(self) -> FakeAlarm:
        """A new alarm. Until its first wait somebody is expected to come to it."""
        with self.lock:
            alarm = FakeAlarm(self)
            self.alarms.add(alarm)
            return alarm

    def advance(self, seconds: float) -> None:
        """Go forward, stopping at each instant that somebody waits for."""
        alarm = self.alarm()
        try:
            alarm.wait(self.time + seconds)
        finally:
            alarm.retire()
        self.settle()

    def settle(self) -> None:
        """Until every other thread waits for a later time, or for a ring."""
        with self.lock:
            if not self.rested.wait_for(self._is_at_rest, HUNG_AFTER):
                raise AssertionError(
                    f"a thread neither waits on an alarm of this clock nor retired its alarm: {self._who_is_busy()}"
                )

    def park(self, alarm: FakeAlarm, until: float | None) -> None:
        """What :meth:`FakeAlarm.wait` does."""
        with self.lock:
            alarm.owner, alarm.until, alarm.parked = threading.get_ident(), until, True
            if alarm.owner == self._driver:
                self._drive(alarm)
            else:
                self.rested.notify()
                alarm.woken.wait_for(alarm.is_due)
            alarm.rung = alarm.parked = False

    def _drive(self, alarm: FakeAlarm) -> None:
        while True:
            # First let everybody act on the time as it is: also whoever would ring us.
            self.settle()
            if alarm.is_due():
                return
            waits = [a.until for a in self.alarms if a.parked and a.until is not None and a.until < math.inf]
            if not waits:
                raise AssertionError("every thread waits for a ring, and nobody is left to ring")
            self.time = max(self.time, min(waits))
            for other in self.alarms:
                if other.parked and other.is_due():
                    other.woken.notify()

    def _is_at_rest(self) -> bool:
        return not self._busy()

    def _busy(self) -> set[int | None]:
        # A thread may own several alarms, and rests when it is parked in one of them; the driver is not waited for.
        resting = {a.owner for a in self.alarms if a.parked and not a.is_due()}
        resting.add(self._driver)
        return {a.owner for a in self.alarms} - resting

    def _who_is_busy(self) -> str:
        """The threads that do not rest, each with the lines that it is at."""
        threads = {thread.ident: thread.name for thread in threading.enumerate()}
        frames = sys._current_frames()  # noqa: SLF001 - documented, and there is no other
        return "\n".join(
            f"{threads.get(owner, 'a thread that is not known')}:\n{''.join(traceback.format_stack(frames[owner]))}"
            if owner in frames
            else "one that has ended, or has not come yet"
            for owner in self._busy()
        )
