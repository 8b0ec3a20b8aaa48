"""What the HUB is told of a run's end, and of other runs of its model."""

from __future__ import annotations

import logging
import signal
from typing import Any

import pytest

from hubport import TrainingSession
from tests.session.conftest import Stage


def said(stage: Stage) -> list[tuple[Any, Any]]:
    """What each heartbeat that got an answer says of an end."""
    return [
        (entry.json.get("state"), entry.json.get("error"))
        for entry in stage.hub.received("heartbeat")
        if entry.status == 200
    ]


def end_with(stage: Stage, exception: BaseException) -> None:
    """A training in a ``with`` block that *exception* ends."""
    with pytest.raises(type(exception)), stage.connect() as session:  # noqa: PT012 - it is the block that is tested
        stage.clock.advance(1)
        session.log_metrics(0, {"a": 1.0})
        raise exception


@pytest.mark.parametrize("exception", [ValueError("the key is 1234"), MemoryError(), AssertionError()], ids=repr)
def test_an_exception_that_leaves_the_block_is_told_by_its_class_alone(stage: Stage, exception: Exception) -> None:
    end_with(stage, exception)
    name = type(exception).__name__
    model = stage.hub.model(stage.model_id)
    assert [(None, None), ("failed", name)] == said(stage)
    assert ("failed", name) == (stage.state(), model.error(stage.clock.wall()))
    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)
    assert "1234" not in str([entry.json for entry in stage.hub.received("heartbeat")])


@pytest.mark.parametrize("exception", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()], ids=repr)
def test_who_asks_for_an_end_has_not_failed(stage: Stage, exception: BaseException) -> None:
    end_with(stage, exception)
    assert [(None, None), ("closed", None)] == said(stage)
    assert "stopped" == stage.state()


@pytest.mark.parametrize("end", [TrainingSession.close, TrainingSession.finish])
def test_a_session_that_is_closed_is_stopped(stage: Stage, end: Any) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    assert "training" == stage.state()
    end(session)
    assert 1.0 == stage.clock.now()
    assert [(None, None), ("closed", None)] == said(stage)
    assert "stopped" == stage.state()


def test_what_is_finished_is_trained_and_its_run_is_over(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    session.finish("best.pt", epoch=0, map=0.5)
    assert "trained" == stage.state()
    assert () == stage.hub.model(stage.model_id).agents.living(stage.clock.wall())


def test_a_run_that_ends_at_once_is_told_of(stage: Stage) -> None:
    stage.connect().close()
    assert "closed" == said(stage)[-1][0]
    assert "stopped" == stage.state()


def test_a_signal_says_the_end_while_it_drains(stage: Stage) -> None:
    with stage.connect():
        stage.clock.advance(1)
        stage.signals.raise_signal(signal.SIGTERM)
        assert [(None, None), ("closed", None)] == said(stage)
    assert [(None, None), ("closed", None)] == said(stage)  # once


def test_an_end_does_not_wait_for_a_heartbeat_that_is_not_due(stage: Stage) -> None:
    """The first one may still be under way, and the next was due in 300 s."""
    stage.hub.slow(0.5, on="heartbeat")
    session = stage.connect()
    stage.clock.advance(0.1)
    session.close()
    assert [(None, None), ("closed", None)] == said(stage)
    assert stage.clock.now() <= 2.0


def test_where_the_hub_is_known_to_be_away_an_end_costs_nothing(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.down()
    stage.clock.advance(400)
    before, now = len(stage.hub.received("heartbeat")), stage.clock.now()
    session.close()
    assert (before, now) == (len(stage.hub.received("heartbeat")), stage.clock.now())


def test_where_the_hub_refuses_all_connections_an_end_is_tried_once(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.down()
    session.close()
    assert 1.0 == stage.clock.now()
    assert 2 == len(stage.hub.received("heartbeat"))


@pytest.mark.parametrize("end", [TrainingSession.close, TrainingSession.finish])
def test_where_the_hub_hangs_an_end_has_the_time_that_closing_has(stage: Stage, end: Any) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.slow(1e9)
    end(session)
    assert 3.0 == stage.clock.now()


def test_an_end_in_an_outage_is_said_when_what_waits_goes_out_too(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.down(seconds=100)
    session.log_metrics(0, {"a": 1.0})
    stage.clock.advance(5)
    assert session.finish(timeout=600).is_complete
    assert [(None, None), ("closed", None)] == said(stage)
    assert stage.clock.now() < 200


def test_a_hub_that_refuses_heartbeats_is_asked_no_second_time(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.hub.refuse(400, on="heartbeat")
    session.close()
    assert [200, 400] == [entry.status for entry in stage.hub.received("heartbeat")]
    assert 1.0 == stage.clock.now()


def test_stopped_heartbeats_say_the_end_once_and_closing_adds_nothing(stage: Stage) -> None:
    with stage.connect() as session:
        stage.clock.advance(1)
        session.stop_heartbeats()
        assert not session.is_beating
        stage.clock.advance(600)
        assert "stopped" == stage.state()
    assert [(None, None), ("closed", None)] == said(stage)


# Two trainers of one model


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "model.another_trainer" in record.getMessage()]


def test_two_trainers_have_names_of_their_own_and_both_are_told_once(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hubport")
    first = stage.connect()
    stage.clock.advance(40)
    stage.state_dir = stage.state_dir / "of another process"  # in one process the second would replace the first
    second = stage.connect()
    stage.clock.advance(1)
    assert first.agent_id != second.agent_id
    # It may be the second run's dead predecessor.
    assert [] == warnings(caplog)
    assert "model.earlier_run" in caplog.text
    assert "40 s ago" in caplog.text
    stage.clock.advance(3600)
    told = warnings(caplog)
    assert 2 == len(told)
    assert {True} == {any(str(agent) in text for text in told) for agent in (first.agent_id, second.agent_id)}
    states = [agent.id for agent in stage.hub.model(stage.model_id).agents.living(stage.clock.wall())]
    assert {first.agent_id, second.agent_id} == set(states)

    first.close()
    assert "training" == stage.state()
    second.close()
    assert "stopped" == stage.state()


def test_a_run_that_was_killed_and_started_again_is_one_run(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hubport")
    killed = stage.connect()
    stage.clock.advance(60)
    stage.crash(killed)
    with stage.connect():
        stage.clock.advance(3600)
    assert [] == warnings(caplog)
    assert 1 == caplog.text.count("model.earlier_run")
    assert "stopped" == stage.state()


def test_a_run_after_one_that_said_its_end_hears_of_nobody(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hubport")
    for _ in range(2):
        with stage.connect():
            stage.clock.advance(60)
    assert "model.e" not in caplog.text
    assert [] == warnings(caplog)
