"""A lab of which nothing was ordered is the HUB behind it; and what comes over its wire may be nonsense."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import pytest

from hubport.adapters.requests_http import RequestsHttp
from hubport.domain.hub.model import HubModel
from hubport.domain.ports.http import Http, Request, Response
from hubport.testing import FakeHub
from hubport.testing.contracts import HttpContract
from hubport.testing.contracts.waiting import BackgroundThread
from hubport.testing.lab import HANG_TIMEOUT, End, Lab
from tests.integration.lab.client import Client, get, metrics, post, upload


class TestRequestsThroughALab(HttpContract):
    @pytest.fixture
    def http(self, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Http]:
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "127.0.0.1")
        with Lab(hub) as lab:
            http = RequestsHttp(lab.url)
            yield http
            http.close()


def test_links_lead_to_the_lab(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    with Client(lab) as client:
        client.say(upload(hub, model.id, b"weights"))
        assert client.answer()[0] == 200
        client.say(get(f"/v1/models/{model.id}", hub.api_key))
        record = json.loads(client.answer()[1])["data"]
        assert record["resume"].startswith(f"{lab.url}/files/")
        client.say(get(record["resume"].removeprefix(lab.url)))
        assert (200, b"weights") == client.answer()
    assert ["upload", "model", "file"] == [entry.kind for entry in lab.ledger]
    assert [True, True, False] == [entry.has_key for entry in lab.ledger]


def test_a_hub_behind_that_gives_no_answer_gives_none(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    hub.down()
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        assert b"" == client.rest().data
    assert (End.BROKEN, None, False) == (lab.ledger[0].end, lab.ledger[0].status, lab.ledger[0].committed)


def test_what_the_hub_behind_refuses_is_not_committed(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    hub.refuse(422)
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        assert client.answer()[0] == 422
    assert (422, False) == (lab.ledger[0].status, lab.ledger[0].committed)


def test_a_fault_of_what_is_behind_fails_the_test_that_closes_the_lab() -> None:
    class Faulty(Http):
        def send(self, request: Request, *, timeout: float) -> Response:
            raise RuntimeError("a bug")

        def close(self) -> None:
            """Nothing to close."""

    lab = Lab(Faulty())
    with Client(lab) as client:
        client.say(get("/"))
        client.rest()
    with pytest.raises(RuntimeError, match="a bug"):
        lab.close()


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"POST /v1/auth HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        b"GET //elsewhere.invalid/ HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_and_not_written_down(lab: Lab, data: bytes) -> None:
    with Client(lab) as client:
        client.say(data)
        assert client.answer()[0] == 400
        assert b"" == client.rest().data
    assert 0 == len(lab.ledger)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_makes_no_sense_is_refused(lab: Lab, hub: FakeHub, model: HubModel, body: bytes) -> None:
    with Client(lab) as client:
        client.say(post(f"/v1/models/{model.id}", body, hub.api_key))
        assert client.answer()[0] == 400
    assert [] == hub.ledger


def test_a_client_that_goes_in_the_middle_of_its_body_is_written_down(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    whole = metrics(hub, model.id)
    with Client(lab) as client:
        client.say(whole[:-5])
    lab.ledger.wait_for(lambda: lab.ledger.of("metrics") and lab.ledger[0].end)
    entry = lab.ledger[0]
    assert (End.LEFT, entry.announced - 5, False) == (entry.end, entry.received, entry.committed)


def test_who_is_gone_is_heard_out(hub: FakeHub, model: HubModel) -> None:
    class Slow(Http):
        def send(self, request: Request, *, timeout: float) -> Response:
            assert may_answer.wait(HANG_TIMEOUT)
            return hub.send(request, timeout=timeout)

        def close(self) -> None:
            """Nothing to close."""

    may_answer = threading.Event()
    with Lab(Slow()) as lab:
        for _ in range(3):
            with Client(lab) as client:
                client.say(metrics(hub, model.id))
        hearing = BackgroundThread(lab.hear_out)
        lab.ledger.wait_for_requests("metrics", 3)
        assert not hearing.is_done
        may_answer.set()
        hearing.join()
        assert 3 == len(lab.ledger.committed("metrics"))


def test_several_requests_may_come_at_once(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    with Client(lab) as client:
        client.say(metrics(hub, model.id) * 20)
        assert [200] * 20 == [client.answer()[0] for _ in range(20)]
    assert 20 == len(lab.ledger.committed("metrics"))


def test_a_connection_that_is_to_be_closed_is_closed(lab: Lab, hub: FakeHub) -> None:
    with Client(lab) as client:
        client.say(get("/v1/auth").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert client.answer()[0] == 405
        assert not client.rest().is_reset


def test_after_its_close_nobody_listens_and_no_connection_is_left(hub: FakeHub) -> None:
    with Lab(hub) as lab:
        client = Client(lab)
        client.say(get("/v1/auth"))
        assert client.answer()[0] == 405
    assert b"" == client.rest().data
    client.sock.close()
    with pytest.raises(ConnectionRefusedError):
        Client(lab)


def test_a_port_may_be_chosen(hub: FakeHub) -> None:
    with Lab(hub) as first:
        with pytest.raises(OSError, match="in use"):
            Lab(hub, port=first.port)
        port = first.port
    with Lab(hub, port=port) as second:
        assert f"http://127.0.0.1:{port}" == second.url


def test_half_a_close_of_the_client_is_no_end(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        client.sock.shutdown(socket.SHUT_WR)
        assert client.answer()[0] == 200
