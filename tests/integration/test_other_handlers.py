"""A signal to a program that has handlers of its own in front of ours: it ends, or goes on, as it would without us."""

from __future__ import annotations

import signal

import pytest

from hubport.testing.lab import Child
from tests.integration.conftest import TrainerSandbox

INT, TERM = signal.SIGINT, signal.SIGTERM
HOUR = "3600"
SHAPES = ("first", "last", "exit", "loop", "later loop", "back", "ended", "put back")


def program(site: TrainerSandbox, how: str, number: int, who: str) -> Child:
    child = site.start(
        "other_handlers", how, int(number), who, HUBPORT_METRICS_INTERVAL=HOUR, HUBPORT_SIGNAL_TIMEOUT="60", fresh=True
    )
    assert "ready" == child.line()
    child.signal(number)
    return child


@pytest.mark.parametrize("number", [TERM, INT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("how", SHAPES)
def test_it_ends_as_without_us(site: TrainerSandbox, how: str, number: int) -> None:
    ours = ended(program(site, how, number, "with"))
    without = ended(program(site, how, number, "without"))
    assert without == ours
    if number == TERM:
        assert (0 if how not in {"exit", "put back"} else 9 if how == "exit" else -15) == ours[0]
    assert {0, 1} == set(site.hub.metrics(site.model_id))
    assert [] == site.spools()


def ended(child: Child) -> tuple[int, list[str]]:
    child.say("end")
    said = list(child.rest())
    return child.end(), said


@pytest.mark.parametrize("how", ["first", "last"])
def test_what_was_logged_is_sent_while_it_goes_on(site: TrainerSandbox, how: str) -> None:
    child = program(site, how, TERM, "with")
    assert ["own", "goes on"] == [child.line(), child.line()]
    site.lab.ledger.wait_for(lambda: 2 == len(site.hub.metrics(site.model_id)))  # far sooner than it is time for
    assert (0, ["finally"]) == ended(child)
