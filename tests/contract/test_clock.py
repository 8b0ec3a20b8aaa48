"""Every clock, under one contract."""

import pytest

from hubport.adapters.system_clock import SystemClock
from hubport.domain.ports.clock import Clock
from hubport.testing import FakeClock
from hubport.testing.contracts import ClockContract


class TestSystemClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return SystemClock()


class TestFakeClock(ClockContract):
    moment = 86_400.0

    @pytest.fixture
    def clock(self) -> Clock:
        return FakeClock()


class TestFakeClockThatStartsLate(ClockContract):
    """Nothing depends on a clock that began at zero."""

    moment = 1e-3

    @pytest.fixture
    def clock(self) -> Clock:
        return FakeClock(start=123_456.789)
