"""Several processes and what dead ones have left: each record is sent by one of them, and by one alone."""

from __future__ import annotations

import json
from collections import Counter

from hubport.testing.lab import HANG_TIMEOUT, Hang, Late
from tests.integration.conftest import TrainerSandbox

TRAINERS = 4
ROUNDS = 5
#: More numbers than a trainer can say to a pipe that nobody reads: none of them gets as far as the next one's first.
APART = 100_000


def leave(site: TrainerSandbox, first: int) -> set[int]:
    """A trainer that is killed; the epochs that only its spool holds."""
    site.lab.always(Hang(), on="metrics")
    before = len(site.lab.ledger)
    child = site.start("logs_numbers", first, "alone", HUBPORT_METRICS_INTERVAL="3600", HUBPORT_REQUEST_TIMEOUT="3600")
    assert "ready" == child.line()
    for _ in range(40):
        child.line()
    # Its one request hangs for good: else it could be read when all is well again, and be a first delivery.
    site.lab.ledger.wait_for_hanging("metrics", since=before)
    child.kill()
    site.lab.heal()
    return set(range(first // 4, first // 4 + 10))


def times_sent(site: TrainerSandbox) -> Counter[int]:
    """How often each epoch came over the wire."""
    return Counter(int(epoch) for entry in site.hub.received("metrics") for epoch in entry.json["metrics"])


def test_of_trainers_that_start_together_one_sends_what_a_dead_one_has_left(site: TrainerSandbox) -> None:
    left: set[int] = set()
    for round_ in range(ROUNDS):
        for dead in range(3):
            left |= leave(site, APART * (3 * round_ + dead))
        site.lab.always(Late(), on="model")
        trainers = [site.start("trains_epochs", 0) for _ in range(TRAINERS)]
        site.lab.ledger.wait_for(lambda: len(site.lab.ledger.hanging("model")) == TRAINERS)
        site.lab.heal()  # now they all look into the same folder
        reports = [json.loads("\n".join(trainer.rest())) for trainer in trainers]
        assert [0] * TRAINERS == [trainer.end() for trainer in trainers]
        assert all(report["is_complete"] for report in reports)
        assert [] == site.spools()

    assert left <= set(site.hub.metrics(site.model_id))
    sent = times_sent(site)
    assert {1} == {sent[epoch] for epoch in left}


def test_a_living_trainers_records_are_its_own(site: TrainerSandbox) -> None:
    (site.folder / "last.pt").write_bytes(b"weights")
    child = site.start(
        "trains", site.folder, "end", HUBPORT_METRICS_INTERVAL="3600", HUBPORT_CHECKPOINT_INTERVAL="3600"
    )
    assert "delivered" == child.line()
    child.say("log")
    assert "ready" == child.line()
    with site.connect(exit_timeout=HANG_TIMEOUT) as second:
        second.log_metrics(9, {"loss": 1.0})
    assert [0, 9] == list(site.hub.metrics(site.model_id))
    assert 1 == len(site.spools())
    child.kill()  # and now they are nobody's
    site.recover()
    assert [0, 1, 2, 9] == list(site.hub.metrics(site.model_id))


def test_each_of_two_trainers_has_an_agent_of_its_own_and_hears_of_the_other(site: TrainerSandbox) -> None:
    """On one machine, with one outbox. Who was there first is told by its next heartbeat, and the other after that."""
    (site.folder / "last.pt").write_bytes(b"weights")
    child = site.start("trains", site.folder, "end", HUBPORT_HEARTBEAT_INTERVAL="0.2", HUBPORT_JITTER="0")
    assert "delivered" == child.line()
    with site.connect(heartbeat_interval=0.2):
        site.lab.ledger.wait_for(lambda: 2 == len(living(site)))
        before = len(site.hub.received("heartbeat"))
        site.lab.ledger.wait_for(lambda: len(site.hub.received("heartbeat")) >= before + 10)
    # What this process has closed is not alive, and the other one is.
    assert 1 == len(living(site))
    child.say("log")
    assert "ready" == child.line()
    child.say("end")
    assert 0 == child.end()
    assert set() == living(site)
    assert 2 == len(site.hub.model(site.model_id).agents.known)
    assert 1 == child.stderr.count("model.another_trainer")


def living(site: TrainerSandbox) -> set[str]:
    """The agents of the model that are alive by now."""
    agents = site.hub.model(site.model_id).agents
    return {agent.id for agent in agents.living(site.hub.wall())}
