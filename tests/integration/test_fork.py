"""A trainer that forks: the child is no trainer. It never sends, never waits, and takes nothing from its parent."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import pytest

from hubport.testing.lab import Child, Hang
from tests.integration.conftest import TrainerSandbox

#: While each lock in turn is held, and while threads keep all of them busy.
FORKS = 460, int(os.environ.get("HUBPORT_FORKS", "40"))
HOUR = "3600"


def only_word(child: Child) -> dict[str, Any]:
    word = "\n".join(child.rest())
    assert 0 == child.end(), child.stderr
    result: dict[str, Any] = json.loads(word)
    return result


@pytest.mark.slow
def test_500_children_that_call_everything_neither_hang_nor_send(site: TrainerSandbox) -> None:
    child = site.start(
        "forks",
        site.folder,
        *FORKS,
        HUBPORT_METRICS_INTERVAL="0",
        HUBPORT_CHECKPOINT_INTERVAL="0",
        HUBPORT_HEARTBEAT_INTERVAL="0.1",
        HUBPORT_SIGNAL_TIMEOUT=HOUR,
    )
    held = set()
    for _ in range(sum(FORKS)):
        status, _, what = child.line().partition(" ")
        assert "0" == status, f"{what}: {child.stderr}"
        held.add(what)
    report = only_word(child)
    assert len(held) > 8  # the load, and so many locks
    assert "waiting" not in child.stderr  # a copy has nothing to say
    assert report["is_complete"], report
    assert report["metrics"]["logged"] == report["metrics"]["delivered"]
    assert set(range(20)) == set(site.hub.metrics(site.model_id))
    assert {1} == {checkpoint.epoch for checkpoint in site.hub.checkpoints(site.model_id)}
    assert [] == site.spools()


def test_heartbeats_are_not_doubled(site: TrainerSandbox) -> None:
    child = site.start("forks_once", "wait")
    child.line()
    site.lab.ledger.wait_for(lambda: site.hub.received("heartbeat"))
    assert 1 == len(site.hub.received("heartbeat"))
    assert 1 == len(site.hub.received("auth"))
    child.kill()


@pytest.mark.parametrize(
    ("how", "number"),
    [("wait", signal.SIGTERM), ("wait", signal.SIGINT), ("thread", signal.SIGTERM), ("closing", signal.SIGTERM)],
)
def test_a_signal_to_the_child_ends_it_at_once(site: TrainerSandbox, how: str, number: int) -> None:
    child = site.start(
        "forks_once",
        how,
        HUBPORT_SIGNAL_TIMEOUT=HOUR,
        HUBPORT_METRICS_INTERVAL=HOUR,
        HUBPORT_EXIT_TIMEOUT=HOUR if how == "closing" else "0",
    )
    if how == "closing":
        assert "closing" == child.line()
        site.lab.always(Hang())
        child.say("close")
    pid = int(child.line().removeprefix("child "))
    site.lab.always(Hang())
    os.kill(pid, number)
    child.say("and now")
    assert f"ended {-number}" == child.line()


@pytest.mark.parametrize("how", ["wait", "exec"])
def test_an_orphan_does_not_keep_what_its_dead_parent_has_left(site: TrainerSandbox, how: str) -> None:
    child = site.start("forks_once", how, HUBPORT_METRICS_INTERVAL=HOUR)
    pid = int(child.line().removeprefix("child "))
    child.signal(signal.SIGKILL)
    child.end()
    os.kill(pid, 0)  # it lives
    assert [0] == list(site.hub.metrics(site.model_id))
    site.recover()
    assert [0, 1] == list(site.hub.metrics(site.model_id))


def test_a_child_that_leaves_by_its_end_takes_nothing_with_it(site: TrainerSandbox) -> None:
    child = site.start("forks_once", "return", HUBPORT_METRICS_INTERVAL=HOUR, HUBPORT_EXIT_TIMEOUT="60")
    assert "ended 0" == child.line()
    assert 0 == child.end()
    assert [0, 1] == list(site.hub.metrics(site.model_id))
    assert 2 == len(site.hub.received("metrics"))
    assert [] == site.spools()
    if sys.version_info < (3, 12):  # from then on a fork beside threads is a warning
        assert "" == child.stderr


def test_a_drop_in_that_was_over_at_the_fork_starts_nothing_in_the_child(site: TrainerSandbox) -> None:
    child = site.start("forks_once", "drop-in", HUBPORT_FINISH_TIMEOUT="1", HUBPORT_METRICS_INTERVAL=HOUR)
    child.say("wait")
    assert "ended 1" == child.line()  # one thread
    assert [0] == list(site.hub.metrics(site.model_id))
    assert [] == site.hub.received("upload")


def test_processes_of_multiprocessing(site: TrainerSandbox) -> None:
    result = only_word(site.start("multiprocesses", fresh=True, HUBPORT_SIGNAL_TIMEOUT=HOUR))
    squares = [0, 1, 4, 9]
    assert {"fork": squares, "forkserver": squares, "spawn": squares} == result["loaded"]
    assert {epoch: {"exit": 0} for epoch in range(3)} == site.hub.metrics(site.model_id)
    assert 1 == len(site.hub.received("auth"))
    # The beginning and the end of the parent: no child says either.
    assert [None, "closed"] == [entry.json.get("state") for entry in site.hub.received("heartbeat")]
    assert [] == site.spools()
