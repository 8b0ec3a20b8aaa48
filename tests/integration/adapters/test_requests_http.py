"""What requests does on the wire, seen from the other end of real sockets."""

from __future__ import annotations

import email
import email.policy
import gc
import io
import json
import random
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
import requests

from hubport import HubUnreachable
from hubport.adapters import requests_http
from hubport.adapters.requests_http import RequestsHttp
from hubport.domain.client.credentials import Credentials
from hubport.domain.ports.http import FilePart, Request
from hubport.testing.contracts.waiting import eventually
from hubport.testing.lab import HANG_TIMEOUT, RawServer, ServerConnection
from hubport.testing.lab.server.raw_server import Handler
from tests.integration.adapters.handlers import answering, drip, headers_of, hold, recording, response, taken
from tests.threads import threads_since

KEY = "0123456789abcdef0123456789abcdef0123456789"
GET = Request("GET", "/v1/models/Ab3Cd5Ef7Gh9Ij1Kl2Mn", {"x-api-key": KEY})
#: Time enough for every answer; nothing is asked of the machine's speed.
PATIENT = 60.0

Serve = Callable[[Handler], RawServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[RawServer] = []

    def start(handler: Handler) -> RawServer:
        servers.append(RawServer(handler).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def reach(bare_network: None) -> Iterator[Callable[..., RequestsHttp]]:
    """Makes adapters; no proxy of the machine that runs the tests is between them and their server."""
    made: list[RequestsHttp] = []

    def make(root: str, *, stall_after: float = 60.0) -> RequestsHttp:
        made.append(RequestsHttp(root, stall_after=stall_after))
        return made[-1]

    yield make
    for http in made:
        http.close()


Reach = Callable[..., RequestsHttp]


def upload(content: bytes | int, read: Callable[[], BinaryIO] | None = None) -> Request:
    size = content if isinstance(content, int) else len(content)
    data = b"" if isinstance(content, int) else content
    part = FilePart("last.pt", size, read or (lambda: io.BytesIO(data)))
    return Request("POST", "/upload", {"x-api-key": KEY}, fields={"epoch": "12", "type": "epoch"}, file=part)


class Endless(io.BytesIO):
    """A file of as many zeros as somebody wants to read."""

    def read(self, size: int | None = -1, /) -> bytes:
        assert size
        return bytes(size)


class Jump:
    """The clock of a machine on which time jumps."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


class TestWhatItSends:
    def test_it_names_itself(self, serve: Serve, reach: Reach) -> None:
        heads: list[bytes] = []
        reach(serve(recording(heads)).url).send(GET, timeout=PATIENT)

        assert headers_of(heads[0])["user-agent"].startswith("hubport/")

    def test_a_key_is_one_header_and_there_is_no_other_secret(self, serve: Serve, reach: Reach) -> None:
        heads: list[bytes] = []
        reach(serve(recording(heads)).url).send(GET, timeout=PATIENT)

        headers = headers_of(heads[0])
        assert headers["x-api-key"] == KEY
        assert {"host", "user-agent", "accept-encoding", "accept", "connection", "x-api-key"} >= set(headers)

    def test_what_requests_checks_of_the_headers_is_plain_text_and_holds_no_key(
        self, serve: Serve, reach: Reach, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """requests 2.28.0 to 2.28.2 refuse a subclass of text, and a plain key would be in their frames."""
        checked: list[tuple[object, object]] = []
        monkeypatch.setattr(requests.models, "check_header_validity", checked.append)
        heads: list[bytes] = []
        headers = Credentials(KEY).headers()
        reach(serve(recording(heads)).url).send(Request("GET", "/", headers), timeout=PATIENT)

        assert KEY == headers_of(heads[0])["x-api-key"]
        assert checked
        assert {str} == {type(part) for header in checked for part in header}
        assert KEY not in repr(checked)

    def test_no_password_comes_from_netrc(
        self, serve: Serve, reach: Reach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login somebody password secret\ndefault login x password secret\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        heads: list[bytes] = []
        server = serve(recording(heads))
        # That requests itself would have sent it shows that this test can fail.
        requests.get(server.url, timeout=PATIENT).close()
        http = reach(server.url)
        http.send(GET, timeout=PATIENT)
        http.send(upload(b"weights"), timeout=PATIENT)

        assert ["authorization" in headers_of(head) for head in heads] == [True, False, False]

    def test_no_cookie_is_kept(self, serve: Serve, reach: Reach) -> None:
        heads: list[bytes] = []
        answer = response(headers=(b"set-cookie: a=b", b"set-cookie: c=d; path=/; domain=127.0.0.1"))
        http = reach(serve(recording(heads, answer)).url)
        for _ in range(3):
            http.send(GET, timeout=PATIENT)

        assert ["cookie" in headers_of(head) for head in heads] == [False] * 3

    def test_one_connection_serves_many_requests(self, serve: Serve, reach: Reach) -> None:
        heads: list[bytes] = []
        server = serve(recording(heads))
        http = reach(server.url)
        for _ in range(5):
            http.send(GET, timeout=PATIENT)
            http.send(upload(b"weights"), timeout=PATIENT)

        assert len(heads) == 10
        assert server.connections == 1

    def test_a_connection_that_was_closed_meanwhile_is_no_failure(self, serve: Serve, reach: Reach) -> None:
        closed = threading.Event()

        def handle(talk: ServerConnection) -> None:
            taken(talk)
            talk.say(response())
            talk.finish()
            talk.close()
            closed.set()

        server = serve(handle)
        http = reach(server.url)
        for _ in range(3):
            closed.clear()
            assert http.send(GET, timeout=PATIENT).status == 200
            assert closed.wait(HANG_TIMEOUT)

        assert server.connections == 3

    def test_after_close_it_connects_anew(self, serve: Serve, reach: Reach) -> None:
        server = serve(recording([]))
        http = reach(server.url)
        http.send(GET, timeout=PATIENT)
        http.close()
        http.send(GET, timeout=PATIENT)

        assert server.connections == 2

    @pytest.mark.parametrize("request_", ["get", "upload", "refused", "failed"])
    def test_close_ends_its_connections_at_once(self, serve: Serve, reach: Reach, request_: str) -> None:
        """Not when the garbage collector comes by: a trainer that goes on for days does not keep the HUB's line."""
        gone = threading.Event()

        def handle(talk: ServerConnection) -> None:
            while taken(talk)[0]:
                talk.say(response(b"hello", status="401 No" if request_ == "refused" else "200 OK"))
            gone.set()

        def send(http: RequestsHttp) -> None:
            http.send(upload(b"weights") if request_ == "upload" else GET, timeout=PATIENT)
            if request_ == "failed":
                with pytest.raises(HubUnreachable):
                    http.send(upload(50, lambda: io.BytesIO(b"short")), timeout=PATIENT)

        http = reach(serve(handle).url)
        gc.disable()
        try:
            send(http)
            http.close()
            assert gone.wait(HANG_TIMEOUT)
        finally:
            gc.enable()

    def test_a_root_may_have_a_path_and_a_slash_at_its_end(self, serve: Serve, reach: Reach) -> None:
        heads: list[bytes] = []
        reach(serve(recording(heads)).url + "/hub/").send(GET, timeout=PATIENT)

        assert heads[0].startswith(b"GET /hub/v1/models/Ab3Cd5Ef7Gh9Ij1Kl2Mn HTTP/1.1\r\n")


class TestForms:
    @pytest.mark.parametrize("size", [0, 1, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 3_333_333])
    def test_a_form_is_what_requests_would_have_made_of_the_whole_file(
        self, serve: Serve, reach: Reach, size: int
    ) -> None:
        content = random.Random(size).randbytes(size)
        seen: list[tuple[bytes, bytes]] = []

        def handle(talk: ServerConnection) -> None:
            seen.append(taken(talk))
            talk.say(response())

        reach(serve(handle).url).send(upload(content), timeout=PATIENT)

        head, body = seen[0]
        boundary = headers_of(head)["content-type"].removeprefix("multipart/form-data; boundary=")
        plain = requests.Request(
            "POST",
            "http://hub.invalid/upload",
            data={"epoch": "12", "type": "epoch"},
            files={"last.pt": ("last.pt", content)},
        ).prepare()
        assert isinstance(plain.body, bytes)
        theirs = plain.headers["content-type"].removeprefix("multipart/form-data; boundary=")
        assert plain.body.replace(theirs.encode(), boundary.encode()) == body

    def test_a_form_has_a_length_and_is_not_chunked(self, serve: Serve, reach: Reach) -> None:
        heads: list[bytes] = []
        reach(serve(recording(heads)).url).send(upload(b"x" * 1_000_000), timeout=PATIENT)

        headers = headers_of(heads[0])
        assert int(headers["content-length"]) > 1_000_000
        assert "transfer-encoding" not in headers
        assert "expect" not in headers

    def test_a_form_is_read_by_the_standard_library(self, serve: Serve, reach: Reach) -> None:
        seen: list[tuple[bytes, bytes]] = []

        def handle(talk: ServerConnection) -> None:
            seen.append(taken(talk))
            talk.say(response())

        reach(serve(handle).url).send(upload(b"\x00weights\r\n--"), timeout=PATIENT)

        head, body = seen[0]
        kind = b"content-type: " + headers_of(head)["content-type"].encode() + b"\r\n\r\n"
        parts = [*email.message_from_bytes(kind + body, policy=email.policy.HTTP).iter_parts()]
        names = [part.get_param("name", header="content-disposition") for part in parts]
        assert names == ["epoch", "type", "last.pt"]
        assert [part.get_filename() for part in parts] == [None, None, "last.pt"]
        assert parts[0].get_payload(decode=True) == b"12"
        assert parts[2].get_payload(decode=True) == b"\x00weights\r\n--"

    def test_boundaries_are_not_guessed_from_another(self, serve: Serve, reach: Reach) -> None:
        heads: list[bytes] = []
        http = reach(serve(recording(heads)).url)
        for _ in range(8):
            http.send(upload(b"weights"), timeout=PATIENT)

        assert len({headers_of(head)["content-type"] for head in heads}) == 8

    def test_a_file_is_read_in_pieces_and_no_further_than_its_size(self, serve: Serve, reach: Reach) -> None:
        asked: list[int] = []

        class Reader(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                asked.append(-1 if size is None else size)
                return super().read(size)

        reach(serve(answering(response())).url).send(
            upload(3_000_000, lambda: Reader(bytes(4_000_000))), timeout=PATIENT
        )

        assert all(0 < size <= 1 << 20 for size in asked)
        assert sum(asked) == 3_000_000

    def test_an_answer_before_the_form_is_through_is_heard(self, serve: Serve, reach: Reach) -> None:
        """A HUB that refuses a file for its size need not take all of it first."""

        def handle(talk: ServerConnection) -> None:
            talk.head()
            talk.say(response(b'{"message": "too large"}', status="413 Content Too Large"))
            talk.finish()
            talk.drain()

        answer = reach(serve(handle).url).send(upload(b"x" * 5_000_000), timeout=PATIENT)

        assert answer.status == 413
        assert json.loads(answer.body) == {"message": "too large"}

    @pytest.mark.parametrize("how", ["reset", "stall", "silence"])
    def test_the_file_is_closed_whatever_happens(self, serve: Serve, reach: Reach, how: str) -> None:
        """While the error is looked at, too: its traceback must not hold the file."""
        readers: list[BinaryIO] = []

        def read() -> BinaryIO:
            readers.append(io.BytesIO(bytes(50_000_000)))
            return readers[-1]

        def handle(talk: ServerConnection) -> None:
            if how == "silence":
                taken(talk)
            else:
                talk.head()
                talk.body(1_000_000)
            if how == "reset":
                talk.reset()
            else:
                hold(talk)

        with pytest.raises(HubUnreachable) as caught:
            reach(serve(handle).url, stall_after=0.5).send(upload(50_000_000, read), timeout=PATIENT)

        assert [reader.closed for reader in readers] == [True], caught.value


class TestAnswers:
    @pytest.mark.parametrize(
        "location",
        [
            b"/elsewhere",
            b"http://elsewhere.invalid/",
            b"ftp://elsewhere.invalid/",
            b"http://[::1/x",
            b"\xff\xfe",
            b"http://" + b"a" * 70 + b".invalid/",
            b"",
            b"\\\\a:b@c:99999",
        ],
        ids=["path", "host", "scheme", "bracket", "bytes", "label", "empty", "nonsense"],
    )
    @pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
    def test_a_redirect_is_the_answer_wherever_it_leads(
        self, serve: Serve, reach: Reach, status: str, location: bytes
    ) -> None:
        heads: list[bytes] = []
        server = serve(recording(heads, response(b"moved", status=status, headers=(b"location: " + location,))))

        answer = reach(server.url).send(GET, timeout=PATIENT)

        assert int(status[:3]) == answer.status
        assert answer.body == b"moved"
        assert location.decode("latin-1") == answer.headers["location"]
        assert len(heads) == 1

    def test_the_key_does_not_follow_a_redirect_to_another_host(self, serve: Serve, reach: Reach) -> None:
        elsewhere: list[bytes] = []
        other = serve(recording(elsewhere))
        away = response(status="307 Temporary", headers=(b"location: " + other.url.encode() + b"/x",))
        http = reach(serve(answering(away)).url)

        assert http.send(GET, timeout=PATIENT).status == 307
        assert http.send(upload(b"weights"), timeout=PATIENT).status == 307
        assert elsewhere == []

    @pytest.mark.parametrize(
        "said",
        [
            response(b"abc")[:-1],
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n",
            b"HTTP/1.1 ",
            b"",
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"\x00" * 100_000,
            b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello",
        ],
        ids=[
            "body cut short",
            "chunks without end",
            "chunk cut short",
            "bad chunk size",
            "body missing",
            "status cut short",
            "nothing",
            "another protocol",
            "zeros",
            "endless header",
            "too many headers",
            "two lengths",
            "not gzip",
        ],
    )
    def test_half_an_answer_is_none(self, serve: Serve, reach: Reach, said: bytes) -> None:
        def handle(talk: ServerConnection) -> None:
            taken(talk)
            talk.say(said)
            talk.finish()
            talk.drain()

        with pytest.raises(HubUnreachable) as caught:
            reach(serve(handle).url).send(GET, timeout=PATIENT)

        assert caught.value.cause

    def test_a_connection_that_is_reset_is_no_answer(self, serve: Serve, reach: Reach) -> None:
        def handle(talk: ServerConnection) -> None:
            talk.head()
            talk.reset()

        with pytest.raises(HubUnreachable):
            reach(serve(handle).url).send(GET, timeout=PATIENT)

    def test_a_port_where_nobody_listens_is_no_answer(self, reach: Reach) -> None:
        with RawServer(answering(response()), is_listening=False) as nobody:
            with pytest.raises(HubUnreachable, match="Connection refused") as caught:
                reach(nobody.url).send(GET, timeout=PATIENT)

            assert nobody.url == caught.value.root

    def test_a_name_that_is_none_is_no_answer(self, reach: Reach) -> None:
        for host in ("hub.invalid", "a" * 70 + ".invalid", "a..b", "xn--"):
            with pytest.raises(HubUnreachable):
                reach(f"http://{host}:1").send(GET, timeout=PATIENT)

    def test_a_compressed_answer_is_read(self, serve: Serve, reach: Reach) -> None:
        import gzip

        body = gzip.compress(b'{"success": true}' * 10_000)
        data = response(body, headers=(b"content-encoding: gzip",))

        assert b'{"success": true}' * 10_000 == reach(serve(answering(data)).url).send(GET, timeout=PATIENT).body

    @pytest.mark.parametrize("chunks", [[b"a"], [b"a" * 1000, b"b" * 70_000, b"c"], []])
    def test_a_chunked_answer_is_read(self, serve: Serve, reach: Reach, chunks: list[bytes]) -> None:
        body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])
        data = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + body

        assert b"".join(chunks) == reach(serve(answering(data)).url).send(GET, timeout=PATIENT).body

    def test_an_answer_without_a_length_ends_with_the_connection(self, serve: Serve, reach: Reach) -> None:
        def handle(talk: ServerConnection) -> None:
            taken(talk)
            talk.say(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000)

        assert b"x" * 100_000 == reach(serve(handle).url).send(GET, timeout=PATIENT).body

    def test_headers_that_come_twice_are_joined(self, serve: Serve, reach: Reach) -> None:
        data = response(headers=(b"X-One: a", b"x-one: b", b"X-Bytes: \xe9"))

        answer = reach(serve(answering(data)).url).send(GET, timeout=PATIENT)

        assert answer.headers["x-one"] == "a, b"
        assert answer.headers["x-bytes"] == "é"

    def test_interim_answers_are_passed_over(self, serve: Serve, reach: Reach) -> None:
        data = b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + response(b"at last")

        assert reach(serve(answering(data)).url).send(GET, timeout=PATIENT).body == b"at last"


class TestItsEnd:
    """However the bytes trickle, one call ends at one instant. The servers below would go on for minutes."""

    @pytest.mark.parametrize(
        "said",
        [
            b"HTTP/1.1 200 OK\r\nx-padding: " + b"x" * 1200 + b"\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200,
            b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + b"x" * 1200,
            b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1200,
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 200,
            b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
        ],
        ids=["header", "headers", "body", "endless body", "chunks", "continue"],
    )
    def test_a_server_that_drips_does_not_hold_its_client(self, serve: Serve, reach: Reach, said: bytes) -> None:
        def handle(talk: ServerConnection) -> None:
            taken(talk)
            drip(talk, said)

        server = serve(handle)
        with pytest.raises(HubUnreachable, match="no answer within"):
            reach(server.url).send(GET, timeout=0.4)

    def test_a_server_that_says_nothing_does_not_hold_its_client(self, serve: Serve, reach: Reach) -> None:
        def handle(talk: ServerConnection) -> None:
            taken(talk)
            hold(talk)

        server = serve(handle)
        with pytest.raises(HubUnreachable, match="no answer within"):
            reach(server.url).send(GET, timeout=0.3)

    def test_the_second_request_on_a_connection_has_its_own_end(self, serve: Serve, reach: Reach) -> None:
        """Neither what the first one left of its time, nor none at all."""
        calls: list[int] = []

        def handle(talk: ServerConnection) -> None:
            while taken(talk)[0]:
                calls.append(1)
                if len(calls) == 3:
                    drip(talk, b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1200)
                talk.say(response())

        server = serve(handle)
        http = reach(server.url)
        assert http.send(GET, timeout=PATIENT).status == 200
        assert http.send(GET, timeout=PATIENT).status == 200
        with pytest.raises(HubUnreachable):
            http.send(GET, timeout=0.4)

        assert server.connections == 1

    def test_an_upload_that_nobody_takes_ends_when_it_stalls(self, serve: Serve, reach: Reach) -> None:
        """Long before the hour that it might have taken."""

        def handle(talk: ServerConnection) -> None:
            talk.head()
            hold(talk)

        server = serve(handle)
        with pytest.raises(HubUnreachable):
            reach(server.url, stall_after=0.3).send(upload(1 << 40, Endless), timeout=3600.0)

    def test_an_upload_that_is_taken_slowly_ends_at_its_time(self, serve: Serve, reach: Reach) -> None:
        """Every piece moves, and the whole would take for ever."""

        def handle(talk: ServerConnection) -> None:
            talk.head()
            while talk.some(1 << 16):
                talk.pause(0.01)

        server = serve(handle)
        with pytest.raises(HubUnreachable, match="no answer within"):
            reach(server.url, stall_after=30.0).send(upload(1 << 40, Endless), timeout=0.5)

        assert server.connections == 1

    def test_sending_and_waiting_for_the_answer_have_one_end_together(
        self, serve: Serve, reach: Reach, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What the request took of the time is not given to the answer again.

        An hour is given. Reading the file takes most of it, the server takes the rest, and then has little to say.
        """
        jump = Jump()
        monkeypatch.setattr(requests_http, "time", jump)

        class Reader(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                jump.ahead = 3000.0
                return super().read(size)

        def handle(talk: ServerConnection) -> None:
            taken(talk)
            jump.ahead = 4000.0
            talk.say(b"HTTP/1.1 200 OK\r\n")
            hold(talk)

        server = serve(handle)
        with pytest.raises(HubUnreachable, match="no answer within"):
            reach(server.url, stall_after=3600.0).send(upload(7, lambda: Reader(b"weights")), timeout=3600.0)

    def test_no_thread_is_left_behind(self, serve: Serve, reach: Reach) -> None:
        before = set(threading.enumerate())
        server = serve(answering(response()))
        http = reach(server.url)
        http.send(GET, timeout=PATIENT)
        http.send(upload(b"weights"), timeout=PATIENT)

        assert {thread.name for thread in threads_since(before)} <= {"lab-listener", "lab-conversation"}


class TestSecrets:
    @pytest.mark.parametrize("key", [KEY, KEY + "\n", " " + KEY, KEY + "ключ", "Bearer \r\nx: " + KEY])
    def test_no_error_holds_the_key(self, reach: Reach, key: str) -> None:
        """Neither its text, nor the text of any error below it, nor the lines of code that a traceback shows."""
        with (
            RawServer(answering(response()), is_listening=False) as nobody,
            pytest.raises((HubUnreachable, ValueError)) as caught,  # a key that is no header is its caller's fault
        ):
            reach(nobody.url).send(Request("GET", "/", {"x-api-key": key}), timeout=PATIENT)

        assert KEY not in "".join(traceback.format_exception(caught.value))

    def test_a_request_shows_no_key(self) -> None:
        assert KEY not in repr(GET)
        assert KEY not in repr(upload(b"weights"))


class TestConcurrency:
    def test_more_threads_than_pooled_connections(self, serve: Serve, reach: Reach) -> None:
        server = serve(answering(response()))
        http = reach(server.url)
        together = threading.Barrier(12)
        statuses: list[int] = []

        def ask() -> None:
            together.wait(HANG_TIMEOUT)
            statuses.extend(http.send(GET, timeout=PATIENT).status for _ in range(5))

        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANG_TIMEOUT)

        assert statuses == [200] * 60

    def test_closing_while_a_request_is_under_way_lets_it_end(self, serve: Serve, reach: Reach) -> None:
        arrived, go_on = threading.Event(), threading.Event()

        def handle(talk: ServerConnection) -> None:
            taken(talk)
            arrived.set()
            go_on.wait(HANG_TIMEOUT)
            talk.say(response())

        http = reach(serve(handle).url)
        statuses: list[int] = []
        client = threading.Thread(target=lambda: statuses.append(http.send(GET, timeout=PATIENT).status))
        client.start()
        assert arrived.wait(HANG_TIMEOUT)
        http.close()
        go_on.set()
        client.join(HANG_TIMEOUT)
        eventually(lambda: statuses == [200])
