"""Every store of a HUB, under one contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubport.adapters.sql_hub import SqlHubStore
from hubport.domain.hub.ports.store import HubStore
from hubport.testing.contracts import HubStoreContract
from hubport.testing.fakes.hub_store import FakeHubStore
from tests.integration.hub.postgres import Cluster, empty


class TestFakeHubStore(HubStoreContract):
    @pytest.fixture
    def store(self) -> HubStore:
        return FakeHubStore()


class TestSqlHubStoreOverSqlite(HubStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[HubStore]:
        store = SqlHubStore(f"sqlite:///{tmp_path / 'hub.db'}")
        yield store
        store.close()


@pytest.fixture(scope="module")
def postgres_url(postgres: Cluster) -> Iterator[str]:
    with postgres.database() as url:
        yield url


class TestSqlHubStoreOverPostgresql(HubStoreContract):
    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[HubStore]:
        store = SqlHubStore(postgres_url)
        yield store
        store.close()
        empty(postgres_url)
