"""The contract of :class:`~hubport.domain.ports.clock.Clock`.

The one rule: nothing is asked of the machine's speed: only what is not too early, and what comes after what.
"""

from __future__ import annotations

from functools import partial

import pytest

from ...domain.ports.clock import Alarm, Clock
from .waiting import BackgroundThread, run_concurrently

#: Longer than any test, in the seconds of the clock.
_FAR = 36_000.0


class ClockContract:
    """A clock whose alarms return at their time or when they are rung, whichever is first.

    Override the fixture :meth:`clock`. It is the thread of the test that makes the clock and waits for time to pass.
    """

    #: Seconds that a test waits for: long enough to be seen on this clock, short enough to be lived through.
    moment = 0.02

    @pytest.fixture
    def clock(self) -> Clock:
        """The clock under test, new for each test."""
        raise NotImplementedError("override the fixture `clock`")

    def test_now_never_goes_back(self, clock: Clock) -> None:
        """Intervals and deadlines stand on it."""
        readings = [clock.now() for _ in range(1000)]

        assert sorted(readings) == readings

    def test_wall_is_unix_time(self, clock: Clock) -> None:
        """Seconds, not milliseconds, and from 1970."""
        assert 1_500_000_000 < clock.wall() < 5_000_000_000

    def test_a_wait_is_never_too_short(self, clock: Clock) -> None:
        """When nobody rings, the time has come when the wait returns."""
        alarm = clock.alarm()
        for _ in range(5):
            until = clock.now() + self.moment
            alarm.wait(until)
            assert until <= clock.now()
        alarm.retire()

    @pytest.mark.parametrize("ago", [0.0, 1.0, 1e9])
    def test_an_instant_that_is_past_is_no_wait(self, clock: Clock, ago: float) -> None:
        """However long ago it was."""
        alarm = clock.alarm()
        alarm.wait(clock.now() - ago)
        alarm.retire()

    def test_a_ring_before_the_wait_is_not_lost(self, clock: Clock) -> None:
        """Otherwise what is logged between two steps of a worker would lie there."""
        alarm = clock.alarm()
        alarm.ring()
        BackgroundThread(lambda: alarm.wait(None)).join()
        alarm.retire()

    def test_the_waiting_thread_may_have_rung_itself(self, clock: Clock) -> None:
        """A worker that finds more to do rings its own alarm."""
        alarm = clock.alarm()
        until = clock.now() + _FAR
        alarm.ring()
        alarm.wait(until)
        assert clock.now() < until
        alarm.retire()

    def test_a_ring_after_a_wait_that_timed_out_is_not_lost(self, clock: Clock) -> None:
        """The end of one wait takes nothing from the next one."""
        alarm = clock.alarm()
        alarm.wait(clock.now() + self.moment)
        alarm.ring()
        BackgroundThread(lambda: alarm.wait(None)).join()
        alarm.retire()

    def test_several_rings_before_a_wait_are_one(self, clock: Clock) -> None:
        """A thousand log calls between two steps are one reason to step."""
        alarm = clock.alarm()
        for _ in range(1000):
            alarm.ring()
        alarm.wait(clock.now() + _FAR)

        until = clock.now() + self.moment
        alarm.wait(until)

        assert until <= clock.now()
        alarm.retire()

    @pytest.mark.parametrize("limited", [False, True], ids=["for ever", "for long"])
    def test_a_ring_from_another_thread_ends_the_wait(self, clock: Clock, *, limited: bool) -> None:
        """Before its time, and also where there is none."""
        alarm = clock.alarm()
        until = clock.now() + _FAR
        waiting = BackgroundThread(lambda: alarm.wait(until if limited else None))
        alarm.ring()
        waiting.join()
        assert clock.now() < until
        alarm.retire()

    def test_no_instant_is_too_far(self, clock: Clock) -> None:
        """Longer than an operating system can wait at a time: it is a long wait, and no error."""
        alarm = clock.alarm()
        for far in (1e10, 1e18, 1e300):
            waiting = BackgroundThread(partial(alarm.wait, clock.now() + far))
            alarm.ring()
            waiting.join()
        alarm.retire()

    def test_rings_from_many_threads_all_count(self, clock: Clock) -> None:
        """Whoever rings has been heard by a wait that ends afterwards."""
        alarm = clock.alarm()
        heard: list[int] = []
        said: list[int] = []

        def listen() -> None:
            while len(heard) < 800:
                alarm.wait(None)
                heard[:] = said

        def say(_: int) -> None:
            for number in range(100):
                said.append(number)
                alarm.ring()

        listening = BackgroundThread(listen)
        run_concurrently(say, threads=8)
        listening.join()
        alarm.retire()

    def test_an_alarm_does_not_end_the_wait_of_another(self, clock: Clock) -> None:
        """Each worker has its own."""
        rung = clock.alarm()
        rung.ring()
        rung.wait(None)
        waiting = clock.alarm()
        until = clock.now() + self.moment
        rung.ring()

        waiting.wait(until)

        assert until <= clock.now()
        rung.retire()
        waiting.retire()

    def test_every_thread_has_its_own_time(self, clock: Clock) -> None:
        """Threads that wait for different instants return each at its own."""
        woken: list[tuple[float, float]] = []

        def wait(alarm: Alarm, until: float) -> None:
            alarm.wait(until)
            woken.append((until, clock.now()))
            alarm.retire()

        start = clock.now()
        alarms = [clock.alarm() for _ in range(4)]
        sides = [
            BackgroundThread(partial(wait, alarm, start + number * self.moment)) for number, alarm in enumerate(alarms)
        ]
        alarm = clock.alarm()
        alarm.wait(start + 5 * self.moment)
        for side in sides:
            side.join()

        assert len(sides) == len(woken)
        assert all(until <= at for until, at in woken)
        alarm.retire()

    def test_retiring_is_harmless_at_any_time(self, clock: Clock) -> None:
        """Twice, and with a ring that comes late."""
        alarm = clock.alarm()
        alarm.retire()
        alarm.ring()
        alarm.retire()
