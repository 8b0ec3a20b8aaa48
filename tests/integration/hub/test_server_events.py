"""Listening to a model: server-sent events."""

from __future__ import annotations

import contextlib
import json
import threading
from typing import Any

import pytest

from hubport.adapters.web.server import HubServer
from hubport.domain.errors import StoreUnusable
from hubport.domain.hub.ports.store import MetricsDelta
from hubport.domain.hub.rate_limit import RateLimiter
from hubport.testing.fakes.hub_store import FakeHubStore
from tests.integration.hub.test_server_faults import Log
from tests.integration.hub.wires import KEY, MODEL, PATH, Environment, Talk, served

CHANGES = f"{PATH}/changes"
QUICK: dict[str, Any] = {"poll": 0.02}


class Listener(Talk):
    """Who listens."""

    def listen(self, path: str = CHANGES, **headers: str) -> None:
        self.ask("GET", path, accept="text/event-stream", **headers)
        first = self.until(b"\r\n\r\n")
        assert b"HTTP/1.1 200" in first
        assert b"content-type: text/event-stream" in first

    def event(self) -> dict[str, str]:
        """The next event, or comment, as its lines say."""
        while True:
            size = int(self.until(b"\r\n"), 16)
            if size == 0:
                raise EOFError
            lines = self.exactly(size).decode().removesuffix("\n\n").split("\n")
            self.exactly(2)
            return {name: value for name, _, value in (line.partition(": ") for line in lines)}

    def change(self) -> tuple[int, Any]:
        """The next change: its id, and the epochs in it."""
        event = self.event()
        data = json.loads(event["data"])
        assert int(event["id"]) == data["revision"]
        return int(event["id"]), data["epochs"]


def log(server: HubServer, epoch: int) -> None:
    with Talk(server) as talk:
        body = {"metrics": {str(epoch): json.dumps({"loss": epoch})}}
        talk.ask("POST", PATH, json.dumps(body).encode())
        assert 200 == talk.heard().status


def test_who_listens_hears_the_state_and_then_each_change() -> None:
    with served(**QUICK) as server, Listener(server) as listener:
        log(server, 0)
        listener.listen()
        first, epochs = listener.change()
        assert {"0": {"loss": 0}} == epochs
        log(server, 1)
        second, epochs = listener.change()

        assert {"1": {"loss": 1}} == epochs
        assert second > first


def test_who_comes_back_with_the_last_id_hears_what_came_since() -> None:
    with served(**QUICK) as server:
        log(server, 0)
        with Listener(server) as listener:
            listener.listen()
            last, _ = listener.change()
        log(server, 1)
        # A browser that comes back asks at the address where it began, and says besides how far it is.
        by_id = {"last_event_id": str(last)}
        for path, headers in ((CHANGES, by_id), (f"{CHANGES}?after={last}", {}), (f"{CHANGES}?after=0", by_id)):
            with Listener(server) as listener:
                listener.listen(path, **headers)
                assert {"1": {"loss": 1}} == listener.change()[1]


def test_changes_by_another_process_are_heard() -> None:
    store = FakeHubStore()
    with served(store=store, **QUICK) as server, Listener(server) as listener:
        listener.listen()
        listener.change()
        store.put_metrics(MODEL, {7: "{}"}, at=0.0)

        assert {"7": {}} == listener.change()[1]


class Recounted(FakeHubStore):
    """Can have begun anew: its revisions are then so many less."""

    less = 0

    def revision(self, model_id: str) -> int:
        return super().revision(model_id) - self.less

    def metrics(self, model_id: str, *, after: int = 0) -> MetricsDelta:
        series = super().metrics(model_id, after=after)
        return MetricsDelta(series.revision - self.less, series.epochs)


def test_a_hub_that_has_begun_anew_says_so_by_its_revision() -> None:
    store = Recounted()
    with served(store=store, **QUICK) as server, Listener(server) as listener:
        for epoch in range(5):
            log(server, epoch)
        listener.listen()
        before, _ = listener.change()
        store.less = 3
        after, _ = listener.change()

        assert before - 3 == after


class Faltering(FakeHubStore):
    """Its database goes away."""

    is_away = False

    def revision(self, model_id: str) -> int:
        if self.is_away:
            raise StoreUnusable("sqlite", "away")
        return super().revision(model_id)


def test_a_database_that_goes_away_breaks_the_stream_and_does_not_end_it_in_order() -> None:
    store, log = Faltering(), Log()
    with served(store=store, log=log, **QUICK) as server, Listener(server) as listener:
        listener.listen()
        listener.change()
        store.is_away = True

        assert b"" == listener.rest()  # the last chunk is missing
    assert [None] == [event["status"] for event in log.of("web.request")]
    assert 1 == len(log.of("web.store_unusable"))


def test_nothing_else_is_said_in_the_middle_of_a_stream() -> None:
    with served(**QUICK) as server, Listener(server) as listener:
        listener.listen(transfer_encoding="chunked")
        listener.change()
        listener.say(b"no length\r\n")

        assert b"" == listener.rest()


def test_a_quiet_stream_is_kept_alive_by_comments() -> None:
    with served(keep_alive=0.05, **QUICK) as server, Listener(server) as listener:
        listener.listen()
        listener.change()

        assert [{"": "still here"}] * 2 == [listener.event(), listener.event()]


def test_a_model_that_is_deleted_ends_the_stream_and_says_so() -> None:
    for query in ("", "?hard=true"):
        with served(**QUICK) as server, Listener(server) as listener:
            listener.listen()
            listener.change()
            with Talk(server) as talk:
                talk.ask("DELETE", PATH + query)
                assert 200 == talk.heard().status
            event = listener.event()

            assert "gone" == event["event"]
            assert json.loads(event["data"])["message"]
            with pytest.raises(EOFError):
                listener.event()


def test_a_key_that_is_revoked_ends_the_stream() -> None:
    environment = Environment()
    with served(environment=environment, keep_alive=0.05, **QUICK) as server, Listener(server) as listener:
        listener.listen(connection="close")
        listener.change()
        environment.is_revoked = True

        with contextlib.suppress(EOFError):
            while True:
                assert {"": "still here"} == listener.event()
        assert b"\r\n" == listener.rest()


def test_the_end_of_the_server_ends_the_stream_in_order() -> None:
    with served(poll=3600.0) as server, Listener(server) as listener:
        listener.listen()
        listener.change()
        closing = threading.Thread(target=server.close)
        closing.start()

        with pytest.raises(EOFError):
            listener.event()
        assert b"\r\n" == listener.rest()  # and not a broken connection
        closing.join()


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        (CHANGES, None, 401),
        (CHANGES.replace(MODEL, "A" * 20), KEY, 404),
        (f"{CHANGES}?after=x", KEY, 422),
        (PATH, KEY, 200),
    ],
)
def test_who_may_not_listen_gets_json(path: str, key: str | None, status: int) -> None:
    log = Log()
    with served(log=log) as server, Talk(server) as talk:
        talk.ask("GET", path, key=key, accept="text/event-stream")
        answer = talk.heard()

        assert (status, "application/json") == (answer.status, answer.headers["content-type"])
    assert [status] == [event["status"] for event in log.of("web.request")]


def test_who_asks_for_events_where_there_are_none_is_charged_once() -> None:
    with served(allowance=RateLimiter(1, 3600.0)) as server, Talk(server) as talk:
        talk.ask("GET", PATH, accept="text/event-stream")
        assert 200 == talk.heard().status


def test_listeners_are_bounded_and_one_that_goes_makes_room() -> None:
    with served(listeners=2, poll=3600.0) as server, contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(Listener(server)) for _ in range(2))
        for listener in (first, second):
            listener.listen()
            listener.change()
        with Talk(server) as talk:
            talk.ask("GET", CHANGES, accept="text/event-stream")
            assert 503 == talk.heard().status
            first.close()
            # The server hears of it in its own time.
            while True:
                talk.ask("GET", CHANGES, accept="text/event-stream")
                if b" 200 " in talk.until(b"\r\n"):
                    break
                talk.until(b"}")
