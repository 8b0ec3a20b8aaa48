"""What a client says, byte by byte: where a request ends, and what is none."""

import select
import socket

import pytest

from hubport.testing.lab import HANG_TIMEOUT
from tests.integration.hub.wires import KEY, MODEL, PATH, Talk, chunked, head, served

METRICS = b'{"metrics": {"0": "{}"}, "type": "metrics"}'
CHUNKS = {"transfer_encoding": "chunked"}


def test_pipelined_requests_are_answered_in_their_order() -> None:
    with served() as server, Talk(server) as talk:
        talk.say(
            head("POST", PATH, METRICS) + METRICS + head("GET", PATH) + head("GET", "/nowhere") + head("HEAD", PATH)
        )

        assert [200, 200, 404, 200] == [talk.heard(method).status for method in ("POST", "GET", "GET", "HEAD")]


def test_a_body_in_chunks_is_taken() -> None:
    with served() as server, Talk(server) as talk:
        talk.say(head("POST", PATH, **CHUNKS) + chunked(METRICS[:10], METRICS[10:]))
        assert 200 == talk.heard().status
        talk.ask("GET", f"{PATH}/changes")

        assert {"0": {}} == talk.heard().data["epochs"]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (head("POST", PATH, METRICS, **CHUNKS) + chunked(METRICS), 400),
        (head("POST", PATH, **CHUNKS).replace(b"HTTP/1.1", b"HTTP/1.0") + chunked(METRICS), 400),
        (head("POST", PATH, METRICS, content_Length="7") + METRICS, 400),
        (head("POST", PATH, content_length="-5"), 400),
        (head("POST", PATH, content_length="9" * 19), 413),
        (head("POST", PATH, transfer_encoding="gzip, chunked"), 501),
        (head("POST", PATH, **CHUNKS) + b"zz\r\n", 400),
        (head("POST", PATH, **CHUNKS) + chunked(*[b"x"] * 1000), 400),
        (head("GET", PATH, x_much="x" * 40_000), 431),
        (head("GET", PATH, **{f"x_{number}": "x" * 90 for number in range(400)}), 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (head("GET", PATH).replace(b"x-api-key", b"host"), 400),
    ],
)
def test_what_is_no_clear_request_is_refused_and_nothing_else_heard(said: bytes, status: int) -> None:
    with served(head=32 << 10) as server, Talk(server) as talk:
        talk.say(said)
        answer = talk.heard()

        assert (status, "close", True) == (answer.status, answer.headers["connection"], bool(answer.message))
        assert talk.is_over()


@pytest.mark.parametrize("host", ["evil.test/path", 'a"onload="x', "a b", "a:b:c", "x" * 300, ""])
def test_what_is_no_host_gets_into_no_link(host: str) -> None:
    with served() as server, Talk(server) as talk:
        talk.ask("GET", PATH, host=host)

        assert 400 == talk.heard().status


def test_a_query_of_many_parts_is_refused() -> None:
    with served() as server, Talk(server) as talk:
        talk.ask("GET", f"{PATH}?{'&'.join(['a=b'] * 40)}")

        assert "query" in talk.heard().message


def test_what_follows_a_request_that_ends_unclearly_is_not_taken_for_another() -> None:
    smuggled = head("DELETE", PATH)
    with served() as server, Talk(server) as talk:
        talk.say(head("POST", PATH, b"x" * 5, **CHUNKS) + chunked(b"x") + smuggled)
        assert 400 == talk.heard().status
        assert talk.is_over()

        with Talk(server) as other:
            other.ask("GET", PATH)
            assert 200 == other.heard().status


@pytest.mark.parametrize(
    "body",
    [
        b"{half",
        b"\xff\xfe{}",
        b'{"a": "\xff"}',
        b'{"metrics": NaN}',
        b'{"metrics": 1e999}',
        b"[" * 30_000,
        b'{"metrics": ' + b"9" * 10_000 + b"}",
        METRICS.decode().encode("utf-16"),
        b"null",
        b"[]",
        b"",
    ],
)
def test_what_is_no_json_is_refused_and_the_connection_goes_on(body: bytes) -> None:
    with served() as server, Talk(server) as talk:
        talk.ask("POST", PATH, body)
        assert 400 == talk.heard().status
        talk.ask("GET", PATH)

        assert 200 == talk.heard().status


@pytest.mark.parametrize("path", ["/v1/models/%FF%FE", "/%00", "/v1/models/..%2f..%2fetc", "//", "http://evil.test/v1"])
def test_a_path_that_makes_no_sense_meets_nobody(path: str) -> None:
    with served() as server, Talk(server) as talk:
        talk.ask("GET", path)

        assert 404 == talk.heard().status


def test_a_body_that_says_of_itself_that_it_is_too_long_is_not_waited_for() -> None:
    with served(json=100_000) as server, Talk(server) as talk:
        talk.say(head("POST", PATH, content_length="100001"))
        answer = talk.heard()

        assert (413, "close") == (answer.status, answer.headers["connection"])
        assert "100000" in answer.message


def test_a_body_that_turns_out_too_long_is_refused() -> None:
    with served(json=100_000) as server, Talk(server) as talk:
        talk.say(head("POST", PATH, **CHUNKS) + chunked(b" " * 60_000, b" " * 60_000, end=False))

        assert 413 == talk.heard().status


def test_a_large_body_within_the_limit_is_taken() -> None:
    body = b'{"metrics": {"0": "' + b"x" * 500_000 + b'"}}'
    with served() as server, Talk(server) as talk:
        talk.ask("POST", PATH, body)

        assert 200 == talk.heard().status


def test_a_client_that_asks_first_is_only_told_to_go_on_where_it_may() -> None:
    big = {"expect": "100-continue", "content_length": "100000"}
    with served() as server:
        with Talk(server) as talk:
            talk.say(head("POST", PATH, key=None, **big))
            assert b"HTTP/1.1 401" == talk.until(b" 401")
        with Talk(server) as talk:
            talk.say(head("POST", PATH, **big))
            assert b"HTTP/1.1 100" == talk.until(b" 100")
            talk.until(b"\r\n\r\n")
            talk.say(METRICS + b" " * (100_000 - len(METRICS)))
            assert 200 == talk.heard().status


def test_what_a_hub_does_not_do_it_says_whatever_the_body_is() -> None:
    with served() as server, Talk(server) as talk:
        talk.ask("POST", f"{PATH}/export", b"{half")

        assert 501 == talk.heard().status


def test_who_has_said_all_that_he_announced_is_let_go_at_once() -> None:
    with served(lingering_timeout=3600.0) as server, Talk(server) as talk:
        talk.ask("GET", PATH, connection="close")
        assert 200 == talk.heard().status
        assert talk.is_over()
        talk.say(b"more")  # to a socket that is closed, and not only silent
        poll = select.poll()
        poll.register(talk.sock, select.POLLHUP | select.POLLERR)

        assert poll.poll(HANG_TIMEOUT * 1000)


def test_a_body_that_ends_early_is_refused() -> None:
    with served() as server, Talk(server) as talk:
        talk.say(head("POST", PATH, METRICS) + METRICS[:-5])
        talk.sock.shutdown(socket.SHUT_WR)

        assert 400 == talk.heard().status


def test_links_hang_below_what_the_client_calls_us() -> None:
    with served() as server, Talk(server) as talk:
        for host in ("trainer.lan:8421", "[::1]:80", "10.0.0.7"):
            talk.ask("GET", PATH, host=host)
            assert f"http://{host}/models/{MODEL}" == talk.heard().data["url"]
        talk.say(f"GET {PATH} HTTP/1.0\r\nx-api-key: {KEY}\r\n\r\n")
        assert f"{server.url}/models/{MODEL}" == talk.heard().data["url"]


def test_links_hang_below_the_root_that_was_given() -> None:
    with served(root="https://hub.example/team/") as server, Talk(server) as talk:
        talk.ask("GET", PATH)

        assert f"https://hub.example/team/models/{MODEL}" == talk.heard().data["url"]
