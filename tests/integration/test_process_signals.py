"""SIGTERM and SIGINT to a training: what was logged arrives, and the process ends as it would have ended without us.

Deadlines are long or short beyond doubt here: what must not be waited for would take an hour.
"""

from __future__ import annotations

import signal
from typing import Any

import pytest

from hubport.domain.checkpoint import CheckpointKind
from hubport.testing.lab import Answer, Child, DripBody, Hang, Refuse, Script, Status
from tests.integration.conftest import TrainerSandbox

HOUR = "3600"
INT, TERM = signal.SIGINT, signal.SIGTERM
NUMBERS = pytest.mark.parametrize("number", [TERM, INT], ids=["SIGTERM", "SIGINT"])


def training(site: TrainerSandbox, *options: str, **environment: str) -> Child:
    """A trainer whose second and third epoch and checkpoint are paced far beyond the end of the test."""
    for name in ("last.pt", "best.pt"):
        (site.folder / name).write_bytes(name.encode() * 1000)
    paced: dict[str, Any] = {
        "HUBPORT_METRICS_INTERVAL": HOUR,
        "HUBPORT_CHECKPOINT_INTERVAL": HOUR,
        "HUBPORT_EXIT_TIMEOUT": "0.1",
    }
    child = site.start("is_signalled", site.folder, *options, **paced | environment)
    assert "ready" == child.line()
    return child


def end_of(child: Child, number: int) -> tuple[int, list[str], str]:
    """Send the signal; the exit status, what the training says, and its last words on standard error."""
    child.signal(number)
    said = [line for line in child.rest() if not line.startswith("log ")]
    return child.end(), said, child.stderr.rstrip().rpartition("\n")[2]


def has_all(site: TrainerSandbox) -> bool:
    """Whether the HUB has what waited; an upload whose answer was lost may have come twice."""
    checkpoints = {checkpoint.epoch for checkpoint in site.hub.checkpoints(site.model_id)}
    return {0, 1, 2} == set(site.hub.metrics(site.model_id)) and {0, 2} == checkpoints


def has_nothing_new(site: TrainerSandbox) -> bool:
    checkpoints = {checkpoint.epoch for checkpoint in site.hub.checkpoints(site.model_id)}
    return {0} == set(site.hub.metrics(site.model_id)) and {0} == checkpoints


@NUMBERS
def test_what_was_logged_arrives_and_the_end_is_the_one_without_us(site: TrainerSandbox, number: int) -> None:
    child = training(site, HUBPORT_SIGNAL_TIMEOUT=HOUR)
    assert has_nothing_new(site)

    ours = end_of(child, number)

    assert has_all(site)
    assert ours == end_of(training(site, "--without"), number)
    assert (-number, []) == ours[:2]
    site.recover()


@NUMBERS
def test_the_default_action_set_by_hand_is_taken_as_well(site: TrainerSandbox, number: int) -> None:
    child = training(site, "--earlier", "default", HUBPORT_SIGNAL_TIMEOUT=HOUR)
    assert (-number, [], "") == end_of(child, number)
    assert has_all(site)


@NUMBERS
def test_an_earlier_handler_is_called_after_the_delivery(site: TrainerSandbox, number: int) -> None:
    child = training(site, "--earlier", "exit", HUBPORT_SIGNAL_TIMEOUT=HOUR)
    status, said, last_words = end_of(child, number)
    assert (7, [f"earlier {int(number)} 3"], "") == (status, said, last_words)
    assert has_all(site)
    assert [] == site.spools()


@NUMBERS
def test_an_earlier_handler_that_lets_the_training_live(site: TrainerSandbox, number: int) -> None:
    child = training(site, "--earlier", "call", HUBPORT_SIGNAL_TIMEOUT=HOUR)
    child.signal(number)
    assert ["log signal.received", f"earlier {int(number)} 3"] == [child.line(), child.line()]
    child.signal(number)
    assert f"earlier {int(number)} 3" == child.line()
    child.say("you")
    assert "heard you" == child.line()


def test_what_was_ignored_stays_ignored(site: TrainerSandbox) -> None:
    child = training(site, "--earlier", "ignore")
    child.signal(TERM)
    child.signal(INT)
    child.say("you")
    assert "heard you" == child.line()


@NUMBERS
def test_close_puts_the_earlier_handlers_back(site: TrainerSandbox, number: int) -> None:
    child = training(site, "--then", "close", HUBPORT_EXIT_TIMEOUT="60")
    assert ["log session.closed", "restored"] == [child.line(), child.line()]
    assert (-number, []) == end_of(child, number)[:2]
    assert has_all(site)


@NUMBERS
@pytest.mark.parametrize("first", [TERM, INT], ids=["after SIGTERM", "after SIGINT"])
def test_the_second_signal_ends_at_once(site: TrainerSandbox, first: int, number: int) -> None:
    child = training(site, HUBPORT_SIGNAL_TIMEOUT=HOUR)
    site.lab.always(Hang())
    child.signal(first)
    assert "log signal.received" == child.line()
    for kind in ("metrics", "upload"):
        site.lab.ledger.wait_for_hanging(kind)
    # Of two signals either may have its way: the first is let go as soon as the second has ended the session.
    assert end_of(child, number)[0] in {-first, -number}
    assert has_nothing_new(site)
    site.lab.heal()
    site.recover()
    assert has_all(site)


@NUMBERS
@pytest.mark.parametrize(
    "script", [Refuse(), Hang(), DripBody(), Status(503)], ids=lambda script: type(script).__name__
)
def test_with_a_hub_in_trouble_the_end_comes_at_the_deadline_and_the_next_start_delivers(
    site: TrainerSandbox, script: Script, number: int
) -> None:
    child = training(site, HUBPORT_SIGNAL_TIMEOUT="0.2")
    site.lab.always(script)
    assert -number == end_of(child, number)[0]
    assert has_nothing_new(site)
    site.lab.heal()
    site.recover()
    assert has_all(site)


@NUMBERS
def test_a_signal_ends_finish_too(site: TrainerSandbox, number: int) -> None:
    site.lab.play(Answer(), on="upload")  # that of epoch 0
    site.lab.always(Hang(), on="upload")
    child = training(site, "--then", "finish", HUBPORT_SIGNAL_TIMEOUT="0.2", HUBPORT_FINISH_TIMEOUT=HOUR)
    site.lab.ledger.wait_for_hanging("upload")
    assert -number == end_of(child, number)[0]
    site.lab.heal()
    assert [] == [c for c in site.hub.checkpoints(site.model_id) if c.kind is CheckpointKind.FINAL]
    site.recover()
    assert "trained" == site.hub.model(site.model_id).status


@NUMBERS
def test_a_session_of_another_thread_leaves_signals_alone(site: TrainerSandbox, number: int) -> None:
    child = training(site, "--where", "thread", HUBPORT_SIGNAL_TIMEOUT=HOUR, HUBPORT_EXIT_TIMEOUT="60")
    assert (-number, []) == end_of(child, number)[:2]
    if number == TERM:
        assert has_nothing_new(site)  # the default action leaves no time; a KeyboardInterrupt does
        site.recover()
    assert has_all(site)


def test_an_interrupt_can_be_caught_as_ever(site: TrainerSandbox) -> None:
    child = training(site, "--then", "catch", HUBPORT_SIGNAL_TIMEOUT=HOUR)
    child.signal(INT)
    assert ["log signal.received", "caught"] == [child.line(), child.line()]
    child.say("you")
    assert "heard you" == child.line()
    assert has_all(site)
