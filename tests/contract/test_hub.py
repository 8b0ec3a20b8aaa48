"""The HUB of the tests under the contract of every HUB: in this process, and behind a socket."""

from collections.abc import Iterator

import pytest

from hubport.adapters.requests_http import RequestsHttp
from hubport.testing import FakeHub, LoopbackServer
from hubport.testing.contracts import HubContract
from hubport.testing.contracts.hub.harness import HubUnderTest

KEY = "0123456789abcdef" * 2 + "0123456789"


class TestFakeHub(HubContract):
    @pytest.fixture
    def hub(self) -> HubUnderTest:
        return HubUnderTest(FakeHub(api_key=KEY, bearer=KEY), KEY, "https://hub.invalid")


class TestFakeHubBehindASocket(HubContract):
    @pytest.fixture
    def hub(self) -> Iterator[HubUnderTest]:
        fake = FakeHub(api_key=KEY, bearer=KEY)
        with LoopbackServer(fake) as server:
            fake.root = server.url
            http = RequestsHttp(server.url)
            yield HubUnderTest(http, KEY, server.url)
            http.close()
