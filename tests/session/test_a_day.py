from __future__ import annotations

import itertools

from hubport.domain.client.pacing import HOLD_JITTER
from tests.session.conftest import Stage


def day(stage: Stage) -> None:
    """A day of training, an epoch a minute, with an outage of an hour, a rate limit, and a proxy's bad quarter."""
    with stage.connect() as session:
        for minute in range(24 * 60):
            if minute == 300:
                stage.hub.down(seconds=3600)
            if minute == 700:
                stage.hub.rate_limit(300, seconds=200)
            if minute == 900:
                stage.hub.garble(seconds=900)
            session.log_metrics(minute, {"loss": 1 / (minute + 1)})
            session.upload_checkpoint("last.pt", epoch=minute)
            stage.clock.advance(60)
        report = session.finish("best.pt", epoch=1439, map=0.4)
    assert report.is_complete
    assert report.metrics.delivered == 1440
    assert {minute: {"loss": 1 / (minute + 1)} for minute in range(1440)} == stage.hub.metrics(stage.model_id)
    assert "trained" == stage.hub.model(stage.model_id).status


def test_a_day_of_training_loses_nothing(stage: Stage) -> None:
    day(stage)
    beats = [entry.at for entry in stage.hub.received("heartbeat") if entry.status == 200]
    assert max(later - earlier for earlier, later in itertools.pairwise(beats)) < 3600 + 400
    # The last one is the final upload, which waits for nothing.
    kept = [entry.at for entry in stage.hub.received("upload") if entry.file is not None][:-1]
    assert min(later - earlier for earlier, later in itertools.pairwise(kept)) >= 900


def test_a_machine_that_sleeps_for_eight_hours_wakes_without_a_burst(stage: Stage) -> None:
    """Where the monotonic clock counts sleep, everything is due at once; and is still one message of each kind."""
    with stage.connect() as session:
        stage.clock.advance(1000)
        for epoch in range(20):
            session.log_metrics(epoch, {"a": 1.0})
            session.upload_checkpoint("last.pt", epoch=epoch)
            # The first goes out at once, and alone: what comes after it waits for its interval.
            stage.clock.settle()
        sent = len(stage.hub.ledger)
        stage.leap(8 * 3600)
        woken = stage.clock.now()
        stage.clock.advance(0)
        assert sorted(["heartbeat", "metrics", "upload"]) == sorted(entry.kind for entry in stage.hub.ledger[sent:])
        stage.clock.advance(2000)
        session.log_metrics(20, {"a": 1.0})
        for kind, every in (("heartbeat", 300), ("metrics", 3), ("upload", 900)):
            times = [at for at in stage.times(kind) if at >= woken]
            assert woken == times[0]
            assert all(later - earlier >= every for earlier, later in itertools.pairwise(times))
        assert [woken + 300 * n for n in range(7)] == [at for at in stage.times("heartbeat") if at >= woken]
        assert 0 == session.status().metrics.lost
        assert session.close().is_complete


def test_a_machine_that_sleeps_during_a_request_waits_for_no_answer_any_more(stage: Stage) -> None:
    """The HUB has gone away meanwhile; the record goes out once after the least gap."""
    with stage.connect() as session:
        stage.clock.advance(10)
        stage.hub.slow(1e9, on="metrics", calls=1)
        session.log_metrics(0, {"a": 1.0})
        stage.clock.advance(1)
        stage.leap(8 * 3600)
        stage.clock.advance(60)
        assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)
        assert 2 == len(stage.hub.received("metrics"))


def test_a_wall_clock_that_jumps_by_a_day_changes_no_interval_and_no_deadline(stage: Stage) -> None:
    with stage.connect() as session:
        for jump in (86_400.0, -2 * 86_400.0, 1e9):
            stage.hub.rate_limit(60, calls=1, on="metrics")
            begun = stage.clock.now()
            for epoch in range(30):
                session.log_metrics(epoch, {"jump": jump})
                stage.clock.advance(5)
                stage.clock.shift_wall(jump)
                stage.clock.advance(5)
            times = [at for at in stage.times("metrics") if at >= begun]
            assert 60 <= times[1] - times[0] <= 63 + HOLD_JITTER
            assert all(later - earlier >= 3 for earlier, later in itertools.pairwise(times))
            stage.hub.down()
            session.log_metrics(0, {"jump": jump})
            now = stage.clock.now()
            assert not session.flush(timeout=20)
            assert now + 20 == stage.clock.now()
            stage.hub.heal()
            stage.clock.advance(100)
        beats = stage.times("heartbeat")
        assert all(later - earlier >= 300 for earlier, later in itertools.pairwise(beats[1:]))
        assert {epoch: {"jump": 1e9} for epoch in range(30)} == stage.hub.metrics(stage.model_id)
