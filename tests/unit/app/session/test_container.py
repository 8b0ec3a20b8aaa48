"""The container builds everything that a session is made of, and what is put in by hand stands in its place."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import providers
from dependency_injector.errors import Error

from hubport.adapters.disk_model_cache import DiskModelCache
from hubport.adapters.disk_outbox import DiskOutbox
from hubport.adapters.os_filesystem import OsFilesystem
from hubport.adapters.os_signals import OsSignals
from hubport.adapters.requests_http import RequestsHttp
from hubport.adapters.system_clock import SystemClock
from hubport.app.session.container import Container
from hubport.app.session.factory import SessionFactory
from hubport.app.settings import Settings
from hubport.domain.ports.clock import Clock
from hubport.domain.ports.filesystem import Filesystem
from hubport.domain.ports.http import Http
from hubport.domain.ports.model_cache import ModelCache
from hubport.domain.ports.outbox import Outbox
from hubport.domain.ports.signals import Signals
from hubport.testing import FakeClock, FakeFilesystem, FakeHub, FakeModelCache, FakeOutbox, FakeSignals
from tests.threads import threads_since

PORTS: dict[str, tuple[type, type]] = {
    "http": (Http, RequestsHttp),
    "clock": (Clock, SystemClock),
    "filesystem": (Filesystem, OsFilesystem),
    "signals": (Signals, OsSignals),
    "outbox": (Outbox, DiskOutbox),
    "model_cache": (ModelCache, DiskModelCache),
}
FAKES: dict[str, Any] = {
    "http": FakeHub,
    "clock": FakeClock,
    "filesystem": FakeFilesystem,
    "signals": FakeSignals,
    "outbox": FakeOutbox,
    "model_cache": FakeModelCache,
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(api_root="http://127.0.0.1:1", state_dir=tmp_path)


def resolved(container: Any) -> dict[str, Any]:
    """Every provider's object by its name: a keyword that is wrong in the container raises here."""
    return {name: provider() for name, provider in container.providers.items()}


def test_every_provider_resolves(settings: Settings) -> None:
    found = resolved(Container(settings=settings))

    assert {"settings", "factory", "logins", *PORTS} == set(found)
    assert found["settings"] is settings
    assert isinstance(found["factory"], SessionFactory)
    for name, (port, adapter) in PORTS.items():
        assert isinstance(found[name], port), name
        assert type(found[name]) is adapter
        assert found[name] is getattr(found["factory"], name)
    found["http"].close()


@pytest.mark.parametrize("name", PORTS)
def test_what_is_given_stands_in_place_of_the_adapter(settings: Settings, name: str) -> None:
    """For whoever needs it, and for nobody else: no adapter is even built for it."""
    fake = FAKES[name]()
    container = Container(settings=settings, **{name: fake})

    factory = container.factory()

    assert fake is getattr(factory, name)
    assert fake is getattr(container, name)()
    for other in PORTS.keys() - {name}:
        assert type(getattr(factory, other)) is PORTS[other][1]
    factory.http.close()


def test_everything_may_be_given(settings: Settings) -> None:
    fakes = {name: make() for name, make in FAKES.items()}

    factory = Container(settings=settings, **fakes).factory()

    assert all(fake is getattr(factory, name) for name, fake in fakes.items())


def test_without_settings_nothing_is_built() -> None:
    with pytest.raises(Error, match="settings"):
        Container().factory()


def test_settings_of_another_kind_are_refused() -> None:
    with pytest.raises(Error, match="Settings"):
        Container(settings={"api_root": "http://127.0.0.1:1"}).settings()


def test_settings_reach_the_adapters(settings: Settings) -> None:
    container = Container(settings=settings)

    spool = container.outbox().open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")

    assert Path(spool.folder).is_relative_to(settings.outbox_dir)
    spool.release(keep=False)


def test_building_it_touches_nothing(settings: Settings, tmp_path: Path) -> None:
    """No folder, no thread, no handler: those come with a session."""
    before = set(threading.enumerate())

    resolved(Container(settings=settings))["http"].close()

    assert list(tmp_path.iterdir()) == []
    assert set() == threads_since(before)


@pytest.mark.parametrize("name", PORTS)
def test_many_threads_get_one_adapter(settings: Settings, name: str) -> None:
    """A plain `Singleton` built one for each of them."""
    for _ in range(20):
        container = Container(settings=settings)
        gate = threading.Barrier(8)
        found: list[object] = []

        def build(container: Any = container, gate: threading.Barrier = gate, found: list[object] = found) -> None:
            gate.wait()
            found.append(getattr(container, name)())

        threads = [threading.Thread(target=build) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(found) == 8
        assert len(set(map(id, found))) == 1


def test_two_containers_share_nothing(settings: Settings) -> None:
    """There is one for each session, and none for the process."""
    first, second = Container(settings=settings), Container(settings=settings)

    assert all(getattr(first, name)() is not getattr(second, name)() for name in PORTS)


def test_every_provider_says_what_it_gives() -> None:
    """So that the type checker knows what `container.clock()` is."""
    names = set(Container.providers)

    assert names == set(Container.__annotations__)
    assert all(isinstance(provider, providers.Provider) for provider in Container.providers.values())
