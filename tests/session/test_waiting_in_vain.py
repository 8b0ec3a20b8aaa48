"""What somebody hears who waits for a HUB that is away: soon, then ever more rarely, and once when it is back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.session.conftest import Stage


class Heard(logging.Handler):
    """The log, with the virtual time of each line."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.lines: list[tuple[float, str, str]] = []
        self._stage = stage

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((self._stage.clock.now(), record.levelname, record.getMessage()))

    def of(self, event: str) -> list[tuple[float, str, str]]:
        return [line for line in self.lines if line[2].startswith(f"{event} ")]

    def times(self, event: str) -> list[float]:
        return [at for at, _, _ in self.of(event)]


@pytest.fixture
def heard(stage: Stage) -> Iterator[Heard]:
    handler = Heard(stage)
    logging.getLogger("hubport").addHandler(handler)
    yield handler
    logging.getLogger("hubport").removeHandler(handler)


def test_finish_says_soon_that_the_hub_is_away_and_then_ever_more_rarely(stage: Stage, heard: Heard) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.down()
    session.log_metrics(0, {"a": 1.0})
    began = stage.clock.now()
    session.finish("best.pt", epoch=0, map=0.5, timeout=1800)
    times = [at - began for at in heard.times("delivery.waiting")]
    assert [5.0, 15.0, 35.0, 75.0, 155.0, 315.0, 615.0, 915.0, 1215.0, 1515.0] == pytest.approx(times, abs=0.5)


def test_it_says_what_waits_why_until_when_and_what_an_interrupt_costs(stage: Stage, heard: Heard) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.down()
    for epoch in range(3):
        session.log_metrics(epoch, {"a": 1.0})
    end = time.strftime("%H:%M:%S", time.localtime(round(stage.clock.wall() + 60)))
    session.finish("best.pt", epoch=0, map=0.5, timeout=60)
    (_, level, line), *_ = heard.of("delivery.waiting")
    assert "WARNING" == level
    assert line.startswith(f"delivery.waiting 3 records and 1 checkpoint still to be sent to {stage.hub.root}")
    why = "no answer (the fake HUB is down)"
    for words in (f"tries until {end}", why, "Ctrl-C keeps everything", "'hubport sync'"):
        assert words in line


@pytest.mark.parametrize(
    "wait",
    [
        lambda session: session.finish(timeout=30),
        lambda session: session.flush(timeout=30),
        lambda session: session.close(timeout=30),
        lambda session: session.send_final("best.pt", epoch=0, map=0.1, deadline=session._clock.now() + 30),
    ],
    ids=["finish without weights", "flush", "close", "the drop-in"],
)
def test_whoever_waits_is_told(stage: Stage, heard: Heard, wait: Callable[[Any], object]) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.down()
    session.log_metrics(0, {"a": 1.0})
    wait(session)
    assert 2 == len(heard.of("delivery.waiting"))


def test_a_hub_that_hangs_is_told_before_its_first_request_is_given_up(stage: Stage, heard: Heard) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.slow(3600, on="metrics")
    session.log_metrics(0, {"a": 1.0})
    began = stage.clock.now()
    session.finish("best.pt", epoch=0, map=0.5, timeout=60)
    (at, _, line), *_ = heard.of("delivery.waiting")
    assert 5.0 == pytest.approx(at - began, abs=0.1)
    assert "no answer yet" in line


def test_a_hub_that_asks_for_patience_is_named_as_the_reason(stage: Stage, heard: Heard) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.refuse(503, on="upload")
    session.finish("best.pt", epoch=0, map=0.5, timeout=30)
    (_, _, line), *_ = heard.of("delivery.waiting")
    assert "status 503" in line


def test_who_waits_for_nothing_hears_nothing(stage: Stage, heard: Heard) -> None:
    session = stage.connect()
    session.log_metrics(0, {"a": 1.0})
    assert session.finish("best.pt", epoch=0, map=0.5).is_complete
    assert [] == [line for line in heard.lines if line[1] != "INFO"]


def test_an_outage_is_one_warning_and_its_end_another(stage: Stage, heard: Heard) -> None:
    """Also where heartbeats, metrics and a checkpoint have met it."""
    session = stage.connect(checkpoint_interval=3, heartbeat_interval=3)
    stage.clock.advance(1)
    stage.hub.down(seconds=120)
    session.log_metrics(0, {"a": 1.0})
    session.upload_checkpoint("last.pt", epoch=0)
    stage.clock.advance(600)
    assert session.is_idle
    assert ["WARNING"] == [level for _, level, _ in heard.of("hub.failed")]
    assert ["WARNING"] == [level for _, level, _ in heard.of("hub.recovered")]
    assert session.close().is_complete


def test_an_upload_that_never_gets_through_is_one_warning_while_metrics_arrive(stage: Stage, heard: Heard) -> None:
    session = stage.connect(checkpoint_interval=3)
    stage.clock.advance(1)
    stage.hub.down(on="upload")
    session.upload_checkpoint("last.pt", epoch=0)
    for epoch in range(100):
        session.log_metrics(epoch, {"a": 1.0})
        stage.clock.advance(10)
    assert 1 == len(heard.of("hub.failed"))
    assert [] == heard.of("hub.recovered")
    stage.hub.heal()
    stage.clock.advance(4000)
    assert 1 == len(heard.of("hub.recovered"))


def test_a_final_checkpoint_that_lies_in_no_outbox_is_not_said_to_be_kept(stage: Stage, heard: Heard) -> None:
    session = stage.connect(outbox_limit=4000)
    stage.clock.advance(1)
    stage.disk.files["best.pt"] = bytes(5000)
    stage.hub.down()
    session.finish("best.pt", epoch=0, map=0.5, timeout=30)
    (_, _, line), *_ = heard.of("delivery.waiting")
    assert "Ctrl-C keeps all but the final checkpoint" in line
