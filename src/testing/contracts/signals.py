"""The contract of :class:`~hubport.domain.ports.signals.Signals`.

The one rule: every signal is met once, by the newest watcher, by the earlier one, or by the process itself.
"""

from __future__ import annotations

import queue
import signal

import pytest

from ...domain.ports.signals import Signals, SignalWatch
from .waiting import HUNG_AFTER, BackgroundThread, eventually


class Witness:
    """Somebody who watches, and writes down the signals that come; see :meth:`next`."""

    def __init__(self, signals: Signals) -> None:
        self._met: queue.SimpleQueue[int] = queue.SimpleQueue()
        watch = signals.watch(self._met.put)
        assert watch is not None, "this test runs where handlers can be set"
        self.watch: SignalWatch = watch

    def next(self) -> int:
        """The next signal, waited for when there is none yet: watchers are called in a thread of their own."""
        return self._met.get(timeout=HUNG_AFTER)

    @property
    def is_idle(self) -> bool:
        """Whether nothing came that was not asked for."""
        return self._met.empty()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
class SignalsContract:
    """Watchers that get a moment before the process ends as it would have ended without them.

    Override the fixtures :meth:`signals` and :meth:`reached`, :meth:`raise_signal` and :meth:`raise_before`. For an
    adapter of real signals, let :meth:`reached` set handlers that write down what meets them, before any watcher, and
    put the old ones back.
    """

    @pytest.fixture
    def signals(self) -> Signals:
        """The adapter under test, in a thread where handlers can be set."""
        raise NotImplementedError("override the fixture `signals`")

    @pytest.fixture
    def reached(self, signals: Signals) -> list[int]:
        """A list that grows by each signal that reaches the process itself, behind every watcher."""
        raise NotImplementedError("override the fixture `reached`")

    def raise_signal(self, signals: Signals, number: int) -> None:
        """What the operating system does, or somebody with ``kill``."""
        raise NotImplementedError("override `raise_signal`")

    def raise_before(self, signals: Signals, number: int) -> None:
        """The same, where somebody has set a handler after the watchers, which calls theirs and goes on."""
        raise NotImplementedError("override `raise_before`")

    def test_a_watcher_meets_the_signal_before_the_process(
        self, signals: Signals, reached: list[int], number: int
    ) -> None:
        """It is told which one, and has its moment."""
        witness = Witness(signals)

        self.raise_signal(signals, number)

        assert number == witness.next()
        assert reached == []
        witness.watch.stop()

    def test_what_is_passed_on_reaches_the_process(self, signals: Signals, reached: list[int], number: int) -> None:
        """Once, and not the watcher again."""
        witness = Witness(signals)
        self.raise_signal(signals, number)

        witness.watch.pass_on(witness.next())

        eventually(lambda: reached == [number])
        assert witness.is_idle
        witness.watch.stop()

    def test_a_signal_may_be_passed_on_from_any_thread(self, signals: Signals, reached: list[int], number: int) -> None:
        """The watcher was called in one."""
        witness = Witness(signals)
        self.raise_signal(signals, number)
        met = witness.next()

        BackgroundThread(lambda: witness.watch.pass_on(met)).join()

        eventually(lambda: reached == [number])
        witness.watch.stop()

    def test_a_signal_is_held_from_when_it_came_until_it_is_passed_on(
        self, signals: Signals, reached: list[int], number: int
    ) -> None:
        """So that a process that is about to end can wait for it; letting go of the signals does not let go of it."""
        witness = Witness(signals)
        assert not witness.watch.is_holding
        self.raise_signal(signals, number)
        eventually(lambda: witness.watch.is_holding)
        witness.next()
        witness.watch.stop()
        eventually(lambda: witness.watch.is_holding)

        witness.watch.pass_on(number)

        eventually(lambda: not witness.watch.is_holding)
        eventually(lambda: reached == [number])

    def test_each_watcher_holds_what_it_has_met(self, signals: Signals, reached: list[int], number: int) -> None:
        """One after the other."""
        early, late = Witness(signals), Witness(signals)
        self.raise_signal(signals, number)
        met = late.next()
        assert (early.watch.is_holding, late.watch.is_holding) == (False, True)

        late.watch.pass_on(met)
        early.next()
        assert (early.watch.is_holding, late.watch.is_holding) == (True, False)

        early.watch.pass_on(number)
        assert (early.watch.is_holding, late.watch.is_holding) == (False, False)

    def test_a_second_signal_goes_past_the_watcher(self, signals: Signals, reached: list[int], number: int) -> None:
        """An impatient Ctrl-C ends the process at once, whatever the watcher is still doing."""
        witness = Witness(signals)
        self.raise_signal(signals, number)
        witness.next()

        self.raise_signal(signals, signal.SIGINT)

        eventually(lambda: reached == [signal.SIGINT])
        assert witness.is_idle
        witness.watch.stop()

    def test_after_stop_nothing_is_met_any_more(self, signals: Signals, reached: list[int], number: int) -> None:
        """The process has its signals back."""
        witness = Witness(signals)
        witness.watch.stop()

        self.raise_signal(signals, number)

        eventually(lambda: reached == [number])
        assert witness.is_idle

    def test_stopping_twice_is_harmless(self, signals: Signals, reached: list[int], number: int) -> None:
        """Also after a signal, which stops by itself."""
        witness = Witness(signals)
        self.raise_signal(signals, number)
        witness.next()
        for _ in range(3):
            witness.watch.stop()

        self.raise_signal(signals, number)

        eventually(lambda: reached == [number])

    def test_stopping_in_another_thread_is_as_good(self, signals: Signals, reached: list[int], number: int) -> None:
        """A session is closed where its owner likes."""
        witness = Witness(signals)
        BackgroundThread(witness.watch.stop).join()

        self.raise_signal(signals, number)

        eventually(lambda: reached == [number])
        assert witness.is_idle

    def test_stopping_twice_leaves_a_later_watcher_alone(
        self, signals: Signals, reached: list[int], number: int
    ) -> None:
        """The second stop finds somebody else in front."""
        early = Witness(signals)
        early.watch.stop()
        late = Witness(signals)
        early.watch.stop()

        self.raise_signal(signals, number)

        assert number == late.next()
        assert reached == []
        late.watch.stop()

    def test_two_watchers_meet_it_one_after_the_other(self, signals: Signals, reached: list[int], number: int) -> None:
        """The newest first; what it passes on meets the earlier one, and then the process."""
        early, late = Witness(signals), Witness(signals)
        self.raise_signal(signals, number)

        assert number == late.next()
        assert early.is_idle
        late.watch.pass_on(number)
        assert number == early.next()
        assert reached == []
        early.watch.pass_on(number)

        eventually(lambda: reached == [number])
        assert early.is_idle
        assert late.is_idle

    @pytest.mark.parametrize("aside", [False, True], ids=["same thread", "another thread"])
    def test_an_earlier_watcher_may_stop_first(
        self, signals: Signals, reached: list[int], number: int, *, aside: bool
    ) -> None:
        """What the later one passes on then reaches the process, and never the one that let go."""
        early, late = Witness(signals), Witness(signals)
        if aside:
            BackgroundThread(early.watch.stop).join()
        else:
            early.watch.stop()
        self.raise_signal(signals, number)

        late.watch.pass_on(late.next())

        eventually(lambda: reached == [number])
        assert early.is_idle
        late.watch.stop()

    def test_one_may_watch_again(self, signals: Signals, reached: list[int], number: int) -> None:
        """The next session in the same process."""
        for _ in range(3):
            witness = Witness(signals)
            reached.clear()
            self.raise_signal(signals, number)
            witness.watch.pass_on(witness.next())
            eventually(lambda: reached == [number])
            witness.watch.stop()

    def test_a_handler_in_front_of_ours_goes_on(self, signals: Signals, reached: list[int], number: int) -> None:
        """The watcher has its moment each time; the earlier handler is called at once, and nothing is sent again."""
        witness = Witness(signals)
        for count in (1, 2):
            self.raise_before(signals, number)
            assert number == witness.next()
            assert (True, True) == (witness.watch.is_holding, witness.watch.is_watching)
            assert [number] * count == reached

            witness.watch.pass_on(number)

            assert (False, True) == (witness.watch.is_holding, witness.watch.is_watching)
            assert [number] * count == reached
        self.raise_signal(signals, number)
        witness.watch.pass_on(witness.next())
        eventually(lambda: reached == [number] * 3)
        eventually(lambda: not witness.watch.is_watching)
        witness.watch.stop()

    def test_a_handler_in_front_of_two_calls_both(self, signals: Signals, reached: list[int], number: int) -> None:
        """And the earlier one once."""
        early, late = Witness(signals), Witness(signals)
        self.raise_before(signals, number)
        for witness in (early, late):
            assert number == witness.next()
            witness.watch.pass_on(number)
        assert [number] == reached
        late.watch.stop()
        early.watch.stop()

    def test_a_handler_in_front_of_one_that_has_stopped_calls_the_earlier(
        self, signals: Signals, reached: list[int], number: int
    ) -> None:
        """It had kept what it had found."""
        witness = Witness(signals)
        BackgroundThread(witness.watch.stop).join()
        assert not witness.watch.is_watching
        self.raise_before(signals, number)
        assert [number] == reached
        assert witness.is_idle
