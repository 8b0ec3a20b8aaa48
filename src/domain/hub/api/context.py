"""What the answers of a HUB are made from: its memory, its files, and what it needs of the world.

The one rule: nothing here reads a clock or draws a number by itself.
"""

from __future__ import annotations

from typing import Any

import attrs

from ..model import HubModel
from ..ports.blobs import Blobs
from ..ports.environment import Surroundings
from ..ports.store import HubStore, Series
from ..progress import Objective, Summaries
from .messages import Asked, Refusal
from .model_json import View


@attrs.frozen
class Premises:
    """A HUB's possessions. ``keep``: how many epoch checkpoints of a model stay, beside the best and the final one."""

    store: HubStore
    blobs: Blobs
    around: Surroundings
    keep: int = 5
    summaries: Summaries = attrs.field(factory=Summaries)

    def model(self, model_id: str) -> HubModel:
        """The model, where it is not in the trash.

        Raises:
            Refusal: 404.
        """
        model = self.must_hold(model_id)
        if model.is_trashed:
            raise Refusal(404, f"the model {model_id} was deleted: it is in the trash, and can be restored")
        return model

    def must_hold(self, model_id: str) -> HubModel:
        """The model, in the trash or not.

        Raises:
            Refusal: 404.
        """
        model = self.store.models.get(model_id)
        if model is None:
            raise self.missing(model_id)
        return model

    def missing(self, model_id: str) -> Refusal:
        """What to say where there is none."""
        return Refusal(404, f"there is no model {model_id} in this HUB")

    def record(self, asked: Asked, model: HubModel) -> dict[str, Any]:
        """What whoever has *asked* sees of *model*."""

        def read(after: int) -> Series:
            return self.store.metrics(model.id, after=after)

        view = View(asked.root, self.around.wall(), self.store.datasets.get)
        objective = Objective(model.best_metric, model.best_direction)
        return view.record(model, self.summaries.of(model.id, read, objective))
