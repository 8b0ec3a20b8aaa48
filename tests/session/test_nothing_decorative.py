"""Bars and logs that raise: the work is done, and the report counts what could not be shown."""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

import hubport
from hubport.app.delivery.upload_progress import NOT_DRAWN
from hubport.app.log import NOT_LOGGED
from tests.session.conftest import Stage


class Broken(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise OSError(28, "No space left on device", record.name)


def broken_processor(*_: object) -> str:
    raise OSError(28, "No space left on device")


@pytest.fixture(params=["handler", "processor"])
def broken_log(request: pytest.FixtureRequest) -> Iterator[None]:
    handler = Broken()
    if request.param == "handler":
        logging.getLogger("hubport").addHandler(handler)
        logging.getLogger("hubport").setLevel(logging.DEBUG)
    else:
        structlog.configure(processors=[broken_processor])
    yield
    logging.getLogger("hubport").removeHandler(handler)
    logging.getLogger("hubport").setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.mark.usefixtures("broken_log")
def test_whatever_a_run_would_log_its_records_arrive_and_no_call_raises(stage: Stage) -> None:
    session = stage.connect(checkpoint_interval=3)
    stage.clock.advance(1)
    session.upload_checkpoint("nowhere.pt", epoch=0)  # checkpoint.missing
    stage.hub.down(seconds=60)
    session.log_metrics(0, {"a": 1.0})
    session.upload_checkpoint("last.pt", epoch=0)
    stage.clock.advance(600)  # hub.failed, hub.recovered
    stage.hub.refuse(422, on="metrics", calls=1)
    session.log_metrics(1, {"a": 1.0})
    stage.clock.advance(60)  # metrics.refused
    stage.hub.down(seconds=30)
    session.log_metrics(2, {"a": 1.0})
    report = session.finish("best.pt", epoch=2, map=0.5)  # delivery.waiting, session.closed
    assert report.final_delivered
    assert [0, 2] == sorted(stage.hub.metrics(stage.model_id))
    assert report.reasons[NOT_LOGGED] > 4


@pytest.mark.usefixtures("broken_log")
def test_a_signal_is_passed_on(stage: Stage) -> None:
    session = stage.connect()
    session.log_metrics(0, {"a": 1.0})
    stage.signals.raise_signal(15)
    stage.clock.advance(10)
    assert [15] == stage.signals.passed_on
    assert [0] == list(stage.hub.metrics(stage.model_id))


@pytest.mark.usefixtures("broken_log")
def test_connecting_and_syncing_go_on(stage: Stage) -> None:
    first = stage.connect()
    stage.hub.down()
    first.log_metrics(0, {"a": 1.0})
    stage.crash(first)
    session = stage.connect(start_offline=True, rank=1)  # session.disabled
    assert session.is_disabled
    with stage.connect() as session:
        assert session.flush(timeout=60)
    assert [0] == list(stage.hub.metrics(stage.model_id))


def unconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on as in a program that has configured no logging: pytest's own handlers are away."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])


def test_who_has_configured_nothing_sees_the_models_page_once(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    unconfigured(monkeypatch)
    with stage.connect() as session:
        session.log_metrics(0, {"a": 1.0})
        session.finish("best.pt", epoch=0, map=0.5)
    assert ("", f"hubport: this training is at {session.model_url}\n") == capsys.readouterr()


@pytest.mark.parametrize("how", ["setting", "level", "rank", "disabled"])
def test_the_line_can_be_silenced(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    unconfigured(monkeypatch)
    if how == "level":
        monkeypatch.setattr(logging.getLogger("hubport"), "level", logging.WARNING)
    if how == "disabled":
        monkeypatch.setattr(logging.root.manager, "disable", logging.INFO)
    stage.connect(announce=how != "setting", rank=1 if how == "rank" else 0)
    assert "this training is at" not in capsys.readouterr().err


def test_who_has_configured_logging_gets_it_as_an_event(
    stage: Stage, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO, "hubport")
    session = stage.connect()
    assert [f"session.started model_id='{stage.model_id}' url='{session.model_url}'"] == caplog.messages
    assert "" == capsys.readouterr().err


def test_the_drop_in_says_it_once_though_it_begins_again(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hubport")
    session = stage.drop_in()
    session.alive = False
    session.metrics_queue = {0: '{"a": 1}'}
    session.upload_metrics()
    assert 1 == sum(message.startswith("session.started") for message in caplog.messages)


def test_a_status_while_all_is_well_says_what_goes_when(stage: Stage) -> None:
    session = stage.connect()
    session.log_metrics(0, {"a": 1.0})
    session.upload_checkpoint("last.pt", epoch=0)
    stage.clock.advance(1)
    session.log_metrics(1, {"a": 1.0})
    session.upload_checkpoint("last.pt", epoch=1)
    stage.clock.advance(0.5)
    status = session.status()
    assert str(status).startswith("running: 1 of 2 metrics and 1 of 2 checkpoints delivered")
    assert str(status).endswith("; next: 1 record in 2 s, 1 checkpoint in 15 min.")
    assert "sync" not in str(status)
    stage.hub.down()
    stage.clock.advance(5)
    assert "the HUB takes nothing now: no answer" in str(session.status())
    assert "'hubport sync'" in str(session.status())
    assert not str(session.close()).startswith("running")


def test_a_bar_that_raises_costs_neither_the_checkpoint_nor_the_report(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    stage.hub.down(on="upload", calls=2)
    report = stage.connect(progress=True).finish("best.pt", epoch=0, map=0.5)
    assert report.final_delivered
    assert 1 == report.reasons[NOT_DRAWN]


def test_finish_with_a_closed_stderr_returns_its_report(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        closed = open("/dev/null", "w")  # noqa: PTH123, SIM115
        closed.close()
        patched.setattr(sys, "stderr", closed)
        session = hubport.connect(
            stage.model_id,
            api_key=stage.hub.api_key,
            settings=hubport.Settings(state_dir=stage.state_dir, rank=0),
            **stage.ports(),
        )
        stage.sessions.append(session)
        report = session.finish("best.pt", epoch=0, map=0.5)
    assert report.is_complete


def test_the_bar_goes_on_while_nothing_moves(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[float, int]] = []

    class Bar:
        n, total = 0, 0

        def __init__(self, *, total: int, **_: object) -> None:
            self.total = total

        def update(self, number: int) -> None:
            self.n += number

        def reset(self, total: int) -> None:
            self.n, self.total = 0, total

        def refresh(self) -> None:
            shown.append((stage.clock.now(), self.n))

        def clear(self) -> None:
            pass

        def close(self) -> None:
            pass

        @classmethod
        def set_lock(cls, lock: object) -> None:
            pass

    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    session = stage.connect(progress=True)
    stage.clock.advance(1)
    stage.hub.slow(20, on="upload")
    began = stage.clock.now()
    session.finish("best.pt", epoch=0, map=0.5)
    times = [at - began for at, _ in shown]
    assert 40 <= len(times) <= 50
    assert all(0 < after - before <= 0.5 for before, after in itertools.pairwise(times) if after < 20)
    assert 4 == shown[-1][1]
