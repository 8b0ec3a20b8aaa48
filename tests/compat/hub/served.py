"""A HUB as `hubport serve` has it, over SQLite and a folder, in the process of the test.

The one rule: whoever waits for something that a client does in a thread of its own waits for the store to change.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic

import attrs
from dependency_injector import providers

from hubport.adapters.sql_hub import SqlHubStore
from hubport.app.hub.container import HubContainer
from hubport.app.hub.settings import HubSettings
from hubport.domain.hub.api_key import ApiKey
from hubport.domain.hub.items import Dataset, Project
from hubport.domain.hub.model import HubModel
from hubport.domain.hub.ports.store import HubStore, ItemT, MetricsDelta, MetricsError, MetricsWrite, Page, Repository
from hubport.domain.ports.clock import Clock
from tests.compat.recording_hub import HANG_TIMEOUT


class WatchedShelf(Repository[ItemT], Generic[ItemT]):
    """Tells *news* of each change that *behind* has taken."""

    def __init__(self, behind: Repository[ItemT], news: threading.Condition) -> None:
        self._behind = behind
        self._news = news

    def get(self, item_id: str) -> ItemT | None:
        return self._behind.get(item_id)

    def save(self, item: ItemT) -> None:
        self._behind.save(item)
        self._tell()

    def update(self, item_id: str, change: Callable[[ItemT], ItemT]) -> ItemT:
        item = self._behind.update(item_id, change)
        self._tell()
        return item

    def delete(self, item_id: str) -> ItemT | None:
        item = self._behind.delete(item_id)
        self._tell()
        return item

    def page(self, *, limit: int, cursor: str | None = None, query: str = "", is_trashed: bool = False) -> Page[ItemT]:
        return self._behind.page(limit=limit, cursor=cursor, query=query, is_trashed=is_trashed)

    def _tell(self) -> None:
        with self._news:
            self._news.notify_all()


class WatchedStore(HubStore):
    """A store whose models can be waited for."""

    def __init__(self, behind: HubStore) -> None:
        self._behind = behind
        self.news = threading.Condition()
        self._models = WatchedShelf[HubModel](behind.models, self.news)

    @property
    def models(self) -> Repository[HubModel]:
        return self._models

    @property
    def projects(self) -> Repository[Project]:
        return self._behind.projects

    @property
    def datasets(self) -> Repository[Dataset]:
        return self._behind.datasets

    @property
    def keys(self) -> Repository[ApiKey]:
        return self._behind.keys

    def write_metrics(self, writes: Sequence[MetricsWrite]) -> Sequence[MetricsError | None]:
        errors = self._behind.write_metrics(writes)
        with self.news:
            self.news.notify_all()
        return errors

    def metrics(self, model_id: str, *, after: int = 0) -> MetricsDelta:
        return self._behind.metrics(model_id, after=after)

    def revision(self, model_id: str) -> int:
        return self._behind.revision(model_id)

    def close(self) -> None:
        self._behind.close()


@attrs.frozen
class ServedHub:
    """Where it is, a key of it, and what it holds."""

    url: str
    key: str = attrs.field(repr=False)
    store: WatchedStore

    def model(self, model_id: str) -> HubModel:
        """The model as the HUB holds it now."""
        model = self.store.models.get(model_id)
        assert model is not None
        return model

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Wait until *holds* does; it is asked after each change of a model."""
        with self.store.news:
            assert self.store.news.wait_for(holds, timeout=HANG_TIMEOUT)


@contextmanager
def served_hub(
    folder: Path,
    *,
    clock: Clock | None = None,
    watched: Callable[[HubStore], WatchedStore] = WatchedStore,
    **options: Any,
) -> Iterator[ServedHub]:
    """A HUB in *folder* that listens on loopback; *options* are those of its settings."""
    settings = HubSettings(data_dir=folder, port=0, **options)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = watched(SqlHubStore(settings.database_url))
    overrides = {"store": store} if clock is None else {"store": store, "clock": clock}
    container = HubContainer(settings=settings, **{name: providers.Object(own) for name, own in overrides.items()})
    try:
        _, key = container.keys().create("the tests")
        server = container.server()
        try:
            yield ServedHub(server.url, key, store)
        finally:
            server.close(timeout=HANG_TIMEOUT)
    finally:
        store.close()
