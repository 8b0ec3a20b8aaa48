"""What the answers of a HUB are made from: its memory, its files, and what it needs of the world.

The one rule: nothing here reads a clock or draws a number by itself.
"""

from __future__ import annotations

from typing import Any

import attrs

from ..model import HubModel
from ..ports.blobs import Blobs
from ..ports.environment import HubEnvironment
from ..ports.store import HubStore, MetricsDelta
from ..progress import Objective, Summaries
from .messages import ApiError, HubRequest
from .model_json import ModelSerializer


@attrs.frozen
class HubContext:
    """A HUB's possessions. ``keep``: how many epoch checkpoints of a model stay, beside the best and the final one."""

    store: HubStore
    blobs: Blobs
    environment: HubEnvironment
    keep: int = 5
    summaries: Summaries = attrs.field(factory=Summaries)

    def model(self, model_id: str) -> HubModel:
        """The model, where it is not in the trash.

        Raises:
            ApiError: 404.
        """
        model = self.get_model_or_404(model_id)
        if model.is_trashed:
            raise ApiError(404, f"the model {model_id} was deleted: it is in the trash, and can be restored")
        return model

    def get_model_or_404(self, model_id: str) -> HubModel:
        """The model, in the trash or not.

        Raises:
            ApiError: 404.
        """
        model = self.store.models.get(model_id)
        if model is None:
            raise self.missing(model_id)
        return model

    def missing(self, model_id: str) -> ApiError:
        """What to say where there is none."""
        return ApiError(404, f"there is no model {model_id} in this HUB")

    def record(self, request: HubRequest, model: HubModel) -> dict[str, Any]:
        """What whoever has *request* sees of *model*."""

        def read(after: int) -> MetricsDelta:
            return self.store.metrics(model.id, after=after)

        view = ModelSerializer(request.root, self.environment.wall(), self.store.datasets.get)
        objective = Objective(model.best_metric, model.best_direction)
        return view.record(model, self.summaries.of(model.id, read, objective))
