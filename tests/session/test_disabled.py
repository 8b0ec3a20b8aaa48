"""Sessions of other ranks than 0: they do nothing, say so once, and never get in the trainer's way."""

from __future__ import annotations

import math
import threading

import pytest

import hubport
from hubport import Count, Credentials
from tests.session.conftest import Stage
from tests.threads import threads_since


@pytest.fixture
def disabled(stage: Stage) -> hubport.TrainingSession:
    return stage.connect(rank=1)


def test_it_knows_what_to_train(stage: Stage, disabled: hubport.TrainingSession) -> None:
    with stage.connect() as first:
        assert first.train_args == disabled.train_args
        assert first.model_file == disabled.model_file
        assert first.model_url == disabled.model_url
        assert (stage.model_id, stage.model_id) == (disabled.model_id, disabled.record.id)
    assert repr(disabled) == f"<TrainingSession {disabled.model_url} disabled>"


def test_it_asks_for_the_model_and_nothing_else(stage: Stage, disabled: hubport.TrainingSession) -> None:
    """A thousand ranks need the model, and not a thousand opinions of the key."""
    stage.clock.advance(3600)
    assert ["model"] == [entry.kind for entry in stage.hub.ledger]


def test_every_call_does_nothing_and_comes_back(stage: Stage, disabled: hubport.TrainingSession) -> None:
    session = disabled
    session.log_metrics(0, {"loss": 1.0})
    session.log_text(1, "{}")
    session.log_queue({2: "{}"})
    session.upload_checkpoint("last.pt", epoch=0, is_best=True)
    session.upload_checkpoint("nowhere.pt", epoch=0)
    session.use_key("f" * 42)
    session.use_key(Credentials.bearer("an.id.token"))
    session.stop_heartbeats()
    session.start_heartbeats()
    session.pace(metrics=1.0, checkpoint=1.0, heartbeat=1.0)
    assert session.flush(timeout=math.inf)
    assert not session.send_final("best.pt", epoch=0, map=0.5)
    assert not session.is_running
    assert not session.is_closed
    assert not session.is_forked
    assert not session.is_beating
    assert session.is_disabled
    assert "disabled" == session.state
    assert session.is_idle
    assert session.agent_id is None
    now = stage.clock.now()
    for report in (session.status(), session.finish("best.pt", epoch=0, map=0.5), session.close(), session.close()):
        assert "disabled" == report.state
        assert (Count(), Count(), Count()) == (report.metrics, report.checkpoints, report.heartbeats)
        assert report.is_complete
        assert not report.final_delivered
        assert ({}, "") == (report.reasons, report.spool)
        assert report.as_json()["model_url"] == session.model_url
    stage.clock.advance(3600)
    assert now + 3600 == stage.clock.now()
    assert ["model"] == [entry.kind for entry in stage.hub.ledger]
    assert {"last.pt", "best.pt"} == set(stage.disk.files)


def test_it_is_a_context_manager_that_swallows_nothing(stage: Stage) -> None:
    with pytest.raises(ZeroDivisionError), stage.connect(rank=3) as session:
        raise ZeroDivisionError(session.model_id)


def test_it_has_no_thread_no_spool_and_no_handler(stage: Stage) -> None:
    before = set(threading.enumerate())
    with stage.connect(rank=2) as session:
        session.log_metrics(0, {"loss": 1.0})
        assert set() == threads_since(before)
        assert [] == stage.outbox.spools
        assert [] == stage.signals.watches
        assert {} == stage.model_cache.records
        assert [] == list(stage.state_dir.iterdir())


def test_it_gives_its_connection_back(stage: Stage) -> None:
    """A thousand ranks would otherwise keep a thousand of them open, from connect to the end."""
    closed: list[bool] = []
    stage.hub.close = lambda: closed.append(True)  # type: ignore[method-assign]
    with stage.connect(rank=1):
        assert [True] == closed


def test_it_says_so_once(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with stage.connect(rank=1) as session:
        for epoch in range(10):
            session.log_metrics(epoch, {"loss": 1.0})
        session.finish("best.pt", epoch=9)
    (warning,) = [record.getMessage() for record in caplog.records]
    assert warning.startswith("session.disabled ")
    assert "rank=1" in warning
    assert "HUBPORT_RANK=0" in warning


def test_it_takes_nothing_that_dead_runs_have_left(stage: Stage) -> None:
    first = stage.connect()
    stage.hub.down()
    first.log_metrics(0, {"a": 1.0})
    stage.crash(first)
    with stage.connect(rank=1):
        stage.clock.advance(100)
    assert {} == stage.hub.metrics(stage.model_id)
    assert 1 == len(stage.outbox.list_spools())
    assert not stage.outbox.list_spools()[0].is_owned


def test_it_sends_nothing_of_a_finished_model_either(stage: Stage) -> None:
    stage.finish_before_its_metrics()
    before = len(stage.hub.received("metrics"))
    with pytest.raises(hubport.AlreadyTrained):
        stage.connect(rank=1)
    assert before == len(stage.hub.received("metrics"))
    assert 1 == len(stage.outbox.spools)


def test_it_starts_offline_as_rank_0_does(stage: Stage) -> None:
    stage.connect().close()
    stage.hub.down()
    with stage.connect(rank=1, start_offline=True) as session:
        assert session.is_disabled
        assert 3 == session.train_args["epochs"]


def test_what_was_wrong_is_wrong_on_every_rank(stage: Stage) -> None:
    """A rank that went on alone would hang in its first collective call."""
    with pytest.raises(hubport.HubRefused):
        stage.connect("A" * 20, rank=1)
    with pytest.raises(hubport.AuthenticationFailed):
        hubport.connect(stage.model_id, api_key="1" * 42, settings=stage.settings(rank=1), **stage.ports())
    stage.hub.down()
    with pytest.raises(hubport.HubUnreachable):
        stage.connect(rank=1)


def test_of_many_ranks_one_reports(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with the variables that torchrun gives it."""
    sessions = []
    for rank in range(8):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("LOCAL_RANK", str(rank % 4))
        sessions.append(stage.connect(rank=None))
    monkeypatch.delenv("RANK")
    monkeypatch.delenv("LOCAL_RANK")
    for rank, session in enumerate(sessions):
        for epoch in range(3):
            session.log_metrics(epoch, {"rank": rank})
    stage.clock.advance(600)
    reports = [session.finish("best.pt", epoch=2, map=0.5) for session in sessions]
    assert [True] + [False] * 7 == [report.final_delivered for report in reports]
    assert {epoch: {"rank": 0} for epoch in range(3)} == stage.hub.metrics(stage.model_id)
    assert 1 == len(stage.hub.received("upload"))
    # At the beginning, two later, and the end.
    assert 4 == len(stage.hub.received("heartbeat"))


def test_the_drop_in_on_another_rank(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    before = set(threading.enumerate())
    session = stage.drop_in(rank=None)
    assert {"x-api-key": stage.hub.api_key} == session.auth_header
    assert 3 == session.train_args["epochs"]
    assert session.agent_id is None
    assert not session.alive
    session.metrics_queue = {0: '{"a": 1}'}
    session.upload_metrics()
    session.upload_model(0, "last.pt", is_best=True)
    session.upload_model(0, "nowhere.pt")
    session.rate_limits["heartbeat"] = 1.0
    session.rate_limits = {"metrics": 1.0}
    session.alive = True
    session._start_heartbeat()
    session.upload_model(0, "best.pt", map=0.5, final=True)
    session._register_signal_handlers()
    assert stage.model_id == session._get_model()["id"]
    session._stop_heartbeat()
    session.alive = False
    with pytest.raises(SystemExit):
        session._handle_signal(15, None)
    stage.clock.advance(3600)
    assert set() == threads_since(before)
    assert {"model"} == {entry.kind for entry in stage.hub.ledger}
    assert [] == stage.outbox.spools


@pytest.mark.parametrize("variable", ["SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK"])
def test_it_names_the_variable_that_it_goes_by(
    stage: Stage, variable: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever starts trainings of their own by `srun` or `mpirun` must learn why they say nothing."""
    monkeypatch.setenv(variable, "1")
    assert stage.connect(rank=None).is_disabled
    (warning,) = [record.getMessage() for record in caplog.records]
    assert f"says='{variable}'" in warning
