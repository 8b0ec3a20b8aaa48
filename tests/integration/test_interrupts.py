"""A KeyboardInterrupt anywhere in a call, in a trainer that survives it: a cell of a notebook that is stopped.

What was acknowledged arrives all the same, and the counts stay counts.
"""

from __future__ import annotations

import json

import pytest

from tests.integration.conftest import TrainerSandbox

TIMES = 600


@pytest.mark.parametrize(
    "calls",
    [("metrics",), ("checkpoint",), ("flush",), ("metrics", "checkpoint", "flush")],
    ids=" ".join,
)
def test_an_interrupt_anywhere_in_a_call_loses_nothing_and_no_count_is_negative(
    site: TrainerSandbox, calls: tuple[str, ...]
) -> None:
    child = site.start(
        "interrupted_anywhere",
        site.folder,
        TIMES,
        *calls,
        HUBPORT_METRICS_INTERVAL="0.001",
        HUBPORT_CHECKPOINT_INTERVAL="0.001",
    )
    *told, last = child.rest()
    assert 0 == child.end(), child.stderr
    end = json.loads(last)

    assert all(end["interrupted"][name] > TIMES // 10 for name in calls), end["interrupted"]
    safe = {int(line.split()[1]) for line in told if line.startswith("metrics")}
    assert set() == safe - set(site.hub.metrics(site.model_id))
    assert not end["is_negative"]
    assert end["report"]["is_complete"], end["report"]
    assert end["report"]["metrics"]["logged"] == end["report"]["metrics"]["delivered"]
    assert [] == site.spools()


def test_ctrl_c_again_and_again_in_a_trainer_that_survives_it(site: TrainerSandbox) -> None:
    """By real signals, which are held back, passed on, and watched for again."""
    times = 40
    child = site.start("survives_ctrl_c", times, HUBPORT_METRICS_INTERVAL="0.001", HUBPORT_SIGNAL_TIMEOUT="0.01")
    told: list[int] = []
    for _ in range(times):
        assert "go" == child.line()
        told.append(int(child.line()))
        child.interrupt()
        while (line := child.line()) != "interrupted":
            told.append(int(line))
    while (line := child.line()) == "sending":
        pass
    report = json.loads(line)
    assert 0 == child.end(), child.stderr

    assert set() == set(told) - set(site.hub.metrics(site.model_id))
    assert report["is_complete"], report
    assert [] == site.spools()
