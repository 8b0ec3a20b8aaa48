from __future__ import annotations

import itertools

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
