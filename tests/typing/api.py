"""The public face as a type checker sees it: checked, never run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import assert_type

import hubport
from hubport import Credentials, HUBTrainingSession, Report, Settings, TrainingSession
from hubport.domain.ports.clock import Clock
from hubport.domain.ports.filesystem import Filesystem
from hubport.domain.ports.http import Http
from hubport.domain.ports.model_cache import ModelCache
from hubport.domain.ports.outbox import Outbox, SpoolInfo
from hubport.domain.ports.signals import Signals
from hubport.testing import FakeClock, FakeFilesystem, FakeHub, FakeModelCache, FakeOutbox, FakeSignals
from hubport.testing.contracts import ModelCacheContract


def a_trainer() -> None:
    with hubport.connect("ID", api_key="KEY", settings=Settings.from_env(metrics_interval=3.0)) as session:
        assert_type(session, TrainingSession)
        assert_type(session.model_id, str)
        assert_type(session.model_file, str)
        assert_type(session.train_args, dict[str, Any])
        assert_type(session.agent_id, str | None)
        session.log_metrics(0, {"loss": 1.0, "note": "text", "none": None})
        session.log_metrics("0", {})  # type: ignore[arg-type]
        session.upload_checkpoint(Path("last.pt"), epoch=0, is_best=True)
        assert_type(session.flush(timeout=1.0), bool)
        assert_type(session.finish("best.pt", epoch=0, map=0.4, timeout=60), Report)
        assert_type(session.status().metrics.waiting, int)
        assert_type(session.is_disabled, bool)
        assert_type(session.state, str)
        session.use_key("KEY")
        session.use_key(Credentials.bearer("TOKEN"))
        session.use_key(None)  # type: ignore[arg-type]
    hubport.connect("ID", "KEY")  # type: ignore[call-arg]
    hubport.conect("ID")  # type: ignore[attr-defined]
    hubport.testing.FakeHbu()  # type: ignore[attr-defined]
    hubport.connect("ID", settings=Settings(start_offline=True, rank=0, jitter=0.25, outbox_limit=1 << 30))
    assert_type(Settings().rank, int | None)


def a_test() -> None:
    clock = FakeClock()
    hub = FakeHub(clock=clock)
    ports: tuple[Http, Clock, Filesystem, Signals, Outbox, ModelCache] = (
        hub,
        clock,
        FakeFilesystem(),
        FakeSignals(),
        FakeOutbox(),
        FakeModelCache(),
    )
    hubport.connect("ID", http=hub, clock=clock, filesystem=ports[2], signals=ports[3], outbox=ports[4])
    hubport.connect("ID", model_cache=ports[5])
    assert_type(FakeOutbox().list_spools(), list[SpoolInfo])
    assert_type(FakeOutbox().open("ID").size, int)
    hubport.connect("ID", http=clock)  # type: ignore[arg-type]


class TapeRecords(ModelCache):
    """An adapter of somebody else's."""

    def get(self, model_id: str) -> dict[str, Any] | None:
        return None

    def put(self, model_id: str, record: Mapping[str, Any]) -> None:
        pass


class TestTapeRecords(ModelCacheContract):
    """What it must hold."""

    @pytest.fixture
    def model_cache(self) -> ModelCache:
        return TapeRecords()


def a_trainer_of_2023(trainer_timers: dict[str, float]) -> None:
    session = HUBTrainingSession("KEY_ID")
    session.timers = trainer_timers
    session.metrics_queue = {0: "{}"}
    session.upload_metrics()
    session.upload_model(0, Path("last.pt"), False)
    session.upload_model(0, "best.pt", map=0.4, final=True)
    session.alive = False
