"""Records in memory."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ...domain.ports.model_cache import ModelCache


class FakeModelCache(ModelCache):
    """A dictionary from model to record, which a test may read and change."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}

    def get(self, model_id: str) -> dict[str, Any] | None:
        return copy.deepcopy(self.records.get(model_id))

    def put(self, model_id: str, record: Mapping[str, Any]) -> None:
        self.records[model_id] = copy.deepcopy(dict(record))
