"""What is said of trouble, also where several workers meet it at once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from hubport.app.delivery.counters import DeliveryCounters
from hubport.app.delivery.failure_log import FailureLog
from hubport.app.log import EventLogger
from hubport.domain.client.outcome import Outcome, Verdict
from hubport.testing.contracts.waiting import HUNG_AFTER

KINDS = ("heartbeat", "metrics", "checkpoint")
SILENCE = Outcome.unreachable("no answer")
DELIVERED = Outcome(Verdict.DELIVERED, 200)


class Lines:
    """What a program's logging gets."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, event: str, **_: Any) -> None:
        self.warnings.append(event)

    def debug(self, event: str, **_: Any) -> None:
        pass


@pytest.fixture
def eager_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_threads")
def test_an_outage_that_three_workers_meet_at_once_is_one_warning_and_one_end() -> None:
    for _ in range(200):
        lines = Lines()
        failure_log = FailureLog(DeliveryCounters(), EventLogger(lines))
        for outcome in (SILENCE, DELIVERED):
            together = threading.Barrier(len(KINDS))

            def note(kind: str, outcome: Outcome = outcome, together: threading.Barrier = together) -> None:
                together.wait(HUNG_AFTER)
                failure_log.note(kind, outcome)  # noqa: B023 - the threads end within the round

            threads = [threading.Thread(target=note, args=(kind,)) for kind in KINDS]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(HUNG_AFTER)
        assert ["hub.failed", "hub.recovered"] == lines.warnings
        assert "" == failure_log.current
