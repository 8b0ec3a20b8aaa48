"""However a trainer ends, it ends: in time, with its own status, without a word too many; and nothing is lost."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

import pytest

from tests.integration.conftest import Site
from tests.integration.process import Child

HOUR = "3600"
#: What may stand at the beginning of a line: hubport's own events.
OF_OURS = ("hub.failed ", "session.closed ")


def of_our_code(lines: list[str]) -> list[str]:
    """Lines of a traceback that lead through hubport. (The checkout's own folder may have that name too.)"""
    return [line for line in lines if re.search(r"/(app|adapters|domain)/\w+\.py", line)]


def training(site: Site, how: str, *, strict: bool = False, **environment: str) -> Child:
    """A trainer whose last two epochs and checkpoint are paced beyond its end."""
    (site.folder / "last.pt").write_bytes(b"weights" * 1000)
    paced = {"HUBPORT_METRICS_EVERY": HOUR, "HUBPORT_CHECKPOINT_EVERY": HOUR, "HUBPORT_EXIT_WITHIN": "60"}
    child = site.start("trains", site.folder, how, strict=strict, **paced | environment)
    assert "delivered" == child.line()
    child.say("log")
    assert "ready" == child.line()
    assert has_nothing_new(site)
    return child


def end_of(child: Child) -> int:
    child.say("end")
    return child.end()


def has_all(site: Site) -> bool:
    checkpoints = {checkpoint.epoch for checkpoint in site.hub.checkpoints(site.model_id)}
    return {0, 1, 2} == set(site.hub.metrics(site.model_id)) and {0, 2} == checkpoints


def has_nothing_new(site: Site) -> bool:
    checkpoints = {checkpoint.epoch for checkpoint in site.hub.checkpoints(site.model_id)}
    return {0} == set(site.hub.metrics(site.model_id)) and {0} == checkpoints


@pytest.mark.parametrize(
    ("how", "status", "last_words"),
    [
        ("end", 0, ""),
        ("close", 0, ""),
        ("exit", 5, ""),
        ("exit in a thread", 0, ""),
        ("raise", 1, "RuntimeError: the trainer's own"),
        ("raise in with", 1, "RuntimeError: the trainer's own"),
    ],
)
def test_an_end_that_python_sees_delivers(site: Site, how: str, status: int, last_words: str) -> None:
    child = training(site, how, strict=True)
    assert status == end_of(child)
    assert has_all(site)
    assert [] == site.spools()
    assert last_words == child.stderr.rstrip().rpartition("\n")[2]
    assert status == 1 or child.stderr == ""
    assert [] == of_our_code(child.stderr.splitlines())


@pytest.mark.parametrize(("how", "status"), [("_exit", 3), ("abort", -signal.SIGABRT)])
def test_after_an_end_that_python_does_not_see_the_next_start_delivers(site: Site, how: str, status: int) -> None:
    child = training(site, how)
    assert status == end_of(child)
    assert has_nothing_new(site)
    site.recover()
    assert has_all(site)


def refusing(site: Site) -> None:
    site.wire.cut()


def silent(site: Site) -> None:
    site.wire.mute()


def answering_too_late(site: Site) -> None:
    site.hub.hold()


def failing(site: Site) -> None:
    site.hub.refuse(503)


def garbling(site: Site) -> None:
    site.hub.garble()


def limiting(site: Site) -> None:
    site.hub.rate_limit(3600)


@pytest.mark.parametrize(
    ("trouble", "how"),
    [
        (refusing, "end"),
        (silent, "end"),
        (silent, "raise in with"),
        (answering_too_late, "end"),
        (failing, "end"),
        (garbling, "end"),
        (limiting, "end"),
    ],
)
def test_a_hub_in_trouble_holds_an_exit_for_its_deadline_alone(
    site: Site, trouble: Callable[[Site], None], how: str
) -> None:
    # With heartbeats under way all the time.
    child = training(site, how, strict=True, HUBPORT_EXIT_WITHIN="0.3", HUBPORT_HEARTBEAT_EVERY="0.1")
    trouble(site)
    assert (0 if how == "end" else 1) == end_of(child)

    lines = child.stderr.splitlines()
    ours = [line for line in lines if line.startswith(OF_OURS)]
    (summary,) = (line for line in ours if line.startswith("session.closed "))
    assert "2 metrics and 1 checkpoints wait in" in summary
    assert f"hubport.connect('{site.model_id}')" in summary
    if how == "end":
        assert lines == ours
    else:
        assert [] == of_our_code(lines)

    site.hub.heal()
    site.hub.drop()
    site.wire.mend()
    assert has_nothing_new(site)
    site.recover()
    assert has_all(site)
