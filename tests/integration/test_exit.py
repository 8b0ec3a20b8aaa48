"""However a trainer ends, it ends: in time, with its own status, without a word too many; and nothing is lost."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from hubport.testing.lab import (
    Answer,
    Child,
    DripBody,
    DripHeaders,
    DropAnswer,
    Empty,
    Hang,
    Html,
    RateLimited,
    Raw,
    Redirect,
    Refuse,
    Reset,
    Script,
    Stall,
    Status,
    TruncateAnswer,
)
from tests.integration.conftest import TrainerSandbox

HOUR = "3600"
#: What may stand at the beginning of a line: hubport's own events.
OF_OURS = ("hub.failed ", "session.closed ")


def of_our_code(lines: list[str]) -> list[str]:
    """Lines of a traceback that lead through hubport. (The checkout's own folder may have that name too.)"""
    return [line for line in lines if re.search(r"/(app|adapters|domain)/\w+\.py", line)]


def training(site: TrainerSandbox, how: str, *, fresh: bool = False, **environment: str) -> Child:
    """A trainer whose last two epochs and checkpoint are paced beyond its end. Every warning is an error to it."""
    (site.folder / "last.pt").write_bytes(b"weights" * 1000)
    paced = {"HUBPORT_METRICS_INTERVAL": HOUR, "HUBPORT_CHECKPOINT_INTERVAL": HOUR, "HUBPORT_EXIT_TIMEOUT": "60"}
    child = site.start("trains", site.folder, how, strict=True, fresh=fresh, **paced | environment)
    assert "delivered" == child.line()
    child.say("log")
    assert "ready" == child.line()
    assert has_nothing_new(site)
    return child


def end_of(child: Child) -> int:
    child.say("end")
    return child.end()


def end_that_was_said(site: TrainerSandbox) -> tuple[str | None, str | None]:
    """What the one heartbeat with an end says, which is the last."""
    *earlier, last = [entry.json for entry in site.hub.received("heartbeat")]
    assert all("state" not in body for body in earlier)
    return last.get("state"), last.get("error")


def has_all(site: TrainerSandbox) -> bool:
    checkpoints = {checkpoint.epoch for checkpoint in site.hub.checkpoints(site.model_id)}
    return {0, 1, 2} == set(site.hub.metrics(site.model_id)) and {0, 2} == checkpoints


def has_nothing_new(site: TrainerSandbox) -> bool:
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
def test_an_end_that_python_sees_delivers(site: TrainerSandbox, how: str, status: int, last_words: str) -> None:
    child = training(site, how, fresh=True)
    assert status == end_of(child)
    assert has_all(site)
    assert [] == site.spools()
    assert last_words == child.stderr.rstrip().rpartition("\n")[2]
    assert status == 1 or child.stderr == ""
    assert [] == of_our_code(child.stderr.splitlines())
    # Of an exception that ends the script the HUB is told, with or without a `with` block around it.
    said = ("failed", "RuntimeError") if status == 1 else ("closed", None)
    assert said == end_that_was_said(site)


@pytest.mark.parametrize(("how", "status"), [("_exit", 3), ("abort", -signal.SIGABRT), ("crash", -signal.SIGSEGV)])
def test_after_an_end_that_python_does_not_see_the_next_start_delivers(
    site: TrainerSandbox, how: str, status: int
) -> None:
    child = training(site, how)
    assert status == end_of(child)
    assert has_nothing_new(site)
    assert (None, None) == end_that_was_said(site)
    site.recover()
    assert has_all(site)


#: Every kind of dead server; to some the HUB behind is alive, and the client cannot know.
DEAD = {
    "refusing": Refuse(),
    "never answering": Hang(),
    "taking nothing": Stall(),
    "dripping headers": DripHeaders(),
    "dripping a body": DripBody(),
    "resetting": Reset(),
    "losing answers": DropAnswer(),
    "truncating answers": TruncateAnswer(),
    "another protocol": Raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "saying 500": Status(500),
    "saying 503": Status(503),
    "limiting": RateLimited(3600),
    "limiting without headers": RateLimited(headers="none"),
    "a page with 200": Html(),
    "a page with 404": Html(404),
    "a page with 502": Html(502),
    "nothing with 200": Empty(),
    "redirecting": Redirect("http://elsewhere.invalid/"),
}


@pytest.mark.parametrize("trouble", DEAD)
def test_no_dead_server_holds_an_exit_or_costs_a_record(site: TrainerSandbox, trouble: str) -> None:
    # With heartbeats under way all the time.
    child = training(site, "end", HUBPORT_EXIT_TIMEOUT="0.3", HUBPORT_HEARTBEAT_INTERVAL="0.1")
    site.lab.always(DEAD[trouble])

    assert 0 == end_of(child)

    lines = child.stderr.splitlines()
    assert lines == [line for line in lines if line.startswith(OF_OURS)]
    (summary,) = (line for line in lines if line.startswith("session.closed "))
    assert_says_what_is_left(site, summary)
    # Before it heals: what the dead trainer has sent last may lie in a buffer of the server's.
    assert has_nothing_new(site) or DEAD[trouble] in {DropAnswer(), TruncateAnswer()}
    site.lab.heal()
    site.recover()
    assert has_all(site)


def assert_says_what_is_left(site: TrainerSandbox, summary: str) -> None:
    """How many wait, where, and the two ways to send them."""
    (spool,) = site.spools()
    assert f"2 metrics and 1 checkpoint wait in {spool}" in summary
    assert "'hubport sync'" in summary
    assert f"hubport.connect('{site.model_id}')" in summary
    assert {"journal"} < {path.name for path in spool.iterdir()}


@pytest.mark.parametrize("script", [Hang(), DripBody(), Refuse()], ids=lambda script: type(script).__name__)
def test_an_exception_of_the_trainers_own_is_not_held_either(site: TrainerSandbox, script: Script) -> None:
    child = training(site, "raise in with", HUBPORT_EXIT_TIMEOUT="0.3", HUBPORT_HEARTBEAT_INTERVAL="0.1")
    site.lab.always(script)

    assert 1 == end_of(child)

    lines = child.stderr.splitlines()
    assert "RuntimeError: the trainer's own" in lines
    assert [] == of_our_code(lines)
    site.lab.heal()
    site.recover()
    assert has_all(site)


@pytest.mark.parametrize(
    "script", [Answer(), Hang(), Status(503), Refuse(), DripBody()], ids=lambda script: type(script).__name__
)
def test_nothing_is_started_while_the_interpreter_ends_and_nothing_is_complained_of(
    site: TrainerSandbox, script: Script
) -> None:
    (site.folder / "last.pt").write_bytes(b"weights" * 1000)
    paced = {"HUBPORT_METRICS_INTERVAL": HOUR, "HUBPORT_CHECKPOINT_INTERVAL": HOUR, "HUBPORT_HEARTBEAT_INTERVAL": "0.1"}
    child = site.start("ends_watched", site.folder, strict=True, fresh=True, HUBPORT_EXIT_TIMEOUT="0.3", **paced)
    assert "ready" == child.line()
    site.lab.always(script)
    child.say("end")
    assert ["started since: []"] == child.rest()
    assert 0 == child.end()
    assert [] == [line for line in child.stderr.splitlines() if not line.startswith(OF_OURS)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_exit_ends_it(site: TrainerSandbox, number: int) -> None:
    child = training(site, "end", HUBPORT_EXIT_TIMEOUT=HOUR, HUBPORT_SIGNAL_TIMEOUT="0.2")
    site.lab.always(Hang())
    child.say("end")
    site.lab.ledger.wait_for_hanging("upload")  # which the exit sends without pacing
    child.signal(number)
    # An interrupt in what an interpreter does at its end changes no exit status.
    assert child.end() in ({-number} if number == signal.SIGTERM else {-number, 0})
    site.lab.heal()
    site.recover()
    assert has_all(site)


def test_the_message_is_true(site: TrainerSandbox) -> None:
    """What it names sends what is left."""
    child = training(site, "end", HUBPORT_EXIT_TIMEOUT="0.3")
    site.lab.always(Refuse())
    end_of(child)
    site.lab.heal()
    sync = site.hubport("sync", fresh=True)  # as a user would
    sync.rest()
    assert 0 == sync.end(), sync.stderr
    assert has_all(site)
    assert [] == site.spools()
    assert not [*Path(site.state_dir).rglob("*.pt")]
