from __future__ import annotations

import logging
import signal

import pytest

from hubport.testing import FakeSignals
from tests.session.conftest import Stage


def test_a_signal_stops_heartbeats_drains_and_is_passed_on(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    session.log_metrics(0, {"a": 1.0})
    session.upload_checkpoint("last.pt", epoch=0)
    stage.signals.raise_signal(signal.SIGTERM)
    assert [signal.SIGTERM] == stage.signals.passed_on
    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)
    assert 1 == len(stage.hub.checkpoints(stage.model_id))
    assert "stopped" == stage.state()
    stage.clock.advance(1000)
    assert [0.0, 1.0] == stage.times("heartbeat")
    session.close()


def test_a_hub_that_does_not_answer_holds_a_signal_for_its_deadline_alone(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.slow(1e9)
    session.log_metrics(0, {"a": 1.0})
    stage.signals.raise_signal(signal.SIGINT)
    assert 6.0 == stage.clock.now()
    assert [signal.SIGINT] == stage.signals.passed_on
    stage.hub.heal()
    session.close(timeout=60)


def test_a_trainer_that_survives_the_signal_can_finish(stage: Stage) -> None:
    session = stage.connect()
    stage.signals.raise_signal(signal.SIGTERM)
    session.log_metrics(1, {"a": 1.0})
    assert session.finish("best.pt", epoch=1, map=0.1).is_complete


def test_after_an_interrupt_that_the_trainer_survives_heartbeats_go_on(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(10)
    stage.signals.raise_signal(signal.SIGINT)
    stage.clock.advance(1000)
    assert [0.0, 10.0] == stage.times("heartbeat")
    session.log_metrics(1, {"a": 1.0})
    stage.clock.advance(300)
    assert [0.0, 10.0, 1010.0, 1310.0] == stage.times("heartbeat")
    assert "training" == stage.state()
    session.log_metrics(2, {"a": 1.0})
    stage.signals.raise_signal(signal.SIGINT)
    assert {1, 2} == set(stage.hub.metrics(stage.model_id))
    assert [signal.SIGINT] * 2 == stage.signals.passed_on


def test_a_signal_whose_handler_goes_on_is_drained_and_heartbeats_go_on(stage: Stage) -> None:
    """As that of Lightning, which calls ours and ends the training at the end of the batch."""
    session = stage.connect()
    for number in range(2):
        stage.clock.advance(1)
        session.log_metrics(number, {"a": 1.0})
        stage.signals.raise_before(signal.SIGTERM)
        assert set(range(number + 1)) == set(stage.hub.metrics(stage.model_id))
    assert [signal.SIGTERM] * 2 == stage.signals.passed_on  # once each
    stage.clock.advance(600)
    assert [0.0, 300.0, 600.0] == stage.times("heartbeat")
    assert 1 == len(stage.signals.watches)
    assert session.finish("best.pt", epoch=1).is_complete


def test_the_end_of_a_session_lets_go_of_the_signals(stage: Stage) -> None:
    with stage.connect():
        assert 1 == len(stage.signals.watches)
    assert [] == stage.signals.watches


def test_two_sessions_both_drain(stage: Stage) -> None:
    other = stage.hub.create_model()
    first, second = stage.connect(), stage.connect(other.id)
    stage.clock.advance(1)
    first.log_metrics(0, {"a": 1.0})
    second.log_metrics(0, {"b": 1.0})
    stage.signals.raise_signal()
    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)
    assert {0: {"b": 1.0}} == stage.hub.metrics(other.id)
    assert [signal.SIGTERM] == stage.signals.passed_on
    first.close()
    second.close()


def test_where_no_handler_can_be_set_everything_else_works(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "hubport")
    stage.signals = FakeSignals(settable=False)
    with stage.connect() as session:
        session.log_metrics(0, {"a": 1.0})
    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)
    assert "signals.not_watched" in caplog.text


def test_switched_off_by_a_setting(stage: Stage) -> None:
    with stage.connect(handle_signals=False):
        assert [] == stage.signals.watches
