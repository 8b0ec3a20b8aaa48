"""The end of a server: what is under way is finished, what would never end is cut, and nobody listens any more."""

from __future__ import annotations

import socket
import threading

import pytest

from hubport.adapters.web import server as server_module
from hubport.adapters.web.server import HubServer
from hubport.domain.hub.ports.store import MetricsDelta
from hubport.testing.fakes.hub_store import FakeHubStore
from hubport.testing.lab import HANG_TIMEOUT
from tests.integration.hub.test_server_pending_blobs import WatchedBlobs, goes_on
from tests.integration.hub.wires import FORM, PATH, Talk, checkpoint, head, hub, served
from tests.threads import left_since

UPLOAD = f"{PATH}/upload"
METRICS = b'{"metrics": {"0": "{}"}}'


class Slow(FakeHubStore):
    """Reads no metrics before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may = threading.Event(), threading.Event()

    def metrics(self, model_id: str, *, after: int = 0) -> MetricsDelta:
        self.asked.set()
        assert self.may.wait(HANG_TIMEOUT)
        return super().metrics(model_id, after=after)


def closing(server: HubServer, timeout: float) -> threading.Thread:
    """Its end, which has begun: nobody listens."""
    thread = threading.Thread(target=server.close, args=(timeout,), daemon=True)
    thread.start()
    while True:
        try:
            socket.create_connection(("127.0.0.1", server.port)).close()
        except OSError:
            return thread


def test_what_is_under_way_is_finished() -> None:
    store = Slow()
    body = checkpoint(bytes(3 << 20))
    with (
        served(store=store) as server,
        Talk(server) as client,
        Talk(server) as sending,
        Talk(server) as keepalive_timeout,
    ):
        keepalive_timeout.ask("POST", PATH, METRICS)
        assert 200 == keepalive_timeout.heard().status
        client.ask("GET", PATH)
        assert store.asked.wait(HANG_TIMEOUT)
        sending.say(head("POST", UPLOAD, body, expect="100-continue", **FORM))
        sending.until(b"\r\n\r\n")
        thread = closing(server, HANG_TIMEOUT)

        assert keepalive_timeout.is_over()
        sending.say(body)
        assert 200 == sending.heard().status
        store.may.set()
        assert 200 == client.heard().status
        assert client.is_over()
        thread.join()


def test_what_takes_too_long_is_cut() -> None:
    blobs = WatchedBlobs()
    body = checkpoint(bytes(3 << 20))
    with served(blobs=blobs) as server, Talk(server) as talk:
        talk.say(head("POST", UPLOAD, body, **FORM) + body[: 2 << 20])
        assert blobs.begun.wait(HANG_TIMEOUT)
        closing(server, 0.2).join()

        assert talk.is_over()
        assert blobs.dropped.is_set()


def test_what_a_thread_is_in_the_middle_of_is_waited_for_also_when_its_client_has_gone() -> None:
    store = Slow()
    with served(store=store) as server:
        with Talk(server) as talk:
            talk.ask("GET", PATH)
            assert store.asked.wait(HANG_TIMEOUT)
        thread = closing(server, HANG_TIMEOUT)
        thread.join(0.1)  # by then an end that waits for nobody is over
        assert thread.is_alive()
        store.may.set()


@pytest.mark.parametrize("sent", [3 << 20, 3 << 19], ids=["all", "half"])
def test_a_thread_that_hangs_holds_nobody_up_for_good(monkeypatch: pytest.MonkeyPatch, sent: int) -> None:
    monkeypatch.setattr(server_module, "_AFTER", 0.1)
    blobs = WatchedBlobs()
    blobs.may.clear()
    body = checkpoint(bytes(3 << 20))
    server = HubServer(hub(blobs=blobs))
    with Talk(server) as talk, Talk(server) as other:
        talk.say(head("POST", UPLOAD, body, **FORM) + body[:sent])
        assert blobs.begun.wait(HANG_TIMEOUT)
        goes_on(other)
        thread = closing(server, 0.0)
        thread.join(HANG_TIMEOUT / 2)  # sooner than the thread gives up by itself

        assert not thread.is_alive()
    blobs.may.set()


def test_under_load_every_request_that_was_taken_is_answered() -> None:
    store = FakeHubStore()
    taken: list[int] = []
    enough = threading.Event()

    def send(number: int) -> None:
        with Talk(server) as talk:
            epoch = number << 20
            while True:
                try:
                    talk.ask("POST", PATH, b'{"metrics": {"%d": "{}"}}' % epoch)
                    assert 200 == talk.heard().status
                except (EOFError, ConnectionError):
                    return
                taken.append(epoch)
                epoch += 1
                if len(taken) >= 200:
                    enough.set()

    with served(store=store) as server:
        threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        assert enough.wait(HANG_TIMEOUT)
        server.close()
        for thread in threads:
            thread.join(HANG_TIMEOUT)

    held = set(store.metrics(PATH.rpartition("/")[2]).epochs)
    assert set(taken) <= held
    # What was received but could not be answered any more is at most one for each connection.
    assert len(threads) >= len(held) - len(taken)


def test_a_second_end_does_nothing() -> None:
    with served() as server:
        server.close()
        server.close()


def test_a_port_that_is_taken_is_an_error_at_once_and_free_again_after_the_end() -> None:
    with served() as server:
        with pytest.raises(OSError, match="in use"):
            HubServer(hub(), port=server.port)
        port = server.port
    HubServer(hub(), port=port).close()


def test_two_servers_can_share_a_port() -> None:
    first = HubServer(hub(), is_shared=True)
    second = HubServer(hub(), port=first.port, is_shared=True)
    first.close()
    with Talk(second) as talk:
        talk.ask("GET", PATH)
        assert 200 == talk.heard().status
    second.close()


def test_no_thread_is_left() -> None:
    before = set(threading.enumerate())
    with served() as server, Talk(server) as talk:
        talk.ask("GET", PATH)
        talk.heard()
    assert set() == left_since(before)
