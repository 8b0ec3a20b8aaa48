from __future__ import annotations

import itertools

import pytest

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
        assert [0.0, 10.0] == stage.times("heartbeat")
        session.start_heartbeats()
        stage.clock.advance(300)
        assert [0.0, 10.0, 1000.0, 1300.0] == stage.times("heartbeat")


def test_none_after_the_end(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.settle()  # the first one is sent
    session.close()
    stage.clock.advance(1000)
    first, last = stage.hub.received("heartbeat")
    assert (None, "closed") == (first.json.get("state"), last.json["state"])


def test_waiting_for_the_end_hurries_no_heartbeat(stage: Stage) -> None:
    with stage.connect() as session:
        stage.clock.advance(1)
        stage.hub.down(on="metrics", seconds=100)
        session.log_metrics(0, {"loss": 1.0})
        assert session.flush(timeout=200)
        assert [0.0] == stage.times("heartbeat")


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(times)]


@pytest.fixture
def fleet(stage: Stage) -> list[str]:
    """The models of eight runs that begin together."""
    models = [stage.hub.create_model().id for _ in range(8)]
    for model in models:
        stage.connect(model, jitter=0.5)
    return models


def assert_do_not_beat_together(stage: Stage, fleet: list[str], *, since: float) -> None:
    """The first gap is longer, by up to a half, and each run's own; and all that follow are exact."""
    firsts = set()
    for model in fleet:
        beats = [entry for entry in stage.hub.received("heartbeat") if entry.path.endswith(model) and entry.status]
        first, *others = gaps([entry.at for entry in beats if entry.at >= since])
        assert 300 <= first <= 450
        assert others == pytest.approx([300.0] * len(others))
        firsts.add(round(first, 3))
    assert len(fleet) == len(firsts)


def test_runs_that_began_together_do_not_beat_together(stage: Stage, fleet: list[str]) -> None:
    stage.clock.advance(3600)
    assert_do_not_beat_together(stage, fleet, since=0)


def test_runs_that_an_outage_held_up_together_do_not_beat_together_afterwards(stage: Stage, fleet: list[str]) -> None:
    stage.clock.advance(1000)
    stage.hub.down(seconds=2000)
    stage.clock.advance(6000)
    assert_do_not_beat_together(stage, fleet, since=3000)


def test_metrics_are_not_spread(stage: Stage) -> None:
    with stage.connect(jitter=0.5) as session:
        for epoch in range(100):
            session.log_metrics(epoch, {"a": 1.0})
            stage.clock.advance(0.5)
        assert gaps(stage.times("metrics")) == pytest.approx([3.0] * (len(stage.times("metrics")) - 1))


def test_checkpoints_are_spread_as_heartbeats_are(stage: Stage) -> None:
    with stage.connect(jitter=0.5) as session:
        for epoch in range(200):
            session.upload_checkpoint("last.pt", epoch=epoch)
            stage.clock.advance(30)
        first, *others = gaps(stage.times("upload"))
        assert 900 < first <= 1350
        assert others == pytest.approx([900.0] * len(others))
