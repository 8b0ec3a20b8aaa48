"""All records, under one contract."""

from pathlib import Path

import pytest

from hubport.adapters.disk_model_cache import DiskModelCache
from hubport.domain.ports.model_cache import ModelCache
from hubport.testing import FakeModelCache
from hubport.testing.contracts import ModelCacheContract


class TestDiskRecords(ModelCacheContract):
    @pytest.fixture
    def records(self, tmp_path: Path) -> ModelCache:
        return DiskModelCache(tmp_path / "state" / "records")

    @pytest.fixture
    def later(self, records: ModelCache, tmp_path: Path) -> ModelCache:
        return DiskModelCache(tmp_path / "state" / "records")


class TestFakeRecords(ModelCacheContract):
    @pytest.fixture
    def records(self) -> ModelCache:
        return FakeModelCache()
