"""HTTP/1.1 as the lab reads and writes it."""

import pytest

from hubport.domain.ports.http import Response
from hubport.testing.lab.server.http1 import Head, rendered


def head(*lines: str) -> Head:
    return Head.parse("\r\n".join([*lines, "", ""]).encode())


def test_a_head_is_taken_apart() -> None:
    found = head("POST /v1/models/x HTTP/1.1", "Host: a:80", "X-Api-Key:  secret ", "x-one: 1", "X-One: 2")

    assert ("POST", "/v1/models/x", "HTTP/1.1") == (found.method, found.path, found.version)
    assert {"host": "a:80", "x-api-key": "secret", "x-one": "1, 2"} == found.headers
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1",
        b"GET / HTTP/2\r\n\r\n",
        b"GET  /  HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"\x16\x03\x01\x02 a handshake",
    ],
)
def test_what_is_no_head_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which part is missing does not matter
        Head.parse(data)


@pytest.mark.parametrize(("text", "length"), [("0", 0), ("17", 17), ("000", 0)])
def test_the_length_is_what_the_head_announces(text: str, length: int) -> None:
    assert length == head("GET / HTTP/1.1", f"content-length: {text}").length


def test_without_a_length_there_is_no_body() -> None:
    assert head("GET / HTTP/1.1").length == 0


@pytest.mark.parametrize("text", ["-1", "many", "1e3", "٣", ""])
def test_a_length_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        _ = Head("GET", "/", "HTTP/1.1", {"content-length": text}).length


@pytest.mark.parametrize(
    ("version", "wish", "is_last"),
    [
        ("HTTP/1.1", None, False),
        ("HTTP/1.1", "keep-alive", False),
        ("HTTP/1.1", "close", True),
        ("HTTP/1.1", "Close", True),
        ("HTTP/1.0", None, True),
        ("HTTP/1.0", "keep-alive", False),
    ],
)
def test_a_client_may_want_the_connection_closed(version: str, wish: str | None, *, is_last: bool) -> None:
    lines = [] if wish is None else [f"connection: {wish}"]

    assert is_last is head(f"GET / {version}", *lines).is_last


def test_an_answer_is_written_with_its_length() -> None:
    response = Response(200, {"content-type": "application/json"}, b"{}")

    assert rendered(response) == b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_can_have_no_body_has_none(status: int) -> None:
    said = rendered(Response(status, {}, b"a body all the same"))

    assert said.endswith(b"\r\n\r\n")
    assert b"content-length" not in said


def test_to_a_head_request_the_body_is_announced_and_not_sent() -> None:
    said = rendered(Response(200, {}, b"12345"), head=head("HEAD / HTTP/1.1"))

    assert said.endswith(b"content-length: 5\r\n\r\n")


def test_a_status_of_nobodys_can_be_said() -> None:
    assert rendered(Response(599)).startswith(b"HTTP/1.1 599 ")


def test_the_last_answer_says_that_it_is() -> None:
    said = rendered(Response(200), head=head("GET / HTTP/1.1", "connection: close"))

    assert b"\r\nconnection: close\r\n" in said
