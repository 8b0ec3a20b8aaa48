"""pytest fixtures for teams that embed hubport: ``pytest_plugins = ["hubport.testing.fixtures"]`` in the root conftest.

The one rule: a test reaches neither the user's files nor a HUB beyond this process, unless it says so itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..app.session.connect import connect
from ..app.session.training_session import TrainingSession
from .fakes.clock import FakeClock
from .fakes.hub import FakeHub
from .fakes.outbox import FakeOutbox
from .fakes.signals import FakeSignals

#: What a developer may have set for the trainings of the day.
_OF_THE_USER = frozenset({"ULTRALYTICS_HUB_API", "ULTRALYTICS_HUB_WEB", "HUB_API_KEY"})


@pytest.fixture(autouse=True)
def hubport_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of this test alone, and no other setting from the environment. For every test, unasked.

    ``HUBPORT_STATE_DIR`` names it; the folder is made by whoever first keeps something in it. ``HUBPORT_CONFIG_FILE``
    names a login that is not there.
    """
    for name in [name for name in os.environ if name in _OF_THE_USER or name.startswith("HUBPORT_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "hubport-state"
    monkeypatch.setenv("HUBPORT_STATE_DIR", str(home))
    monkeypatch.setenv("HUBPORT_CONFIG_FILE", str(tmp_path / "hubport-config" / "login.json"))
    return home


@pytest.fixture
def hub_clock() -> FakeClock:
    """Virtual time: ``hub_clock.advance(3600)`` is an hour."""
    return FakeClock()


@pytest.fixture
def fake_hub(hub_clock: FakeClock) -> FakeHub:
    """A HUB in memory, in the time of *hub_clock*."""
    return FakeHub(clock=hub_clock)


@pytest.fixture
def hub_outbox() -> FakeOutbox:
    """An outbox in memory: what a session leaves there, a later one in the same test finds."""
    return FakeOutbox()


@pytest.fixture
def hub_session(
    fake_hub: FakeHub, hub_clock: FakeClock, hub_outbox: FakeOutbox
) -> Iterator[Callable[..., TrainingSession]]:
    """Makes sessions in virtual time, against *fake_hub*, and closes them when the test is over.

    ``hub_session()`` trains a new model, ``hub_session(model.id)`` a given one; keywords are those of
    :func:`hubport.connect`.
    """
    sessions: list[TrainingSession] = []

    def start(model: str | None = None, **given: Any) -> TrainingSession:
        model = fake_hub.create_model().id if model is None else model
        ports: dict[str, Any] = {"http": fake_hub, "clock": hub_clock, "outbox": hub_outbox, "signals": FakeSignals()}
        sessions.append(connect(model, **{"api_key": fake_hub.api_key, **ports, **given}))
        return sessions[-1]

    yield start
    for session in sessions:
        session.close()
