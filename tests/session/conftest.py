"""A HUB, a clock, a disk and signals in memory, and sessions over them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import hubport
from hubport.app.delivery.delivery import Delivery
from hubport.testing import FakeClock, FakeFilesystem, FakeHub, FakeModelCache, FakeOutbox, FakeSignals


@attrs.define
class Stage:
    """Everything around a session."""

    state_dir: Path
    clock: FakeClock = attrs.field(factory=FakeClock)
    hub: FakeHub = attrs.field(init=False)
    disk: FakeFilesystem = attrs.field(factory=lambda: FakeFilesystem({"last.pt": b"last", "best.pt": b"best"}))
    outbox: FakeOutbox = attrs.field(factory=FakeOutbox)
    signals: FakeSignals = attrs.field(factory=FakeSignals)
    model_cache: FakeModelCache = attrs.field(factory=FakeModelCache)
    model_id: str = attrs.field(init=False)
    sessions: list[hubport.TrainingSession] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        # A HUB that replaces an epoch whole: a client that copes with it copes with one that merges.
        self.hub = FakeHub(clock=self.clock, seed=1, merges_metrics=False)
        self.model_id = self.hub.create_model(epochs=3).id

    def settings(self, **fields: Any) -> hubport.Settings:
        defaults: dict[str, Any] = {"progress": False, "jitter": 0, "rank": 0}
        return hubport.Settings(state_dir=self.state_dir, **defaults | fields)

    def ports(self) -> dict[str, Any]:
        return {
            "http": self.hub,
            "clock": self.clock,
            "filesystem": self.disk,
            "outbox": self.outbox,
            "signals": self.signals,
            "model_cache": self.model_cache,
        }

    def connect(self, model: str | None = None, **fields: Any) -> hubport.TrainingSession:
        session = hubport.connect(
            model or self.model_id, api_key=self.hub.api_key, settings=self.settings(**fields), **self.ports()
        )
        self.sessions.append(session)
        return session

    def drop_in(self, model: str | None = None, **fields: Any) -> hubport.HUBTrainingSession:
        session = hubport.HUBTrainingSession(
            f"{self.hub.api_key}_{model or self.model_id}", settings=self.settings(**fields), **self.ports()
        )
        self.sessions.append(session._session)
        return session

    def close(self) -> None:
        """No thread outlives its test, but for those in a request that virtual time will never end."""
        self.hub.heal()
        for session in self.sessions:
            session.close(timeout=60)
        self.clock.settle()
        for session in self.sessions:
            if session._lifecycle.engine is not None:
                for worker in self.delivery(session)._group.workers:
                    if worker.is_gone:  # and not yet at its end: the next test may count the threads that there are
                        worker.join()

    def crash(self, session: hubport.TrainingSession) -> None:
        """What kill -9 leaves: no thread sends any more, and nobody owns the spool."""
        self.hub.down()
        session.close(timeout=0)
        self.clock.settle()
        self.hub.heal()
        self.outbox.crash()

    def finish_before_its_metrics(self) -> None:
        """A run that has delivered its final weights, and has left an epoch that the HUB did not take in time."""
        session = self.connect()
        self.hub.refuse(503, on="metrics")
        session.log_metrics(0, {"a": 1.0})
        assert session.finish("best.pt", epoch=0, timeout=60).final_delivered
        self.clock.settle()
        self.outbox.crash()
        self.hub.heal()

    def leap(self, seconds: float) -> None:
        """The machine slept, and its monotonic clock went on."""
        with self.clock.lock:
            self.clock.time += seconds
            for alarm in self.clock.alarms:
                alarm.woken.notify()

    def delivery(self, session: hubport.TrainingSession) -> Delivery:
        """What *session* runs on."""
        engine = session._lifecycle.engine
        assert engine is not None
        return engine.delivery

    def held(self, session: hubport.TrainingSession) -> int:
        """The bytes of snapshots that *session* believes to lie in the outbox."""
        return self.delivery(session).uploads.held

    def state(self) -> str:
        """The state of the model, as the HUB shows it."""
        return self.hub.model(self.model_id).state(self.clock.wall()).value

    def times(self, kind: str) -> list[float]:
        return [entry.at for entry in self.hub.received(kind)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()
