"""An adapter of a trainer's own that breaks its port: no outage, so nobody waits for its end; and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

import hubport
from hubport.domain.ports.http import Http, Request, Response
from tests.session.conftest import Stage


@attrs.define
class Broken(Http):
    """Passes everything on, or, when it *is_on*, does *what* with it."""

    behind: Http
    what: Callable[[Request], Any]
    is_on: bool = False
    calls: int = 0

    def send(self, request: Request, *, timeout: float) -> Response:
        if not self.is_on:
            return self.behind.send(request, timeout=timeout)
        self.calls += 1
        answer: Response = self.what(request)
        return answer

    def close(self) -> None:
        self.behind.close()


def raises(error: Exception) -> Callable[[Request], Any]:
    def what(request: Request) -> Any:
        raise error

    return what


def seeks(request: Request) -> Any:
    """Looks how long the file is, which its reader does not know."""
    if request.file is None:
        raise TypeError("no file")
    return request.file.open().seek(0, 2)  # type: ignore[attr-defined]


def connected(stage: Stage, http: Http, **settings: Any) -> hubport.TrainingSession:
    ports = stage.ports() | {"http": http}
    session = hubport.connect(stage.model_id, api_key=stage.hub.api_key, settings=stage.settings(**settings), **ports)
    stage.sessions.append(session)
    return session


FAULTS: dict[str, tuple[Callable[[Request], Any], str]] = {
    "a built-in": (raises(ConnectionResetError(104, "reset")), "raised ConnectionResetError: [Errno 104] reset"),
    "a slip": (raises(KeyError("a")), "raised KeyError: 'a'"),
    "without words": (raises(ValueError()), "raised ValueError (test_broken_adapter.py:"),
    "nothing": (lambda request: None, "returned no Response but NoneType"),
    "a tuple": (lambda request: (200, {}, b""), "returned no Response but tuple"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("end", ["flush", "finish", "close"])
def test_who_waits_is_told_at_once_and_what_was_logged_is_kept(stage: Stage, fault: str, end: str) -> None:
    what, text = FAULTS[fault]
    http = Broken(stage.hub, what)
    session = connected(stage, http)
    stage.clock.settle()
    http.is_on = True
    session.log_metrics(0, {"a": 1.0})
    session.upload_checkpoint("last.pt", epoch=0)
    before = stage.clock.now()

    if end == "flush":
        assert not session.flush(timeout=3600)
        report = session.status()
    elif end == "finish":
        report = session.finish("best.pt", epoch=0, map=0.5, timeout=3600)
    else:
        report = session.close(timeout=3600)

    assert stage.clock.now() - before < 60
    assert http.calls < 12
    assert not report.is_complete
    assert (1, 0) == (report.metrics.waiting, report.metrics.lost)
    (reason,) = (reason for reason in report.reasons if text in reason)
    assert "test_broken_adapter.Broken" in reason
    assert reason in str(report)
    http.is_on = False
    if end != "flush":
        stage.clock.settle()
        session = connected(stage, http)
    assert session.flush(timeout=3600)
    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)


def test_a_fault_with_files_alone_costs_the_metrics_nothing(stage: Stage) -> None:
    http = Broken(stage.hub, seeks)
    session = connected(stage, http)
    stage.clock.settle()
    session.log_metrics(0, {"a": 1.0})
    session.upload_checkpoint("last.pt", epoch=0)
    http.what = lambda request: seeks(request) if request.file else stage.hub.send(request, timeout=60)
    http.is_on = True

    assert not session.flush(timeout=3600)

    assert {0: {"a": 1.0}} == stage.hub.metrics(stage.model_id)
    assert any("raised AttributeError" in reason for reason in session.status().reasons)
    http.is_on = False


def test_training_goes_on_and_all_arrives_when_the_fault_is_over(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    http = Broken(stage.hub, raises(KeyError("a")))
    with connected(stage, http) as session:
        stage.clock.settle()
        http.is_on = True
        for epoch in range(100):
            session.log_metrics(epoch, {"a": 1.0})
            stage.clock.advance(60)
        assert 2 == len([record for record in caplog.records if "raised KeyError" in record.getMessage()])
        http.is_on = False
        stage.clock.advance(3600)
        assert 100 == len(stage.hub.metrics(stage.model_id))
    assert session.status().is_complete


def test_connect_names_the_adapter_and_no_key(stage: Stage) -> None:
    def quotes(request: Request) -> Any:
        raise RuntimeError(f"cannot send {dict(request.headers).items()} {''.join(request.headers.values())}")

    http = Broken(stage.hub, quotes, is_on=True)
    with pytest.raises(
        hubport.InvalidAdapter, match=r"test_broken_adapter\.Broken raised RuntimeError.*py:\d+"
    ) as caught:
        connected(stage, http)
    assert stage.hub.api_key not in str(caught.value) + repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_an_interrupt_is_no_fault_of_the_adapter(stage: Stage, error: BaseException) -> None:
    def what(request: Request) -> Any:
        raise error

    with pytest.raises(type(error)):
        connected(stage, Broken(stage.hub, what, is_on=True))
