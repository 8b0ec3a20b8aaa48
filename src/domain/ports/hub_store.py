"""What a HUB remembers of its models.

The one rule: what ``save`` and ``put_metrics`` have taken is what the next reader sees, whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from ..hub_model import HubModel


@runtime_checkable
class HubStore(Protocol):
    """Models by ID, and their metrics by epoch."""

    def model(self, model_id: str) -> HubModel | None:
        """The model, or ``None``."""
        ...

    def save(self, model: HubModel) -> None:
        """Add *model*, or replace the one with its ID."""
        ...

    def put_metrics(self, model_id: str, epochs: Mapping[int, str]) -> None:
        """Each epoch's JSON text, which replaces what was there of that epoch."""
        ...

    def metrics(self, model_id: str) -> Mapping[int, str]:
        """JSON text by epoch, in the order of the epochs."""
        ...
