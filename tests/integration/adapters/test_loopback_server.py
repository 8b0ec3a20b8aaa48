"""A HUB on loopback, and clients that do not keep to the rules."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from hubport.adapters.requests_http import RequestsHttp
from hubport.domain.errors import HubUnreachable
from hubport.domain.hub.model import HubModel
from hubport.domain.ports.http import Http, Request, Response
from hubport.testing import FakeHub, LoopbackServer
from hubport.testing.contracts.waiting import HUNG_AFTER, eventually
from tests.threads import threads_since


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def model(hub: FakeHub) -> HubModel:
    return hub.create_model()


@pytest.fixture
def server(hub: FakeHub) -> Iterator[LoopbackServer]:
    with LoopbackServer(hub) as server:
        yield server


def connected(server: LoopbackServer) -> socket.socket:
    port = int(server.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=HUNG_AFTER)


def said(sock: socket.socket) -> bytes:
    """All that the server says until it closes the connection."""
    return b"".join(iter(lambda: sock.recv(65_536), b""))


def exchange(server: LoopbackServer, data: bytes, *, more: bool = False) -> bytes:
    """What the server answers to *data*; with *more* the client does not say that nothing else will come."""
    with connected(server) as sock:
        sock.sendall(data)
        if not more:
            sock.shutdown(socket.SHUT_WR)
        return said(sock)


def post(path: str, body: bytes, *headers: str, length: str | None = None) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answers(data: bytes) -> list[tuple[int, bytes]]:
    """Status and body of each answer in *data*, all of which must be answers."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        found.append((status, rest[:length]))
        data = rest[length:]
    return found


def assert_refused(data: bytes) -> None:
    """One answer, whose fault is the client's and whose body is the HUB's envelope."""
    ((status, body),) = answers(data)
    assert 400 <= status < 500
    message = json.loads(body)
    assert message["success"] is False
    assert message["message"]


def assert_alive(server: LoopbackServer, hub: FakeHub, model: HubModel) -> None:
    http = RequestsHttp(server.url)
    request = Request("GET", f"/v1/models/{model.id}", {"x-api-key": hub.api_key})
    assert http.send(request, timeout=HUNG_AFTER).status == 200
    http.close()


@pytest.fixture
def settled() -> Callable[[], None]:
    """Waits until the server is through with every connection of this test."""
    before = set(threading.enumerate())

    def is_through() -> bool:
        return not any("process_request" in thread.name for thread in threads_since(before))

    return lambda: eventually(is_through)


class TestBadRequests:
    @pytest.mark.parametrize(
        "body",
        [b"{", b'{"metrics": ', b"\xff\xfe", b"nonsense", b'{"a": 1} trailing', b"\x00", b"[" * 100_000],
        ids=["open", "half", "bytes", "text", "trailing", "zero", "deep"],
    )
    def test_bad_json_is_refused(self, server: LoopbackServer, hub: FakeHub, model: HubModel, body: bytes) -> None:
        assert_refused(exchange(server, post(f"/v1/models/{model.id}", body, f"X-Api-Key: {hub.api_key}")))
        assert_alive(server, hub, model)

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("multipart/form-data", b"--b\r\n\r\n--b--\r\n"),
            ("multipart/form-data; boundary=", b"--\r\n\r\n----\r\n"),
            ("multipart/form-data; boundary=b", b""),
            ("multipart/form-data; boundary=b", b"--b\r\n"),
            ("multipart/form-data; boundary=b", b"--c\r\n\r\n\r\n--c--\r\n"),
            ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="epoch"\r\n\r\n12\r\n'),
            (
                "multipart/form-data; boundary=b",
                b'--b\r\nContent-Disposition: form-data; name="epoch"\r\n\r\n\xff\xfe\r\n--b--\r\n',
            ),
            ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: \xff\xfe="\r\n\r\n1\r\n--b--\r\n'),
            ("multipart/form-data; boundary=b", b"--b\r\nno header and no end\r\n--b--\r\n"),
            ("multipart/form-data; boundary=b", b"--b--\r\n"),
        ],
        ids=[
            "no boundary",
            "empty boundary",
            "no body",
            "cut short",
            "another boundary",
            "no end",
            "field of bytes",
            "name of bytes",
            "no name",
            "no parts",
        ],
    )
    def test_a_broken_form_is_refused(
        self, server: LoopbackServer, hub: FakeHub, model: HubModel, kind: str, body: bytes
    ) -> None:
        path = f"/v1/models/{model.id}/upload"

        assert_refused(exchange(server, post(path, body, f"Content-Type: {kind}", f"X-Api-Key: {hub.api_key}")))
        assert hub.checkpoints(model.id) == ()
        assert_alive(server, hub, model)

    @pytest.mark.parametrize("length", ["abc", "-5", "1e3", "5, 5", "0x10", "5_0", "9" * 16, "9" * 5000])
    def test_a_length_that_is_none_is_refused_and_the_connection_ended(
        self,
        server: LoopbackServer,
        hub: FakeHub,
        model: HubModel,
        capfd: pytest.CaptureFixture[str],
        *,
        settled: Callable[[], None],
        length: str,
    ) -> None:
        """What follows cannot be told apart from a next request, and must not be taken for one."""
        request = post(f"/v1/models/{model.id}", b'{"a": 1}', f"X-Api-Key: {hub.api_key}", length=length)

        assert_refused(exchange(server, request))
        assert_alive(server, hub, model)
        settled()
        assert capfd.readouterr().err == ""

    def test_a_body_in_chunks_is_refused(self, server: LoopbackServer, hub: FakeHub, model: HubModel) -> None:
        """It is not read, so it must not be taken for the next request either."""
        request = (
            f"POST /v1/models/{model.id} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {hub.api_key}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        )

        assert_refused(exchange(server, request.encode()))
        assert_alive(server, hub, model)

    @pytest.mark.parametrize(
        "request_",
        [b"nonsense\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"PUT / HTTP/1.1\r\nHost: x\r\n\r\n"],
    )
    def test_what_is_no_request_is_refused_in_json(
        self, server: LoopbackServer, hub: FakeHub, model: HubModel, request_: bytes
    ) -> None:
        """Every error is JSON with a message."""
        data = exchange(server, request_)

        assert b'"message"' in data
        assert b"<html" not in data.lower()
        assert_alive(server, hub, model)

    def test_a_request_cut_short_is_refused(self, server: LoopbackServer, hub: FakeHub, model: HubModel) -> None:
        request = post(f"/v1/models/{model.id}", b'{"metrics": {}}', f"X-Api-Key: {hub.api_key}", length="500")

        assert_refused(exchange(server, request))
        assert hub.received("metrics") == []
        assert_alive(server, hub, model)

    def test_a_client_that_is_gone_makes_no_noise(
        self,
        server: LoopbackServer,
        hub: FakeHub,
        model: HubModel,
        capfd: pytest.CaptureFixture[str],
        *,
        settled: Callable[[], None],
    ) -> None:
        """At every point of a request and of its answer: `hubport demo` shows its user no stack trace for it."""
        whole = post(f"/v1/models/{model.id}", b'{"metrics": {}}', f"X-Api-Key: {hub.api_key}")
        for size in (1, 10, len(whole) - 3, len(whole)):
            with connected(server) as sock:
                sock.sendall(whole[:size])
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        settled()
        assert_alive(server, hub, model)
        assert capfd.readouterr().err == ""

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_a_fault_of_what_is_behind_is_an_answer(self, capfd: pytest.CaptureFixture[str]) -> None:
        """500, in JSON, so that a client tries again instead of taking the HUB for gone."""

        class Faulty(Http):
            def send(self, request: Request, *, timeout: float) -> Response:
                raise RuntimeError("a bug")

            def close(self) -> None:
                """Nothing to close."""

        with LoopbackServer(Faulty()) as server:
            ((status, body),) = answers(exchange(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))

        assert status == 500
        assert json.loads(body)["success"] is False


class TestConnections:
    def test_one_connection_takes_many_requests(self, server: LoopbackServer, hub: FakeHub, model: HubModel) -> None:
        one = post(f"/v1/models/{model.id}", b'{"metrics": {"0": "{}"}}', f"X-Api-Key: {hub.api_key}")

        found = answers(exchange(server, one * 5))

        assert [status for status, _ in found] == [200] * 5
        assert len(hub.received("metrics")) == 5

    @pytest.mark.parametrize("status", [204, 304])
    def test_a_status_without_a_body_is_followed_by_the_next_answer(
        self, server: LoopbackServer, hub: FakeHub, model: HubModel, status: int
    ) -> None:
        """HTTP knows no body there: one would be taken for the beginning of the next answer."""
        hub.refuse(status, calls=1)
        one = f"GET /v1/models/{model.id} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {hub.api_key}\r\n\r\n".encode()

        data = exchange(server, one * 2)

        head, _, rest = data.partition(b"\r\n\r\n")
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
        assert rest.startswith(b"HTTP/1.1 200 ")

    def test_no_answer_is_a_closed_connection(self, server: LoopbackServer, hub: FakeHub, model: HubModel) -> None:
        hub.down()

        assert exchange(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", more=True) == b""

    def test_a_client_may_ask_whether_to_go_on(self, server: LoopbackServer, hub: FakeHub, model: HubModel) -> None:
        body = b'{"metrics": {"0": "{}"}}'
        request = post(f"/v1/models/{model.id}", body, f"X-Api-Key: {hub.api_key}", "Expect: 100-continue")
        with connected(server) as sock:
            sock.sendall(request.removesuffix(body))
            assert sock.recv(100).startswith(b"HTTP/1.1 100 ")
            sock.sendall(body)
            sock.shutdown(socket.SHUT_WR)
            assert [status for status, _ in answers(said(sock))] == [200]

    def test_after_close_nobody_listens(self, hub: FakeHub) -> None:
        server = LoopbackServer(hub)
        server.close()
        server.close()

        with pytest.raises(ConnectionRefusedError):
            connected(server)
        http = RequestsHttp(server.url)
        with pytest.raises(HubUnreachable):
            http.send(Request("GET", "/"), timeout=HUNG_AFTER)
        http.close()

    def test_a_port_may_be_chosen(self, hub: FakeHub) -> None:
        with LoopbackServer(hub) as first:
            port = int(first.url.rpartition(":")[2])
            with pytest.raises(OSError, match="in use"):
                LoopbackServer(hub, port=port)
        with LoopbackServer(hub, port=port) as second:
            assert f"http://127.0.0.1:{port}" == second.url
