"""The HUB that users run, over each of its stores, under the contract of every HUB; our own client asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hubport.adapters.requests_http import RequestsHttp
from hubport.app.hub.container import HubContainer
from hubport.app.hub.settings import HubSettings
from hubport.testing.contracts import HubContract
from hubport.testing.contracts.hub.harness import HubUnderTest
from tests.integration.hub.postgres import Cluster
from tests.integration.hub.wires import KEY, served
from tests.s3_server import a_bucket


@contextmanager
def a_served_hub(data_dir: Path, **settings: Any) -> Iterator[HubUnderTest]:
    """As ``hubport serve`` has it."""
    container = HubContainer(settings=HubSettings(data_dir=data_dir, port=0, rate_limit=1_000_000, **settings))
    with pytest.MonkeyPatch.context() as patch, container.service().serving() as hub:
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "127.0.0.1")
        assert hub.key is not None
        http = RequestsHttp(hub.address)
        yield HubUnderTest(http, hub.key, hub.address)
        http.close()


class TestServedHubInMemory(HubContract):
    @pytest.fixture
    def hub(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubUnderTest]:
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "127.0.0.1")
        with served() as server:
            http = RequestsHttp(server.url)
            yield HubUnderTest(http, KEY, server.url)
            http.close()


@pytest.fixture(scope="module")
def over_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubUnderTest]:
    with a_served_hub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


class TestServedHubOverSqliteAndAFolder(HubContract):
    @pytest.fixture
    def hub(self, over_sqlite: HubUnderTest) -> HubUnderTest:
        return over_sqlite


@pytest.fixture(scope="module")
def over_postgresql(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubUnderTest]:
    folder = tmp_path_factory.mktemp("hub")
    with (
        postgres.database() as url,
        a_bucket() as bucket,
        a_served_hub(folder, database=url, blobs=bucket.url("checkpoints")) as hub,
    ):
        yield hub


class TestServedHubOverPostgresqlAndABucket(HubContract):
    @pytest.fixture
    def hub(self, over_postgresql: HubUnderTest) -> HubUnderTest:
        return over_postgresql
