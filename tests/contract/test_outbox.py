"""Every outbox, under one contract."""

from pathlib import Path

import pytest

from hubport.adapters.disk_outbox import DiskOutbox
from hubport.domain.ports.outbox import Outbox
from hubport.testing import FakeOutbox
from hubport.testing.contracts import OutboxContract


class TestDiskOutbox(OutboxContract):
    @pytest.fixture
    def outbox(self, tmp_path: Path) -> Outbox:
        return DiskOutbox(tmp_path / "outbox")

    @pytest.fixture
    def later(self, outbox: Outbox, tmp_path: Path) -> Outbox:
        return DiskOutbox(tmp_path / "outbox")


class TestFakeOutbox(OutboxContract):
    @pytest.fixture
    def outbox(self) -> Outbox:
        return FakeOutbox()
