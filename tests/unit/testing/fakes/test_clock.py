"""Virtual time: what a test's own thread sees of it, and what it says when threads do not come to rest."""

from __future__ import annotations

import threading

import pytest

from hubport.testing import FakeClock
from hubport.testing.contracts.waiting import HUNG_AFTER, BackgroundThread
from hubport.testing.fakes import clock as module


class Ticker:
    """A thread that waits again and again, and writes down when it was woken."""

    def __init__(self, clock: FakeClock, every: float, log: list[tuple[str, float]], name: str = "tick") -> None:
        self._clock = clock
        self._every = every
        self._log = log
        self._name = name
        self._alarm = clock.alarm()
        self._is_over = False
        self._side = BackgroundThread(self._run)

    def _run(self) -> None:
        while not self._is_over:
            until = self._clock.now() + self._every
            self._alarm.wait(until)
            self._log.append((self._name, self._clock.now()))
        self._alarm.retire()

    def end(self) -> None:
        self._is_over = True
        self._alarm.ring()
        self._side.join()


def test_it_starts_where_it_is_told_to() -> None:
    clock = FakeClock(start=100.0, wall=1_000_000.0)

    assert (clock.now(), clock.wall()) == (100.0, 1_000_000.0)
    clock.advance(50)
    assert (clock.now(), clock.wall()) == (150.0, 1_000_050.0)


def test_it_stands_still_unless_it_is_moved() -> None:
    clock = FakeClock()

    assert {clock.now() for _ in range(1000)} == {0.0}


def test_the_date_may_jump_and_intervals_do_not_care() -> None:
    clock = FakeClock(wall=1000.0)
    log: list[tuple[str, float]] = []
    ticker = Ticker(clock, 10, log)

    clock.shift_wall(-500)
    clock.advance(20)

    assert (clock.now(), clock.wall()) == (20.0, 520.0)
    assert log == [("tick", 10.0), ("tick", 20.0)]
    ticker.end()


def test_it_stops_at_each_instant_that_somebody_waits_for() -> None:
    clock = FakeClock()
    log: list[tuple[str, float]] = []
    ticker = Ticker(clock, 300, log)

    clock.advance(86_400)

    assert [("tick", 300.0 * number) for number in range(1, 289)] == log
    assert clock.now() == 86_400
    ticker.end()


def test_threads_wake_in_the_order_of_their_times() -> None:
    clock = FakeClock()
    log: list[tuple[str, float]] = []
    tickers = [Ticker(clock, 3, log, "three"), Ticker(clock, 2, log, "two"), Ticker(clock, 7, log, "seven")]

    clock.advance(12)

    assert [at for _, at in log] == sorted(at for _, at in log)
    assert [at for name, at in log if name == "two"] == [2, 4, 6, 8, 10, 12]
    assert [at for name, at in log if name == "three"] == [3, 6, 9, 12]
    assert [at for name, at in log if name == "seven"] == [7]
    for ticker in tickers:
        ticker.end()


def test_whoever_is_woken_by_a_ring_sees_the_time_of_the_ring() -> None:
    """Not that of the end of the advance: time waits until a ring has had its effects."""
    clock = FakeClock()
    seen: list[float] = []
    sleeping, ringing = clock.alarm(), clock.alarm()

    def sleep() -> None:
        sleeping.wait(None)
        seen.append(clock.now())
        sleeping.retire()

    def ring() -> None:
        ringing.wait(5)
        sleeping.ring()
        ringing.retire()

    sides = [BackgroundThread(sleep), BackgroundThread(ring)]
    clock.advance(1000)
    for side in sides:
        side.join()

    assert seen == [5]


def test_an_advance_returns_when_everybody_has_acted() -> None:
    """Also on the instant at which it ends, and on what that brings about."""
    clock = FakeClock()
    log: list[tuple[str, float]] = []
    first, second = clock.alarm(), clock.alarm()

    def lead() -> None:
        first.wait(10)
        second.ring()
        first.retire()

    def follow() -> None:
        second.wait(None)
        log.append(("followed", clock.now()))
        second.retire()

    sides = [BackgroundThread(lead), BackgroundThread(follow)]
    clock.advance(10)

    assert log == [("followed", 10.0)]
    for side in sides:
        side.join()


def test_an_advance_by_nothing_lets_everybody_act_and_moves_nothing() -> None:
    clock = FakeClock()
    log: list[str] = []
    alarm = clock.alarm()

    def act() -> None:
        alarm.wait(None)
        log.append("acted")
        alarm.retire()

    side = BackgroundThread(act)
    alarm.ring()
    clock.advance(0)

    assert (clock.now(), log) == (0.0, ["acted"])
    side.join()


def test_the_threads_of_two_clocks_do_not_know_each_other() -> None:
    first, second = FakeClock(), FakeClock()
    log: list[tuple[str, float]] = []
    ticker = Ticker(first, 1, log)

    second.advance(100)
    first.advance(1)

    assert log == [("tick", 1.0)]
    ticker.end()


def test_a_wait_of_the_tests_own_moves_the_time() -> None:
    """What `session.finish()` does."""
    clock = FakeClock()
    log: list[tuple[str, float]] = []
    ticker = Ticker(clock, 10, log)
    alarm = clock.alarm()

    alarm.wait(35)

    assert clock.now() == 35
    assert [at for _, at in log] == [10, 20, 30]
    alarm.retire()
    ticker.end()


def test_a_wait_of_the_tests_own_ends_when_another_thread_rings() -> None:
    clock = FakeClock()
    ours, theirs = clock.alarm(), clock.alarm()

    def ring() -> None:
        theirs.wait(20)
        ours.ring()
        theirs.retire()

    side = BackgroundThread(ring)
    ours.wait(1000)

    assert clock.now() == 20
    ours.retire()
    side.join()


class TestHangs:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "HUNG_AFTER", 0.05)

    def test_an_alarm_to_which_nobody_comes_is_told(self) -> None:
        clock = FakeClock()
        alarm = clock.alarm()

        with pytest.raises(AssertionError, match="neither waits on an alarm of this clock nor retired its alarm"):
            clock.advance(1)

        alarm.retire()
        clock.advance(1)
        assert clock.now() == 1

    def test_a_thread_that_does_something_else_is_told(self) -> None:
        clock = FakeClock()
        alarm = clock.alarm()
        elsewhere, back = threading.Event(), threading.Event()

        def wander() -> None:
            alarm.wait(1)
            elsewhere.set()
            back.wait(HUNG_AFTER)
            alarm.retire()

        side = BackgroundThread(wander)
        with pytest.raises(AssertionError, match=r"neither waits on an alarm[^$]*back\.wait\(HUNG_AFTER\)"):
            clock.advance(5)  # with the line that it is at

        assert elsewhere.is_set()
        assert clock.now() == 1
        back.set()
        side.join()
        clock.advance(4)
        assert clock.now() == 5

    def test_a_wait_that_nobody_could_end_is_told(self) -> None:
        clock = FakeClock()
        alarm = clock.alarm()

        with pytest.raises(AssertionError, match="every thread waits for a ring, and nobody is left to ring"):
            alarm.wait(None)

        assert clock.now() == 0

    def test_others_that_wait_for_a_ring_are_no_help(self) -> None:
        clock = FakeClock()
        ours, theirs = clock.alarm(), clock.alarm()
        side = BackgroundThread(lambda: theirs.wait(None))

        with pytest.raises(AssertionError, match="nobody is left to ring"):
            ours.wait(None)

        theirs.ring()
        side.join()

    def test_a_clock_goes_on_after_it_has_complained(self) -> None:
        clock = FakeClock()
        alarm = clock.alarm()
        with pytest.raises(AssertionError):
            alarm.wait(None)

        clock.advance(10)
        alarm.ring()
        alarm.wait(None)

        assert clock.now() == 10


def test_a_thread_may_wait_at_one_of_several_alarms() -> None:
    """A worker whose first step is a slow request: once its own alarm is its own, it may wait inside the fake HUB."""
    clock = FakeClock()
    log: list[float] = []
    own = clock.alarm()

    def work() -> None:
        own.wait(clock.now())  # from here on the clock knows whose it is
        request = clock.alarm()
        request.wait(5)
        request.retire()
        log.append(clock.now())
        own.wait(20)
        log.append(clock.now())
        own.retire()

    side = BackgroundThread(work)
    clock.advance(100)
    side.join()

    assert log == [5, 20]
