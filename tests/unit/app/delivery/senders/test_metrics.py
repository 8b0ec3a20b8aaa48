"""What the sender of metrics reads of the journals, and how often."""

from __future__ import annotations

import math

import pytest

from hubport.app.delivery.counters import DeliveryCounters
from hubport.app.delivery.senders.hub_endpoint import HubEndpoint
from hubport.app.delivery.senders.metrics import MetricsSender
from hubport.app.log import logger
from hubport.app.outbox.backlog_reader import BacklogReader
from hubport.domain.client import journal
from hubport.domain.client.credentials import Credentials
from hubport.domain.client.protocol import HubProtocol
from hubport.domain.metrics import EpochValues
from hubport.testing import FakeClock, FakeHub, FakeOutbox
from hubport.testing.fakes.outbox import FakeSpool


class CountedSpool(FakeSpool):
    """Counts how often it is read."""

    reads = 0

    def read(self, start: int, size: int) -> bytes:
        self.reads += 1
        return super().read(start, size)


class Errands:
    """*runs* dead runs with an epoch each, and a living one without any."""

    def __init__(self, runs: int) -> None:
        self.clock = FakeClock()
        self.hub = FakeHub(clock=self.clock, seed=1, merges_metrics=False)
        self.model_id = self.hub.create_model(epochs=3).id
        self.spools = [CountedSpool(FakeOutbox(), self.model_id, f"{run}", f"/{run}") for run in range(runs + 1)]
        for run, spool in enumerate(self.spools):
            spool.append(journal.run_line({"model": self.model_id}))
            if run < runs:
                spool.append(journal.metrics_line(run % 10, {f"run{run}": 1.0}))
        self.counters = DeliveryCounters()
        route = HubEndpoint(
            self.model_id,
            HubProtocol(Credentials(self.hub.api_key)),
            self.hub,
            self.clock,
            logger(),
            self.counters,
            lambda: math.inf,
        )
        self.sender = MetricsSender(route, [BacklogReader(spool) for spool in self.spools], timeout=30.0)

    def run(self) -> int:
        """Send until nothing is left; how many calls that took."""
        calls = 0
        while self.sender.run() is not None:
            calls += 1
        return calls

    def held(self) -> dict[int, EpochValues]:
        return self.hub.metrics(self.model_id)


@pytest.mark.parametrize("runs", [0, 1, 100])
def test_the_work_grows_with_the_number_of_dead_runs_and_not_with_its_square(runs: int) -> None:
    senders = Errands(runs)
    for spool in senders.spools:
        spool.reads = 0
    assert runs == senders.run()
    assert sum(spool.reads for spool in senders.spools) <= 5 * (runs + 1)
    # Each call has taken along what the runs before had delivered of its epoch.
    assert {
        epoch: {f"run{run}": 1.0 for run in range(epoch, runs, 10)} for epoch in range(min(runs, 10))
    } == senders.held()


def test_what_the_living_run_logs_later_is_sent_too() -> None:
    senders = Errands(2)
    senders.run()
    for epoch in (0, 7):
        senders.spools[-1].append(journal.metrics_line(epoch, {"late": 2.0}))
        assert 1 == senders.run()
    assert {0: {"run0": 1.0, "late": 2.0}, 1: {"run1": 1.0}, 7: {"late": 2.0}} == senders.held()


def test_a_refused_epoch_of_a_dead_run_holds_up_nobody_behind_it() -> None:
    senders = Errands(3)
    senders.hub.refuse(422, on="metrics", calls=1)
    assert 3 == senders.run()
    assert [1, 2] == sorted(senders.held())
    assert not senders.sender.has_more


def test_an_outage_forgets_nothing() -> None:
    senders = Errands(3)
    senders.hub.refuse(503, on="metrics", calls=2)
    assert [503, 503, 200] == [outcome.status for _ in range(3) if (outcome := senders.sender.run()) is not None]
    assert 2 == senders.run()
    assert [0, 1, 2] == sorted(senders.held())
