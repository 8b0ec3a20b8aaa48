"""Every way to a HUB, under one contract: the fake itself, and requests with the same fake behind a real socket."""

from collections.abc import Iterator

import pytest

from hubport.adapters.requests_http import RequestsHttp
from hubport.domain.ports.http import Http
from hubport.testing import FakeHub, LoopbackServer
from hubport.testing.contracts import HttpContract


class TestFakeHub(HttpContract):
    @pytest.fixture
    def http(self, hub: FakeHub) -> Http:
        return hub


class TestRequestsHttp(HttpContract):
    @pytest.fixture
    def http(self, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Http]:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with LoopbackServer(hub) as server:
            http = RequestsHttp(server.url)
            yield http
            http.close()
