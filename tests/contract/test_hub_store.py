"""Every store of a HUB, models and files, under one contract each."""

import pytest

from hubport.adapters.memory.hub_store import FakeBlobs, FakeHubStore
from hubport.domain.ports.blobs import Blobs
from hubport.domain.ports.hub_store import HubStore
from hubport.testing.contracts import BlobsContract, HubStoreContract


class TestFakeHubStore(HubStoreContract):
    @pytest.fixture
    def store(self) -> HubStore:
        return FakeHubStore()


class TestFakeBlobs(BlobsContract):
    @pytest.fixture
    def blobs(self) -> Blobs:
        return FakeBlobs()
