"""Signals, real ones and fake ones, under one contract."""

import os
import signal
from collections.abc import Iterator

import pytest

from hubport.adapters.os_signals import OsSignals
from hubport.domain.ports.signals import Signals
from hubport.testing import FakeSignals
from hubport.testing.contracts import SignalsContract


class TestOsSignals(SignalsContract):
    @pytest.fixture
    def signals(self) -> Signals:
        return OsSignals()

    @pytest.fixture
    def reached(self, signals: Signals) -> Iterator[list[int]]:
        met: list[int] = []
        watched = (signal.SIGTERM, signal.SIGINT)
        earlier = [signal.signal(number, lambda number, _: met.append(number)) for number in watched]
        yield met
        for number, handler in zip(watched, earlier, strict=True):
            signal.signal(number, handler)

    def raise_signal(self, signals: Signals, number: int) -> None:
        os.kill(os.getpid(), number)

    def raise_before(self, signals: Signals, number: int) -> None:
        ours = signal.getsignal(number)
        assert callable(ours)
        signal.signal(number, lambda *arguments: ours(*arguments))  # noqa: PLW0108 - it must not be ours itself
        signal.raise_signal(number)
        signal.signal(number, ours)


class TestFakeSignals(SignalsContract):
    @pytest.fixture
    def signals(self) -> Signals:
        return FakeSignals()

    @pytest.fixture
    def reached(self, signals: Signals) -> list[int]:
        assert isinstance(signals, FakeSignals)
        return signals.passed_on

    def raise_signal(self, signals: Signals, number: int) -> None:
        assert isinstance(signals, FakeSignals)
        signals.raise_signal(number)

    def raise_before(self, signals: Signals, number: int) -> None:
        assert isinstance(signals, FakeSignals)
        signals.raise_before(number)
