"""All records, under one contract."""

from pathlib import Path

import pytest

from hubport.adapters.disk_model_cache import DiskRecords
from hubport.domain.ports.model_cache import Records
from hubport.testing import FakeRecords
from hubport.testing.contracts import RecordsContract


class TestDiskRecords(RecordsContract):
    @pytest.fixture
    def records(self, tmp_path: Path) -> Records:
        return DiskRecords(tmp_path / "state" / "records")

    @pytest.fixture
    def later(self, records: Records, tmp_path: Path) -> Records:
        return DiskRecords(tmp_path / "state" / "records")


class TestFakeRecords(RecordsContract):
    @pytest.fixture
    def records(self) -> Records:
        return FakeRecords()
