"""The HUB's container builds everything that a HUB is made of, and says which extra is missing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType

import pytest
from dependency_injector import providers
from dependency_injector.errors import Error

from hubport.adapters.folder_blobs import FolderBlobs
from hubport.adapters.sql_hub import SqlHubStore
from hubport.adapters.web.server import HubServer
from hubport.app.extras import ExtraMissing
from hubport.app.hub.container import HubContainer
from hubport.app.hub.service import HubService
from hubport.app.hub.settings import HubSettings
from hubport.domain.hub.ports.blobs import Blobs
from hubport.domain.hub.ports.store import HubStore
from hubport.testing.fakes.blobs import FakeBlobs
from hubport.testing.fakes.hub_store import FakeHubStore


@pytest.fixture
def settings(tmp_path: Path) -> HubSettings:
    return HubSettings(data_dir=tmp_path, port=0)


def test_every_provider_resolves(settings: HubSettings) -> None:
    container = HubContainer(settings=settings)
    found = {name: provider() for name, provider in container.providers.items()}
    found["server"].close()
    found["store"].close()

    assert isinstance(found["store"], HubStore)
    assert isinstance(found["blobs"], Blobs)
    assert (SqlHubStore, FolderBlobs, HubServer, HubService) == tuple(
        type(found[name]) for name in ("store", "blobs", "server", "service")
    )
    assert found["service"].store is found["store"]
    assert found["hub"].context.store is found["store"]
    assert found["hub"].context.blobs is found["service"].blobs is found["blobs"]


def test_fakes_stand_in_place_of_what_an_extra_brings(settings: HubSettings) -> None:
    store, blobs = FakeHubStore(), FakeBlobs()
    container = HubContainer(settings=settings, store=store, blobs=blobs)

    assert container.service().store is store
    assert container.hub().context.blobs is blobs


def test_building_it_touches_nothing_with_fakes(settings: HubSettings, tmp_path: Path) -> None:
    HubContainer(settings=settings, store=FakeHubStore(), blobs=FakeBlobs()).service()
    assert [] == list(tmp_path.iterdir())


def test_without_settings_nothing_is_built() -> None:
    with pytest.raises(Error, match="settings"):
        HubContainer().service()


def test_every_provider_says_what_it_gives() -> None:
    assert set(HubContainer.providers) == set(HubContainer.__annotations__)
    assert all(isinstance(provider, providers.Provider) for provider in HubContainer.providers.values())


class NotInstalled(MetaPathFinder):
    """What an extra brings is not there."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for module in list(sys.modules):
        if module.partition(".")[0] in names or module.startswith(
            ("hubport.adapters.sql_hub", "hubport.adapters.web", "hubport.adapters.s3_blobs")
        ):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [NotInstalled(*names), *sys.meta_path])


@pytest.mark.parametrize(("names", "provider"), [(["sqlalchemy", "alembic"], "store"), (["uvicorn"], "server")])
def test_a_missing_extra_is_named(
    settings: HubSettings, monkeypatch: pytest.MonkeyPatch, names: list[str], provider: str
) -> None:
    fakes = {} if provider == "store" else {"store": FakeHubStore(), "blobs": FakeBlobs()}
    container = HubContainer(settings=settings, **fakes)
    without(monkeypatch, *names)
    with pytest.raises(ExtraMissing, match=r"pip install 'hubport\[hub\]'"):
        getattr(container, provider)()


def test_a_bucket_needs_an_extra_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    container = HubContainer(settings=HubSettings(data_dir=tmp_path, blobs="s3://bucket/prefix"))
    without(monkeypatch, "boto3", "botocore")
    with pytest.raises(ExtraMissing, match=r"pip install 'hubport\[hub,s3\]'"):
        container.blobs()
