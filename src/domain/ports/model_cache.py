"""What the HUB last said of each model, for a start without the HUB.

The one rule: a record is there whole or not at all, and one that cannot be read is one that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class ModelCache(Protocol):
    """The records of one HUB's models, as JSON objects."""

    def get(self, model_id: str) -> dict[str, Any] | None:
        """What was last put for *model_id*; ``None`` when that is nothing, or it cannot be read."""
        ...

    def put(self, model_id: str, record: Mapping[str, Any]) -> None:
        """Keep *record*, in place of the one before.

        Raises:
            OSError: when there is no room or no right to write; the one before is unharmed.
        """
        ...
