"""What a HUB remembers of its models.

The one rule: what ``save``, ``update`` and ``put_metrics`` have taken is what the next reader sees, whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

    def update(self, model_id: str, change: Callable[[HubModel], HubModel]) -> HubModel:
        """Replace a model by what *change* makes of it, with nobody in between; the new one.

        Raises:
            KeyError: when there is no such model.
        """
        ...

    def put_metrics(self, model_id: str, epochs: Mapping[int, str]) -> None:
        """Each epoch's JSON text, which replaces what was there of that epoch."""
        ...

    def metrics(self, model_id: str) -> Mapping[int, str]:
        """JSON text by epoch, in the order of the epochs."""
        ...
