"""A HUB whose disk is full: it says so by name, and a trainer hears it and keeps what it has."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

import hubport
from hubport.adapters.sql_hub import SqlHubStore
from hubport.app.hub.container import HubContainer
from hubport.app.hub.service import make_folder
from hubport.app.hub.settings import HubSettings
from hubport.app.hub_client.client import HubClient
from hubport.app.hub_client.models import HubModels, NewModel
from hubport.domain.client.credentials import Credentials
from hubport.domain.errors import StoreFull
from hubport.domain.hub.model import HubModel
from hubport.testing.lab.disks.small_disk import small_disk


def test_a_trainer_hears_that_the_disk_is_full(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "best.pt").write_bytes(bytes(1 << 20))
    with small_disk(tmp_path / "disk", 256 << 10) as disk:
        if disk.kind != "tmpfs":
            pytest.skip("a limit on the size of files is not full for all of them together")
        hub = HubSettings(data_dir=tmp_path / "hub", blobs=str(disk.path), port=0)
        make_folder(hub)
        service = HubContainer(settings=hub).service()
        with contextlib.closing(service), service.serving() as served:
            key = served.key or ""
            client = HubClient(service.direct(), service.clock, Credentials("owner"), served.address)
            record = HubModels(client, served.address).create(NewModel(weights="yolov8n.pt", data="coco8.yaml"))
            settings = hubport.Settings(
                api_root=served.address,
                state_dir=tmp_path / "state",
                handle_signals=False,
                progress=False,
                rank=0,
            )
            session = hubport.connect(record["id"], api_key=key, settings=settings)
            report = session.finish(tmp_path / "best.pt", epoch=0, map=0.5, timeout=4)
    assert not report.final_delivered
    assert 1 == report.checkpoints.waiting
    assert report.reasons["the HUB's disk is full"] >= 1


def test_a_database_without_room_is_said_to_be_full(tmp_path: Path) -> None:
    with contextlib.closing(SqlHubStore(f"sqlite:///{tmp_path / 'hub.sqlite3'}")) as store:
        engine = store._database._engine
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")  # never below what it has: not a page more

        def fill() -> None:
            for number in range(1000):
                store.models.save(HubModel(f"{number:020d}", name="x" * 2000, data="coco8.yaml"))

        with pytest.raises(StoreFull, match="the disk is full: make room there"):
            fill()
