from __future__ import annotations

import json
import threading

import pytest

import hubport
from tests.session.conftest import Stage
from tests.threads import left_since


def test_attributes_have_their_old_names_types_and_values(stage: Stage) -> None:
    session = stage.drop_in()
    assert session.agent_id is None or isinstance(session.agent_id, str)
    stage.clock.settle()
    assert session.agent_id == stage.hub.model(stage.model_id).agent_id
    assert stage.model_id == session.model_id
    assert f"https://hub.invalid/models/{stage.model_id}" == session.model_url
    assert f"https://hub.invalid/v1/models/{stage.model_id}" == session.api_url
    assert {"x-api-key": stage.hub.api_key} == session.auth_header
    assert {"metrics": 3.0, "ckpt": 900.0, "heartbeat": 300.0} == session.rate_limits
    assert ({}, {}, True) == (session.timers, session.metrics_queue, session.alive)
    assert stage.model_id == session.model["id"]
    assert ["batch", "epochs", "imgsz", "patience", "device", "cache", "data"] == list(session.train_args)
    assert "yolov8n.pt" == session.model_file
    session.alive = False


def train(stage: Stage, session: hubport.HUBTrainingSession, epochs: int, *, every: float) -> None:
    """What the callbacks of 2023 do."""
    now = stage.clock.now
    session.timers = {"metrics": now(), "ckpt": now()}
    for epoch in range(epochs):
        stage.clock.advance(every)
        session.metrics_queue[epoch] = json.dumps({"loss": 1 / (epoch + 1)})
        if now() - session.timers["metrics"] > session.rate_limits["metrics"]:
            session.upload_metrics()
            session.timers["metrics"] = now()
            session.metrics_queue = {}
        if now() - session.timers["ckpt"] > session.rate_limits["ckpt"]:
            session.upload_model(epoch, "last.pt", False)
            session.timers["ckpt"] = now()
    session.upload_model(epochs - 1, "best.pt", map=0.42, final=True)
    session.alive = False


@pytest.mark.parametrize(("epochs", "every"), [(2, 0.4), (50, 0.7), (40, 60.0)])
def test_a_training_driven_by_callbacks_arrives_whole(stage: Stage, epochs: int, every: float) -> None:
    session = stage.drop_in()
    train(stage, session, epochs, every=every)
    assert {epoch: {"loss": 1 / (epoch + 1)} for epoch in range(epochs)} == stage.hub.metrics(stage.model_id)
    assert "trained" == stage.hub.model(stage.model_id).status
    final = (stage.hub.received("upload")[-1].fields or {}).items()
    assert {"epoch": str(epochs - 1), "type": "final", "map": "0.42"}.items() == final
    assert session.metrics_queue == {}
    # What was still in the queue went out before the upload, and the end of the run after it.
    assert ["upload", "heartbeat"] == [entry.kind for entry in stage.hub.ledger[-2:]]
    assert {"state": "closed"}.items() <= stage.hub.ledger[-1].json.items()


def test_an_outage_of_the_measured_kind_loses_nothing(stage: Stage) -> None:
    """The old class delivered 100 of 200 epochs here."""
    session = stage.drop_in()
    for epoch in range(200):
        if epoch == 20:
            stage.hub.down(seconds=10, on="metrics")
        session.metrics_queue = {epoch: "{}"}
        session.upload_metrics()
        stage.clock.advance(0.1)
    stage.clock.advance(60)
    assert set(range(200)) == set(stage.hub.metrics(stage.model_id))


def test_the_newest_text_of_an_epoch_replaces_the_older(stage: Stage) -> None:
    session = stage.drop_in()
    session.metrics_queue = {0: '{"a": 1, "b": 1}'}
    session.upload_metrics()
    session.metrics_queue = {0: '{"a": 2}'}
    session.upload_metrics()
    stage.clock.advance(10)
    assert {0: {"a": 2}} == stage.hub.metrics(stage.model_id)


def test_the_text_goes_out_as_it_is_less_what_is_no_json(stage: Stage) -> None:
    session = stage.drop_in()
    session.metrics_queue = {0: '{"a":1,   "b": 2.50}', 1: '{"a": NaN, "b": [Infinity, 1]}', 2: "no json"}
    session.upload_metrics()
    stage.clock.advance(10)
    sent = stage.hub.received("metrics")[-1].json["metrics"]
    assert {"0": '{"a":1,   "b": 2.50}', "1": '{"a": null, "b": [null, 1]}', "2": "no json"} == sent


def test_alive_stops_heartbeats_promptly_and_starts_them_again(stage: Stage) -> None:
    session = stage.drop_in()
    stage.clock.advance(10)
    session.alive = False
    stage.clock.advance(20)
    assert [0.0, 10.0] == stage.times("heartbeat")
    assert "stopped" == stage.state()
    session.alive = True
    stage.clock.advance(600)
    assert [0.0, 10.0, 30.0, 330.0, 630.0] == stage.times("heartbeat")
    assert "training" == stage.state()
    session._stop_heartbeat()
    assert not session.alive
    session._start_heartbeat()
    assert session.alive


def test_a_finished_one_gives_back_its_threads_and_what_comes_after_all_is_sent(stage: Stage) -> None:
    before = set(threading.enumerate())
    session = stage.drop_in()
    train(stage, session, 2, every=1.0)
    stage.clock.settle()
    assert set() == left_since(before)
    assert [] == stage.signals.watches
    assert not session.alive
    session.metrics_queue = {7: '{"late": 1}'}
    session.upload_metrics()
    stage.clock.advance(10)
    assert {"late": 1} == stage.hub.metrics(stage.model_id)[7]
    assert not session.alive
    beats = len(stage.times("heartbeat"))
    session.alive = True
    stage.clock.settle()
    assert beats + 1 == len(stage.times("heartbeat"))
    session._session.close()


def test_rate_limits_may_be_changed(stage: Stage) -> None:
    session = stage.drop_in()
    stage.clock.settle()
    session.rate_limits["heartbeat"] = 60.0
    stage.clock.advance(420)
    assert [0.0, 300.0, 360.0, 420.0] == stage.times("heartbeat")
    session.rate_limits = {"heartbeat": 30.0}
    assert 30.0 == session.rate_limits["heartbeat"]


def test_a_missing_checkpoint_sends_no_form_without_a_file(stage: Stage) -> None:
    session = stage.drop_in()
    session.upload_model(0, "nowhere.pt")
    session.upload_model(0, "nowhere/best.pt", final=True)
    stage.clock.advance(10)
    assert [] == stage.hub.received("upload")


def test_a_final_upload_that_fails_ends_in_a_warning(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    session = stage.drop_in(finish_timeout=60.0)
    stage.hub.refuse(503, on="upload")
    session.upload_model(0, "best.pt", final=True)
    assert "final.waiting" in caplog.text


def test_a_signal_handler_called_by_hand_leaves_as_the_old_one_did(stage: Stage) -> None:
    session = stage.drop_in(signal_timeout=60.0)
    session._register_signal_handlers()
    session.metrics_queue = {0: "{}"}
    session.upload_metrics()
    with pytest.raises(SystemExit) as caught:
        session._handle_signal(15, None)
    assert 15 == caught.value.code
    assert {0: {}} == stage.hub.metrics(stage.model_id)


def test_the_model_can_be_fetched_again(stage: Stage) -> None:
    session = stage.drop_in()
    session.upload_model(3, "last.pt")
    stage.clock.settle()
    assert "training" == session._get_model()["status"]
    assert {"data": "coco8.yaml", "resume": True} == session.train_args
    assert session.model_file.endswith("-epoch-3.pt")


def test_what_the_old_class_raised_is_still_caught(stage: Stage) -> None:
    hub = stage.hub
    holes = hub.create_model(record={"epochs": ..., "train_args": ...})
    unready = hub.create_model(data="")
    for model, builtin in ((holes.id, KeyError), (unready.id, ValueError), ("A" * 20, ValueError)):
        with pytest.raises(builtin):
            stage.drop_in(model)
    train(stage, stage.drop_in(), 1, every=1.0)
    with pytest.raises(ValueError, match="already trained"):
        stage.drop_in()
    with pytest.raises(ValueError, match="https://"):
        hubport.HUBTrainingSession("nonsense", settings=stage.settings(), **stage.ports())
    hub.down()
    with pytest.raises(OSError, match="no answer"):
        stage.drop_in()


def test_one_call_of_several_epochs_is_one_request(stage: Stage) -> None:
    session = stage.drop_in(metrics_interval=0.0)
    for first in range(0, 300, 3):
        session.metrics_queue = dict.fromkeys(range(first, first + 3), "{}")
        session.upload_metrics()
        stage.clock.settle()
    assert [3] * 100 == [len(entry.json["metrics"]) for entry in stage.hub.received("metrics")]
