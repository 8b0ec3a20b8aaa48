"""Sessions that nobody holds any more, with real threads."""

from __future__ import annotations

from tests.integration.conftest import TrainerSandbox

HOUR = "3600"


def test_at_the_exit_what_it_has_to_send_is_waited_for(site: TrainerSandbox) -> None:
    child = site.start("lets_go", "exit", HUBPORT_METRICS_INTERVAL=HOUR, HUBPORT_EXIT_TIMEOUT="60")
    assert 0 == child.end(), child.stderr
    assert {0: {"loss": 1.0}} == site.hub.metrics(site.model_id)
    assert [] == site.spools()


def test_a_cell_that_is_run_five_times_has_three_threads_and_one_heart(site: TrainerSandbox) -> None:
    child = site.start("lets_go", "cells", HUBPORT_HEARTBEAT_INTERVAL="0.1", HUBPORT_EXIT_TIMEOUT="60")
    assert "3" == child.line()
    site.lab.ledger.wait_for(lambda: "trained" == site.hub.model(site.model_id).status)
    child.say("end")
    assert 0 == child.end(), child.stderr
    assert 4 == child.stderr.count("session.replaced"), child.stderr
    assert {0, 1, 2, 3, 4} == set(site.hub.metrics(site.model_id))
    assert "upload" in [entry.kind for entry in site.lab.ledger][-2:]  # one heartbeat may be under way
