"""What goes wrong inside is told to the log, and not to the client."""

from __future__ import annotations

from typing import Any

import structlog

from hubport.domain.hub.ports.store import MetricsDelta
from hubport.testing.fakes.hub_store import FakeHubStore
from tests.integration.hub.wires import KEY, MODEL, PATH, Talk, served


class Broken(FakeHubStore):
    def metrics(self, model_id: str, *, after: int = 0) -> MetricsDelta:
        raise ZeroDivisionError("the secret inside")


class Log:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def debug(self, event: str, **values: Any) -> None:
        self.told.append({"event": event, "level": "debug", **values})

    def error(self, event: str, **values: Any) -> None:
        self.told.append({"event": event, "level": "error", **values})

    def of(self, event: str) -> list[dict[str, Any]]:
        return [told for told in self.told if told["event"] == event]


def test_a_fault_is_a_500_with_a_reference_into_the_log() -> None:
    log = Log()
    with served(store=Broken(), log=log) as server, Talk(server) as talk:
        talk.ask("GET", PATH)
        answer = talk.heard()
        assert (500, False) == (answer.status, "secret" in answer.message)
        assert b"Traceback" not in answer.body
        (told,) = log.of("web.failed")
        assert told["reference"] in answer.message
        assert isinstance(told["exc_info"], ZeroDivisionError)

        talk.ask("GET", "/v1/projects")
        assert 200 == talk.heard().status


def test_each_request_is_one_event_without_its_key_and_its_query() -> None:
    log = Log()
    with served(log=log) as server, Talk(server) as talk:
        for path in (PATH, f"/models/{MODEL}?api_key={KEY}", f"/v1/models?query={KEY}"):
            talk.ask("GET", path)
            talk.heard()

    events = log.of("web.request")
    assert [PATH, f"/models/{MODEL}", "/v1/models"] == [event["path"] for event in events]
    assert [("debug", "GET", 200, "127.0.0.1")] * 3 == [
        (event["level"], event["method"], event["status"], event["peer"]) for event in events
    ]
    assert KEY not in repr(log.told)


def test_without_a_log_nothing_is_printed(capfd: Any, caplog: Any) -> None:
    assert not structlog.is_configured()
    with served(lingering_timeout=0.05, header_timeout=0.3) as server:
        with Talk(server) as talk:
            talk.ask("GET", PATH)
            talk.heard()
            talk.say("nonsense\r\n\r\n")
            talk.heard()
        with Talk(server) as silent:
            assert silent.is_over()  # by then what was to come of the first has come

    assert ("", "") == capfd.readouterr()
    assert [] == caplog.records
