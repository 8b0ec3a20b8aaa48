"""The first line and the headers of a request: which are taken, which limit was met, and what is said of the rest."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from hubport.adapters.web.server import HubServer
from hubport.domain.errors import StoreUnusable
from hubport.domain.hub.ports.store import MetricsDelta
from hubport.testing.fakes.hub_store import FakeHubStore
from tests.integration.hub.test_server_faults import Log
from tests.integration.hub.wires import KEY, PATH, Talk, head, served

OF_KEY = f"x-api-key: {KEY}\r\n\r\n"


@pytest.mark.parametrize("name", ["http://{host}", "HTTP://{host}", "https://{host}", "http://elsewhere.test:8421"])
def test_an_absolute_target_is_a_path_of_that_host(name: str) -> None:
    with served() as server, Talk(server) as talk:
        host = f"127.0.0.1:{server.port}"
        talk.say(f"GET {name.format(host=host)}{PATH}?a=b HTTP/1.1\r\nHost: other.test\r\n{OF_KEY}")
        assert 200 == talk.heard().status


def test_links_hang_below_the_host_of_an_absolute_target() -> None:
    with served() as server, Talk(server) as talk:
        talk.say(f"GET http://hub.test/openapi.json HTTP/1.1\r\nHost: other.test\r\n{OF_KEY}")
        body = talk.heard().body
        assert b"http://hub.test" in body
        assert b"other.test" not in body


@pytest.mark.parametrize("target", ["http://hub.test", "http://hub.test/", "http://hub.test?a=b"])
def test_an_absolute_target_without_a_path_is_the_root(target: str) -> None:
    with served() as server, Talk(server) as talk:
        talk.say(f"GET {target} HTTP/1.1\r\nHost: hub.test\r\n\r\n")
        absolute = talk.heard().status
        talk.say("GET / HTTP/1.1\r\nHost: hub.test\r\n\r\n")
        assert talk.heard().status == absolute


@pytest.mark.parametrize("target", ["http:///path", "http://me@hub.test/", "http://a b/"])
def test_an_absolute_target_of_no_host_is_refused(target: str) -> None:
    with served() as server, Talk(server) as talk:
        talk.say(f"GET {target}{PATH} HTTP/1.1\r\nHost: hub.test\r\n{OF_KEY}")
        assert 400 == talk.heard().status


@pytest.mark.parametrize(("version", "status"), [("9.9", 505), ("2.0", 505), ("0.9", 505), ("1.1", 200), ("1.0", 200)])
def test_another_version_of_http_is_said_to_be_one(version: str, status: int) -> None:
    with served() as server, Talk(server) as talk:
        talk.say(head("GET", PATH).replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
        answer = talk.heard()
        assert status == answer.status
        assert status == 200 or "HTTP/1.1" in answer.message


SMALL_HEADERS = "a:\r\n" * 30_000


@pytest.mark.parametrize(
    ("said", "status", "message"),
    [
        (f"GET {PATH} HTTP/1.1\r\nHost: a\r\n{SMALL_HEADERS}{OF_KEY}", 431, "32768 bytes"),
        (f"GET {PATH} HTTP/1.1\r\nHost: a\r\nx:{' ' * 100_000}y\r\n{OF_KEY}", 431, "32768 bytes"),
        (f"GET {PATH} HTTP/1.1\r\nHost: a\r\nx: {'y' * 40_000}\r\n{OF_KEY}", 431, "32768 bytes"),
        (f"GET {PATH} HTTP/1.1\r\nHost: a\r\n{SMALL_HEADERS[:4000]}{OF_KEY}", 431, "256 headers"),
        (f"GET {PATH}?a={'b' * 9000} HTTP/1.1\r\nHost: a\r\n{OF_KEY}", 414, "8192 bytes"),
        (f"GET {PATH}?a={'b' * 140_000} HTTP/1.1\r\nHost: a\r\n{OF_KEY}", 414, "8192 bytes"),
        (f"GET {PATH}?a={'b' * 140_000}", 414, "8192 bytes"),
    ],
)
def test_a_head_beyond_a_limit_is_told_which(said: str, status: int, message: str) -> None:
    with served() as server, Talk(server) as talk:
        talk.say(said)
        answer = talk.heard()
        assert status == answer.status
        assert message in answer.message


@pytest.mark.parametrize("said", ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nno header\r\n\r\n", "\x00\r\n\r\n"])
def test_what_is_no_http_is_told_so_without_a_word_of_python(said: str) -> None:
    with served() as server, Talk(server) as talk:
        talk.say(said)
        answer = talk.heard()
        assert 400 == answer.status
        assert "bytearray" not in answer.message
        assert "b'" not in answer.message


class Away(FakeHubStore):
    """A database that is away while it is told to be."""

    is_away = False

    def metrics(self, model_id: str, *, after: int = 0) -> MetricsDelta:
        if self.is_away:
            raise StoreUnusable("postgresql://hub", "connection refused")
        return super().metrics(model_id, after=after)


def test_an_outage_of_the_database_is_one_line_and_its_end_another() -> None:
    log, store = Log(), Away()
    with served(store=store, log=log) as server, Talk(server) as talk:
        for _ in range(2):
            store.is_away = True
            for _ in range(5):
                talk.ask("GET", f"{PATH}/metrics")
                assert 503 == talk.heard().status
            store.is_away = False
            for _ in range(3):
                talk.ask("GET", f"{PATH}/metrics")
                assert 200 == talk.heard().status
    assert 2 == len(log.of("web.store_unusable"))
    assert [5, 5] == [told["failed"] for told in log.of("web.store_recovered")]


def test_a_lack_of_file_descriptors_is_one_line_and_its_end_another() -> None:
    log = Log()
    with served(log=log) as server:
        lack: dict[str, Any] = {
            "message": "socket.accept() out of system resource",
            "exception": OSError(errno.EMFILE, "Too many open files"),
        }

        def run_out(server: HubServer) -> None:
            for _ in range(1000):
                server._loop.call_exception_handler(lack)

        server._loop.call_soon_threadsafe(run_out, server)
        with Talk(server) as talk:
            talk.ask("GET", PATH)
            assert 200 == talk.heard().status
    (told,) = log.of("web.accept_paused")
    assert "Too many open files" == told["cause"]
    assert 1 == len(log.of("web.accept_resumed"))
