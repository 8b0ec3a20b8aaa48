from __future__ import annotations

from tests.session.conftest import Stage


def test_at_once_and_then_every_300_seconds(stage: Stage) -> None:
    with stage.connect():
        stage.clock.advance(900)
        assert [0.0, 300.0, 600.0, 900.0] == stage.times("heartbeat")


def test_the_name_that_the_hub_gives_is_adopted(stage: Stage) -> None:
    with stage.connect(agent="a test") as session:
        stage.clock.advance(300)
        first, second = stage.hub.received("heartbeat")
        assert {"agent": "a test", "agentId": None} == first.json
        assert {"agent": "a test", "agentId": session.agent_id} == second.json
        assert stage.hub.model(stage.model_id).agent_id == session.agent_id


def test_a_failed_heartbeat_ends_nothing(stage: Stage) -> None:
    with stage.connect():
        stage.clock.advance(299)
        stage.hub.down(seconds=600)
        stage.clock.advance(1200)
        answered = [entry.at for entry in stage.hub.received("heartbeat") if entry.status == 200]
        assert answered[0] == 0.0
        assert 899 <= answered[1] <= 899 + 63 + 3  # the cap of the backoff, its floor
        assert 3 <= len(answered)


def test_a_refused_heartbeat_ends_nothing(stage: Stage) -> None:
    stage.hub.refuse(400, on="heartbeat", calls=1)
    with stage.connect():
        stage.clock.advance(300)
        assert [400, 200] == [entry.status for entry in stage.hub.received("heartbeat")]


def test_the_wall_clock_may_jump(stage: Stage) -> None:
    with stage.connect():
        for jump in (86_400.0, -2 * 86_400.0):
            stage.clock.advance(150)
            stage.clock.shift_wall(jump)
            stage.clock.advance(150)
        assert [0.0, 300.0, 600.0] == stage.times("heartbeat")


def test_stopped_and_started_again(stage: Stage) -> None:
    with stage.connect() as session:
        stage.clock.advance(10)
        session.stop_heartbeats()
        stage.clock.advance(990)
        assert [0.0] == stage.times("heartbeat")
        session.start_heartbeats()
        stage.clock.advance(300)
        assert [0.0, 1000.0, 1300.0] == stage.times("heartbeat")


def test_none_after_the_end(stage: Stage) -> None:
    stage.connect().close()
    stage.clock.advance(1000)
    assert [0.0] == stage.times("heartbeat")


def test_waiting_for_the_end_hurries_no_heartbeat(stage: Stage) -> None:
    with stage.connect() as session:
        stage.clock.advance(1)
        stage.hub.down(on="metrics", seconds=100)
        session.log_metrics(0, {"loss": 1.0})
        assert session.flush(within=200)
        assert [0.0] == stage.times("heartbeat")
