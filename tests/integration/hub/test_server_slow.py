"""Clients that are slow, silent, or too many. The limits are small; what ends a test is the server's doing."""

from __future__ import annotations

import contextlib
import select
import threading

from hubport.testing.lab import HANG_TIMEOUT
from tests.integration.hub.wires import FORM, PATH, Talk, checkpoint, head, served

METRICS = b'{"metrics": {"0": "{}"}}'
LONG = "1000000"


def drip(talk: Talk, data: bytes) -> None:
    """Say *data* byte by byte, slowly, until it is through or the server has had enough."""
    enough = threading.Event()

    def say() -> None:
        with contextlib.suppress(OSError):
            for position in range(len(data)):
                talk.say(data[position : position + 1])
                if enough.wait(0.02):
                    return

    thread = threading.Thread(target=say)
    thread.start()
    try:
        assert 408 == talk.heard().status
    finally:
        enough.set()
        thread.join(HANG_TIMEOUT)


def test_who_says_nothing_is_let_go() -> None:
    with served(header_timeout=0.2) as server, Talk(server) as talk:
        assert talk.is_over()


def test_headers_that_come_byte_by_byte_are_not_waited_for() -> None:
    with served(header_timeout=0.3) as server, Talk(server) as talk:
        drip(talk, head("GET", PATH, **{f"x_{number}": "x" for number in range(1000)}))


def test_the_second_request_of_a_connection_has_no_more_time_than_the_first() -> None:
    with served(header_timeout=0.3, keepalive_timeout=60) as server, Talk(server) as talk:
        talk.ask("GET", PATH)
        assert 200 == talk.heard().status
        talk.say(b"GET / HT")

        assert 408 == talk.heard().status


def test_a_connection_without_requests_is_closed() -> None:
    with served(keepalive_timeout=1.0) as server, Talk(server) as talk:
        talk.ask("GET", PATH)
        assert 200 == talk.heard().status

        assert talk.is_over()


def test_a_body_that_falls_silent_is_not_waited_for() -> None:
    for path, content in ((PATH, {}), (f"{PATH}/upload", FORM)):
        for length in ("50", LONG):
            with served(body_chunk_timeout=0.3) as server, Talk(server) as talk:
                talk.say(head("POST", path, content_length=length, **content) + METRICS[:10])
                answer = talk.heard()

                assert (408, "close") == (answer.status, answer.headers["connection"])
                assert talk.is_over()


def test_a_body_that_trickles_is_not_waited_for_to_its_end() -> None:
    with served(body_chunk_timeout=60.0, body_timeout=0.3) as server, Talk(server) as talk:
        talk.say(head("POST", PATH, content_length="50000"))
        drip(talk, b" " * 50_000)


def test_a_body_at_a_decent_pace_is() -> None:
    with served(body_timeout=0.0, pace=1) as server, Talk(server) as talk:
        body = checkpoint(bytes(300_000))
        talk.say(head("POST", f"{PATH}/upload", body, **FORM) + body[:200_000])
        talk.say(body[200_000:])

        assert 200 == talk.heard().status


def test_who_does_not_take_what_he_is_given_is_cut() -> None:
    content = bytes(32 << 20)
    with served(body_chunk_timeout=0.3) as server:
        with Talk(server) as talk:
            talk.ask("POST", f"{PATH}/upload", checkpoint(content), **FORM)
            assert 200 == talk.heard().status
            talk.ask("GET", PATH)
            link = talk.heard().data["resume"].partition("8421")[2]
        with Talk(server, receive=4096) as talk:
            talk.ask("GET", link)
            talk.until(b"\r\n\r\n")
            poll = select.poll()
            poll.register(talk.sock, select.POLLHUP | select.POLLERR)
            assert poll.poll(HANG_TIMEOUT * 1000)  # nothing was taken meanwhile


def test_who_was_slow_once_and_then_took_everything_is_not_cut() -> None:
    content = bytes(8 << 20)
    with served(body_chunk_timeout=5.0) as server, Talk(server) as talk:
        talk.ask("POST", f"{PATH}/upload", checkpoint(content), **FORM)
        assert 200 == talk.heard().status
        talk.ask("GET", PATH)
        link = talk.heard().data["resume"].partition("8421")[2]
        with Talk(server, receive=4096) as slow:
            slow.ask("GET", link)
            slow.until(b"\r\n\r\n")
            slow.exactly(len(content))
            assert not select.select([slow.sock], [], [], 5.5)[0]
            slow.ask("GET", PATH)

            assert 200 == slow.heard().status


def test_beyond_the_most_connections_clients_are_told_and_the_others_served() -> None:
    with served(connections=3, header_timeout=3600.0) as server, contextlib.ExitStack() as stack:
        talks = [stack.enter_context(Talk(server)) for _ in range(3)]
        for talk in talks:
            talk.ask("GET", PATH)
            assert 200 == talk.heard().status
        with Talk(server) as surplus:
            surplus.ask("GET", PATH)
            assert 503 == surplus.heard().status
        # None of these says a word, and most of them are not even waited for.
        silent = [stack.enter_context(Talk(server)) for _ in range(200)]
        assert silent[-1].is_over()
        talks[0].ask("GET", PATH)
        assert 200 == talks[0].heard().status
        for talk in (*talks, *silent):
            talk.close()
