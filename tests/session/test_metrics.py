from __future__ import annotations

import itertools
import json
import math

import pytest

import hubport
from hubport.domain.client.journal import metrics_line
from hubport.domain.ports.http import Request, Response
from hubport.testing import FakeHub
from tests.session.conftest import Stage


def test_at_most_one_call_in_three_seconds_and_nothing_is_lost(stage: Stage) -> None:
    with stage.connect() as session:
        for epoch in range(100):
            session.log_metrics(epoch, {"loss": epoch / 7})
            stage.clock.advance(0.1)
        stage.clock.advance(3)
        times = stage.times("metrics")
        assert all(later - earlier >= 3 for earlier, later in itertools.pairwise(times))
        assert {epoch: {"loss": epoch / 7} for epoch in range(100)} == stage.hub.metrics(stage.model_id)


def test_the_wire_is_json_text_inside_json(stage: Stage) -> None:
    with stage.connect() as session:
        session.log_metrics(0, {"train/loss": 0.5, "bad": math.nan, "worse": -math.inf})
    (call,) = stage.hub.received("metrics")
    assert ("POST", f"/v1/models/{stage.model_id}") == (call.method, call.path)
    assert "metrics" == call.json["type"]
    assert {"train/loss": 0.5, "bad": None, "worse": None} == json.loads(call.json["metrics"]["0"])


def test_calls_for_one_epoch_add_up_and_the_whole_epoch_is_sent_again(stage: Stage) -> None:
    with stage.connect() as session:
        session.log_metrics(0, {"a": 1.0, "b": 1.0})
        stage.clock.advance(10)
        session.log_metrics(0, {"b": 2.0, "c": 2.0})
        stage.clock.advance(10)
        assert {0: {"a": 1.0, "b": 2.0, "c": 2.0}} == stage.hub.metrics(stage.model_id)
        assert 2 == len(stage.hub.received("metrics"))


def test_an_old_epoch_is_completed_from_the_journal(stage: Stage) -> None:
    with stage.connect() as session:
        for epoch in range(400):
            session.log_metrics(epoch, {"a": float(epoch)})
            stage.clock.advance(3)
        session.log_metrics(0, {"b": 1.0})
    assert {"a": 0.0, "b": 1.0} == stage.hub.metrics(stage.model_id)[0]


@pytest.mark.parametrize("end", ["finish", "close", "exception"])
def test_the_tail_is_flushed(stage: Stage, end: str) -> None:
    session = stage.connect()
    session.log_metrics(0, {"a": 0.0})
    stage.clock.advance(1)
    session.log_metrics(1, {"a": 1.0})
    if end == "finish":
        session.finish()
    elif end == "close":
        session.close()
    else:
        with pytest.raises(ZeroDivisionError), session:
            raise ZeroDivisionError
    assert {0: {"a": 0.0}, 1: {"a": 1.0}} == stage.hub.metrics(stage.model_id)
    assert 1.0 == stage.clock.now()


def test_an_outage_loses_nothing_and_is_one_warning(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with stage.connect() as session:
        stage.clock.advance(5)
        stage.hub.down(seconds=3600)
        for epoch in range(60):
            session.log_metrics(epoch, {"a": 1.0})
            stage.clock.advance(60)
        stage.clock.advance(70)
        assert set(range(60)) == set(stage.hub.metrics(stage.model_id))
        report = session.status()
    assert report.metrics.delivered == report.metrics.logged == 60
    assert report.reasons["no answer"] > 1
    # Of which kind of message is chance: a heartbeat may be due at the same instant.
    assert ["hub.failed", "hub.recovered"] == [record.getMessage().split()[0] for record in caplog.records]


def test_a_rate_limit_is_kept_by_every_lane(stage: Stage) -> None:
    with stage.connect() as session:
        stage.clock.advance(290)
        stage.hub.rate_limit(120, calls=1, on="metrics")
        session.log_metrics(0, {"a": 1.0})
        session.upload_checkpoint("last.pt", epoch=0)
        stage.clock.advance(119)
        # The upload may have been under way already; nothing starts in the two minutes after the 429.
        assert [e for e in stage.hub.ledger if 290 < e.at < 410] == []
        stage.clock.advance(11)
        assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)


def test_a_rate_limit_without_its_headers_crashes_nobody(stage: Stage) -> None:
    stage.hub.rate_limit(1, calls=2, on="metrics", stripped=True)
    with stage.connect() as session:
        session.log_metrics(0, {"a": 1.0})
        stage.clock.advance(60)
        assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"success": tr', b"[]", b"null", b"\xff\xfe"])
def test_what_is_not_the_hubs_answer_is_no_delivery(stage: Stage, body: bytes) -> None:
    stage.hub.garble(body, on="metrics", seconds=60)
    with stage.connect() as session:
        session.log_metrics(0, {"a": 1.0})
        stage.clock.advance(30)
        assert 0 == session.status().metrics.delivered
        stage.clock.advance(120)
        assert 1 == session.status().metrics.delivered


def test_a_lost_answer_is_sent_again_and_held_once(stage: Stage) -> None:
    stage.hub.lose_answers(calls=1, on="metrics")
    with stage.connect() as session:
        session.log_metrics(0, {"a": 1.0})
        stage.clock.advance(60)
    assert 2 == len(stage.hub.received("metrics"))
    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)


def test_too_large_a_call_is_split(stage: Stage) -> None:
    # In this order: the first call, which may come before all is logged, meets the outage.
    stage.hub.down(on="metrics", seconds=1)
    stage.hub.refuse(413, on="metrics", calls=2)
    with stage.connect() as session:
        for epoch in range(8):
            session.log_metrics(epoch, {"a": 1.0})
        stage.clock.advance(120)
        report = session.status()
    assert set(range(8)) == set(stage.hub.metrics(stage.model_id))
    assert (8, 0) == (report.metrics.delivered, report.metrics.refused)


def test_a_refused_epoch_is_put_aside_and_the_rest_goes_on(stage: Stage) -> None:
    session = stage.connect()
    stage.hub.down(on="metrics", seconds=1)
    for epoch in range(8):
        session.log_metrics(epoch, {"a": 1.0})
    session.log_text(8, 'no "JSON" that the HUB takes')
    stage.hub.refuse(422, on="metrics", when=lambda request: "8" in request.json["metrics"])
    stage.clock.advance(300)
    report = session.close()
    assert (8, 1, 0) == (report.metrics.delivered, report.metrics.refused, report.metrics.waiting)
    assert set(range(8)) == set(stage.hub.metrics(stage.model_id))
    assert "refused by the HUB" in str(report)
    assert 1 == len(stage.outbox.spools)  # kept, for its owner to look at
    assert b'["aside", 8,' in bytes(stage.outbox.spools[0].journal)


def test_locked_out_stops_sending_and_keeps_everything(stage: Stage) -> None:
    session = stage.connect()
    stage.clock.advance(5)
    stage.hub.refuse(401)
    session.log_metrics(0, {"a": 1.0})
    stage.clock.advance(1)
    sent = len(stage.hub.ledger)
    session.log_metrics(1, {"a": 1.0})
    stage.clock.advance(3600)
    assert sent == len(stage.hub.ledger)
    assert not session.flush(timeout=60)
    report = session.finish("best.pt", epoch=1)
    assert (2, 1) == (report.metrics.waiting, report.checkpoints.waiting)
    stage.hub.heal()
    stage.connect().close()
    assert {0: {"a": 1.0}, 1: {"a": 1.0}} == stage.hub.metrics(stage.model_id)
    assert "trained" == stage.hub.model(stage.model_id).status


def test_flush_waits_for_delivery_without_pacing(stage: Stage) -> None:
    with stage.connect() as session:
        session.log_metrics(0, {"a": 1.0})
        stage.clock.advance(1)
        session.log_metrics(1, {"a": 1.0})
        session.upload_checkpoint("last.pt", epoch=1)
        assert session.flush(timeout=30)
        assert 1.0 == stage.clock.now()
        assert {0, 1} == set(stage.hub.metrics(stage.model_id))
        stage.hub.down()
        session.log_metrics(2, {"a": 1.0})
        assert not session.flush(timeout=30)
        assert 31.0 == stage.clock.now()
        stage.hub.heal()


def test_the_pace_is_back_after_a_flush(stage: Stage) -> None:
    with stage.connect() as session:
        session.log_metrics(0, {"a": 1.0})
        session.flush(timeout=1)
        session.log_metrics(1, {"a": 1.0})
        stage.clock.advance(10)
        assert [0.0, 3.0] == stage.times("metrics")


def test_in_strict_mode_bad_values_are_errors_and_nothing_is_logged(stage: Stage) -> None:
    with stage.connect(strict=True) as session:
        with pytest.raises(TypeError, match="loss"):
            session.log_metrics(0, {"loss": object()})
        with pytest.raises(TypeError, match="epoch"):
            session.log_metrics("first", {"loss": 1.0})  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="from 0"):
            session.log_metrics(-1, {"loss": 1.0})
        assert 0 == session.status().metrics.logged


def test_what_a_dead_run_has_left_goes_out_first(stage: Stage) -> None:
    first = stage.connect()
    stage.hub.down()
    first.log_metrics(0, {"a": 1.0})
    first.log_metrics(1, {"a": 1.0})
    stage.crash(first)
    assert {} == stage.hub.metrics(stage.model_id)
    with stage.connect() as second:
        second.log_metrics(2, {"a": 2.0})
        second.flush(timeout=10)
        assert {0, 1, 2} == set(stage.hub.metrics(stage.model_id))
        assert 3 == second.status().metrics.delivered
    assert [] == stage.outbox.spools


def test_damage_in_what_was_left_costs_the_damaged_line_alone(stage: Stage) -> None:
    first = stage.connect()
    stage.hub.down()
    for epoch in range(3):
        first.log_metrics(epoch, {"a": 1.0})
    stage.crash(first)
    journal = stage.outbox.spools[0].journal
    journal[journal.index(b'["m", 1') + 3] ^= 0x10
    journal += metrics_line(3, {"a": 1.0})[:-5]  # torn
    with stage.connect() as second:
        second.flush(timeout=10)
        assert {0, 2} == set(stage.hub.metrics(stage.model_id))
        assert 1 == second.status().reasons["damaged line in the outbox"]


def test_a_full_outbox_lets_training_go_on_and_counts(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    session = stage.connect()
    stage.clock.advance(1)
    stage.outbox.capacity = len(stage.outbox.spools[0].journal) + 400
    for epoch in range(100):
        session.log_metrics(epoch, {"a": 1.0})
    stage.disk.capacity = 10
    session.upload_checkpoint("last.pt", epoch=1)
    report = session.close()
    held = stage.hub.metrics(stage.model_id)
    assert report.metrics.delivered == len(held)
    assert report.metrics.delivered + report.metrics.lost == 100
    assert 1 == report.checkpoints.lost
    assert "could not be kept" in str(report)
    assert 2 == len([r for r in caplog.records if "outbox.full" in r.getMessage()])


def test_after_the_end_every_call_says_so(stage: Stage) -> None:
    session = stage.connect()
    report = session.finish()
    for call in (
        lambda: session.log_metrics(0, {}),
        lambda: session.log_text(0, "{}"),
        lambda: session.upload_checkpoint("last.pt", epoch=0),
        lambda: session.flush(timeout=1),
        lambda: session.finish("best.pt", epoch=0),
    ):
        with pytest.raises(hubport.SessionClosed, match=r"hubport\.connect"):
            call()
    assert report == session.close()
    assert report == session.status()


def test_flush_waits_for_what_is_under_way(stage: Stage) -> None:
    with stage.connect() as session:
        stage.hub.slow(5, on="metrics", calls=1)
        session.log_metrics(0, {"a": 1.0})
        stage.clock.settle()
        assert session.flush(timeout=60)
        assert 1 == session.status().metrics.delivered


def test_no_request_is_given_more_time_than_the_session_has(stage: Stage) -> None:
    class Patient(FakeHub):
        def send(self, request: Request, *, timeout: float) -> Response:
            granted.append((stage.clock.now(), timeout))
            return super().send(request, timeout=timeout)

    granted: list[tuple[float, float]] = []
    stage.hub = Patient(clock=stage.clock)
    stage.model_id = stage.hub.create_model().id
    session = stage.connect()
    session.upload_checkpoint("last.pt", epoch=0)
    stage.clock.advance(1)
    stage.hub.refuse(503, on="metrics", calls=1)
    session.log_metrics(0, {"a": 1.0})
    stage.clock.settle()
    session.upload_checkpoint("last.pt", epoch=1)  # for which it is not time yet
    session.close(timeout=5)
    assert all(at + timeout <= 6.0 for at, timeout in granted[-2:]), granted
    assert max(timeout for _, timeout in granted) <= 3600


def test_a_proxys_refusal_is_not_the_hubs(stage: Stage) -> None:
    with stage.connect() as session:
        stage.hub.garble(status=404, seconds=30)
        session.log_metrics(0, {"a": 1.0})
        stage.clock.advance(20)
        stage.hub.garble(status=403, seconds=30)
        stage.clock.advance(200)
        report = session.status()
    assert (1, 0) == (report.metrics.delivered, report.metrics.refused)


def test_within_may_be_for_ever(stage: Stage) -> None:
    session = stage.connect()
    session.log_metrics(0, {"a": 1.0})
    assert session.flush(timeout=math.inf)
    assert session.finish("best.pt", epoch=0, timeout=math.inf).is_complete


def test_a_close_in_the_middle_of_a_call_is_said(stage: Stage) -> None:
    session = stage.connect()
    stage.outbox.spools[0].seal()  # what the last worker does, after the call has seen an open session
    with pytest.raises(hubport.SessionClosed):
        session.log_metrics(0, {"a": 1.0})
    with pytest.raises(hubport.SessionClosed):
        session.log_text(0, "{}")
    with pytest.raises(hubport.SessionClosed):
        session.upload_checkpoint("last.pt", epoch=0)
    assert {"last.pt", "best.pt"} == set(stage.disk.files)
    assert 0 == session.status().metrics.lost


def test_after_a_refusal_an_epoch_is_completed_without_what_was_refused(stage: Stage) -> None:
    first = stage.connect()
    stage.hub.refuse(422, on="metrics", calls=1)
    first.log_metrics(0, {"bad": 1.0})
    first.flush(timeout=10)
    first.log_metrics(1, {"a": 1.0})
    first.flush(timeout=10)
    stage.hub.down()
    first.log_metrics(0, {"good": 1.0})
    stage.crash(first)
    with stage.connect() as second:
        second.flush(timeout=10)
        assert {0: {"good": 1.0}, 1: {"a": 1.0}} == stage.hub.metrics(stage.model_id)
