"""Copies of sessions, by pickle and copy: they know their model, hold no key, do nothing, and say so once."""

from __future__ import annotations

import copy
import math
import pickle
import threading
import types
from collections.abc import Callable
from typing import Any

import pytest

import hubport
from hubport import Count
from tests.session.conftest import Stage


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))  # noqa: S301 - made a moment ago


WAYS = pytest.mark.parametrize("made", [pickled, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
Way = Callable[[Any], Any]


class Sub(hubport.HUBTrainingSession):
    """As trainers of 2023 have it."""


@pytest.fixture
def trainer(stage: Stage) -> types.SimpleNamespace:
    """An object of a trainer's, which holds a session and does not know what copies it."""
    return types.SimpleNamespace(hub=stage.connect(api_key=stage.hub.api_key))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


@WAYS
def test_it_knows_what_to_train(stage: Stage, made: Way) -> None:
    session = stage.connect()
    session.of_the_trainer = [1, 2]  # type: ignore[attr-defined]
    twin = made(session)
    assert session.model_id == twin.model_id
    assert session.model_url == twin.model_url
    assert session.model_file == twin.model_file
    assert session.train_args == twin.train_args
    assert session.record == twin.record
    assert session.settings == twin.settings
    assert [1, 2] == twin.of_the_trainer
    assert "copy" == twin.status().state
    assert f"<TrainingSession {session.model_url} copy>" == repr(twin)
    assert twin.is_copy
    assert not session.is_copy
    assert session.is_running


@WAYS
def test_every_call_does_nothing_and_the_first_that_logs_says_so(
    stage: Stage, made: Way, caplog: pytest.LogCaptureFixture
) -> None:
    before = set(threading.enumerate())
    session = stage.connect()
    workers = set(threading.enumerate()) - before
    twin = made(session)
    assert [] == warnings(caplog)
    assert not twin.is_running
    assert not twin.is_closed
    assert not twin.is_forked
    assert not twin.is_disabled
    assert not twin.is_beating
    assert twin.is_idle
    assert twin.agent_id is None
    twin.stop_heartbeats()
    twin.start_heartbeats()
    twin.pace(metrics=1.0, checkpoint=1.0, heartbeat=1.0)
    twin.use_key("f" * 42)
    assert not twin.flush(timeout=math.inf)
    assert twin.status().is_complete
    assert twin.close(timeout=math.inf).is_complete
    assert [] == warnings(caplog)
    twin.log_metrics(0, {"loss": 1.0})
    (warning,) = warnings(caplog)
    assert warning.startswith("session.not_sent ")
    assert "call='log_metrics'" in warning
    assert "copy of a session" in warning
    assert f"hubport.connect('{session.model_url}')" in warning
    twin.log_text(1, "{}")
    twin.log_queue({2: "{}", 3: {"a": 1}})
    twin.upload_checkpoint("last.pt", epoch=0)
    report = twin.finish("best.pt", epoch=0, map=0.5)
    twin.close()
    twin.log_metrics(4, {"loss": 1.0})
    assert [warning] == warnings(caplog)
    assert (Count(logged=4, lost=4), Count(logged=2, lost=2)) == (report.metrics, report.checkpoints)
    assert not report.is_complete
    assert "4 metrics and 2 checkpoints were logged where nothing is sent" in str(report)
    assert workers | before == set(threading.enumerate())
    assert {} == stage.hub.metrics(stage.model_id)


@pytest.mark.parametrize("state", ["running", "closed", "disabled", "copy"])
@WAYS
def test_a_session_in_any_state_can_be_copied(stage: Stage, made: Way, state: str) -> None:
    session = stage.connect(rank=1) if state == "disabled" else stage.connect()
    if state == "closed":
        session.close()
    if state == "copy":
        session = pickled(session)
    assert state == session.status().state
    assert made(session).is_copy
    assert session.train_args == made(session).train_args
    assert state == session.status().state


def test_another_rank_reports_for_its_copies_too(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Trainers that spawn their ranks give each of them a copy of the session."""
    twin = pickled(stage.connect(rank=None))
    monkeypatch.setenv("LOCAL_RANK", "1")
    twin.log_metrics(0, {"loss": 1.0})
    assert twin.finish("best.pt", epoch=0).is_complete
    assert [] == warnings(caplog)


def test_no_key_goes_along(stage: Stage) -> None:
    """Neither in what we hold of it nor where a HUB quotes it."""
    key = stage.hub.api_key
    quoting = stage.hub.create_model(epochs=3, data=f"https://hub.example/datasets?key={key}").id
    session = stage.connect(quoting, api_key=key)
    old = stage.drop_in(quoting, api_key=key)
    renewed = stage.connect()
    renewed.use_key("f" * 42)
    renewed.train_args["note"] = "f" * 42
    assert key in session.train_args["data"]
    for thing in (session, old, types.SimpleNamespace(sessions=[session, {"old": old}])):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert key.encode() not in pickle.dumps(thing, protocol)
        assert key not in repr(vars(copy.deepcopy(thing)))
    assert b"f" * 42 not in pickle.dumps(renewed)
    assert pickled(session).settings.api_key is None
    assert key in session.train_args["data"]


@WAYS
def test_the_drop_in(stage: Stage, made: Way, caplog: pytest.LogCaptureFixture) -> None:
    old = Sub(f"{stage.hub.api_key}_{stage.model_id}", settings=stage.settings(), **stage.ports())
    stage.sessions.append(old._session)
    old.metrics_queue = {0: '{"a": 1}'}
    old.timers["ckpt"] = 3.0
    old.rate_limits["ckpt"] = 7.0
    twin = made(old)
    assert type(twin) is Sub
    for name in ("model_id", "model_url", "api_url", "model", "model_file", "train_args", "timers", "metrics_queue"):
        assert getattr(old, name) == getattr(twin, name), name
    assert {"metrics": 3.0, "ckpt": 7.0, "heartbeat": 300.0} == twin.rate_limits
    assert {} == twin.auth_header
    assert twin.agent_id is None
    assert not twin.alive
    twin.rate_limits["metrics"] = 1.0
    twin.rate_limits = {"heartbeat": 2.0}
    assert {"metrics": 3.0, "ckpt": 7.0, "heartbeat": 300.0} == old.rate_limits
    twin.alive = True
    twin.alive = False
    twin._start_heartbeat()
    twin._register_signal_handlers()
    assert twin.model == twin._get_model()
    assert [] == warnings(caplog)
    twin.upload_metrics()
    twin.upload_model(0, "last.pt")
    twin.upload_model(0, "best.pt", final=True)
    (warning,) = warnings(caplog)
    assert "copy of a session" in warning
    assert old.alive
    assert {0: '{"a": 1}'} == old.metrics_queue
    with pytest.raises(SystemExit):
        twin._handle_signal(15, None)
    assert made(twin).model == old.model
    limits = made(old.rate_limits)
    assert dict(old.rate_limits) == limits
    limits["ckpt"] = 1.0
    assert 7.0 == old.rate_limits["ckpt"]


def test_what_a_session_gives_out_can_be_copied(stage: Stage) -> None:
    session = stage.connect()
    session.log_metrics(0, {"loss": 1.0})
    report = session.finish("best.pt", epoch=0)
    assert report == pickled(report) == copy.deepcopy(report)
    assert session.record == pickled(session.record)
    log = pickled(session.log_metrics)
    log(0, {"loss": 1.0})
    assert log.__self__.is_copy


def test_a_trainer_is_copied_with_it(trainer: types.SimpleNamespace, stage: Stage) -> None:
    best = copy.deepcopy(trainer)
    assert best.hub.is_copy
    trainer.hub.log_metrics(0, {"loss": 1.0})
    assert trainer.hub.flush(timeout=60)
    assert [0] == list(stage.hub.metrics(stage.model_id))
