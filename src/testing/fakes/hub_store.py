"""What a HUB remembers, in memory."""

from __future__ import annotations

import bisect
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Generic

import attrs

from ...domain.hub.api_key import ApiKey
from ...domain.hub.epoch_text import EpochTooLarge, merge
from ...domain.hub.items import Dataset, Project
from ...domain.hub.model import HubModel
from ...domain.hub.ports.store import (
    HubStore,
    ItemT,
    MetricsDelta,
    MetricsError,
    MetricsWrite,
    NoSuchModel,
    Page,
    Repository,
    decode_cursor,
    folded,
)


class FakeRepository(Repository[ItemT], Generic[ItemT]):
    """A dictionary; *lock* is that of the whole store."""

    def __init__(self, lock: threading.RLock, changed: Callable[[str], None]) -> None:
        self._items: dict[str, ItemT] = {}
        self._places: dict[str, int] = {}
        self._last_place = 0
        self._lock = lock
        self._changed = changed

    def get(self, item_id: str) -> ItemT | None:
        with self._lock:
            return self._items.get(item_id)

    def save(self, item: ItemT) -> None:
        with self._lock:
            if item.id not in self._items:
                self._last_place += 1
                self._places[item.id] = self._last_place
            self._items[item.id] = item
            self._changed(item.id)

    def update(self, item_id: str, change: Callable[[ItemT], ItemT]) -> ItemT:
        with self._lock:
            item = self._items[item_id] = change(self._items[item_id])
            self._changed(item_id)
            return item

    def delete(self, item_id: str) -> ItemT | None:
        with self._lock:
            item = self.get(item_id)
            if item is not None:
                del self._items[item_id], self._places[item_id]
                self._changed(item_id)
            return item

    def page(self, *, limit: int, cursor: str | None = None, query: str = "", is_trashed: bool = False) -> Page[ItemT]:
        before = decode_cursor(cursor)
        with self._lock:
            found = [
                (self._places[item.id], item)
                for item in self._items.values()
                if item.is_trashed == is_trashed and (_holds(item.name, query) or _holds(item.id, query))
            ]
        found.sort(key=lambda entry: -entry[0])
        rest = [entry for entry in found if before is None or entry[0] < before]
        shown = rest[:limit]
        more = str(shown[-1][0]) if shown and len(rest) > len(shown) else None
        return Page(tuple(item for _, item in shown), len(found), more)


class FakeHubStore(HubStore):
    """Dictionaries under one lock. *merge* puts new epochs into those that are there."""

    def __init__(self, *, merge: Callable[[dict[int, str], Mapping[int, str]], None] = merge) -> None:
        self._merge = merge
        self._identity = secrets.token_hex(16)
        self._lock = threading.RLock()
        self._models = FakeRepository[HubModel](self._lock, self._model_changed)
        self._projects = FakeRepository[Project](self._lock, _nothing)
        self._datasets = FakeRepository[Dataset](self._lock, _nothing)
        self._keys = FakeRepository[ApiKey](self._lock, _nothing)
        self._metrics: dict[str, dict[int, str]] = {}
        # For each model the epochs that were put, oldest first, each with its revision.
        self._put: dict[str, list[tuple[int, int]]] = {}
        self._revisions: dict[str, int] = {}

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def models(self) -> Repository[HubModel]:
        return self._models

    @property
    def projects(self) -> Repository[Project]:
        return self._projects

    @property
    def datasets(self) -> Repository[Dataset]:
        return self._datasets

    @property
    def keys(self) -> Repository[ApiKey]:
        return self._keys

    def write_metrics(self, writes: Sequence[MetricsWrite]) -> Sequence[MetricsError | None]:
        with self._lock:
            return [self._write_one(write) for write in writes]

    def _write_one(self, write: MetricsWrite) -> MetricsError | None:
        if self._models.get(write.model_id) is None:
            return NoSuchModel(write.model_id)
        self._models.update(write.model_id, lambda model: attrs.evolve(model, last_seen=write.at))
        revision, held = self._revisions[write.model_id], self._metrics.setdefault(write.model_id, {})
        before = {epoch: held.get(epoch) for epoch in write.epochs}
        try:
            self._merge(held, write.epochs)
        except EpochTooLarge as error:
            return error
        changed = [epoch for epoch, text in before.items() if text != held[epoch]]
        self._put.setdefault(write.model_id, []).extend((revision, epoch) for epoch in changed)
        return None

    def metrics(self, model_id: str, *, after: int = 0) -> MetricsDelta:
        with self._lock:
            write = self._put.get(model_id, [])
            epochs = {epoch for _, epoch in write[bisect.bisect_left(write, (after + 1, -1)) :]}
            held = self._metrics.get(model_id, {})
            return MetricsDelta(self._revisions.get(model_id, 0), {epoch: held[epoch] for epoch in sorted(epochs)})

    def revision(self, model_id: str) -> int:
        with self._lock:
            return self._revisions.get(model_id, 0)

    def close(self) -> None:
        """Nothing to give back."""

    def _model_changed(self, model_id: str) -> None:
        if self._models.get(model_id) is None:
            for held in (self._revisions, self._metrics, self._put):
                held.pop(model_id, None)
        else:
            self._revisions[model_id] = self._revisions.get(model_id, 0) + 1


def _nothing(_: str) -> None:
    """Only models have revisions."""


def _holds(text: str, query: str) -> bool:
    return folded(query) in folded(text)
