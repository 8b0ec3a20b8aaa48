"""A HUB's models, metrics and checkpoints in memory."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Mapping
from typing import BinaryIO

from ...domain.hub_model import HubModel
from ...domain.ports.blobs import Blobs, Stored
from ...domain.ports.hub_store import HubStore


class FakeHubStore(HubStore):
    """Two dictionaries."""

    def __init__(self) -> None:
        self._models: dict[str, HubModel] = {}
        self._metrics: dict[str, dict[int, str]] = {}
        self._lock = threading.Lock()

    def model(self, model_id: str) -> HubModel | None:
        """The model."""
        return self._models.get(model_id)

    def save(self, model: HubModel) -> None:
        """Add or replace."""
        self._models[model.id] = model

    def update(self, model_id: str, change: Callable[[HubModel], HubModel]) -> HubModel:
        """Change one model."""
        with self._lock:
            self._models[model_id] = change(self._models[model_id])
            return self._models[model_id]

    def put_metrics(self, model_id: str, epochs: Mapping[int, str]) -> None:
        """Replace these epochs."""
        self._metrics.setdefault(model_id, {}).update(epochs)

    def metrics(self, model_id: str) -> Mapping[int, str]:
        """All epochs, sorted."""
        return dict(sorted(self._metrics.get(model_id, {}).items()))


class FakeBlobs(Blobs):
    """One dictionary."""

    def __init__(self) -> None:
        self._content: dict[str, bytes] = {}

    def put(self, name: str, content: BinaryIO) -> Stored:
        """Keep the bytes."""
        data = content.read()
        self._content[name] = data
        return Stored(len(data), hashlib.sha256(data).hexdigest())

    def open(self, name: str) -> BinaryIO | None:
        """A reader of the bytes."""
        data = self._content.get(name)
        return None if data is None else io.BytesIO(data)
