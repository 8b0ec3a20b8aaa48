"""A HUB's models, as whoever owns them works on them: made, listed, looked at, put away, read out.

The one rule: it cannot tell a HUB on the network from one on this machine, and believes neither: what lacks an ID is no
model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from ...domain.client.model_ref import ModelRef, is_model_id
from ...domain.errors import AuthenticationFailed, HubRefused, InvalidModelRecord
from .client import HubClient

_PAGE = 100
_FROM_SCRATCH = (".yaml", ".yml")


@attrs.frozen(kw_only=True)
class NewModel:
    """What to train: ``data`` is a dataset's name or address, or its ID where it ``is_in_hub``; ``name`` for people.

    ``best_metric`` says how good the model is, and ``best_direction`` whether that is its greatest value (``max``) or
    its least (``min``). Empty: the HUB tells it from the names of the metrics.
    """

    weights: str
    data: str
    epochs: int = 100
    imgsz: int = 640
    batch: int = 16
    patience: int = 100
    device: str = ""
    cache: str = ""
    name: str = ""
    best_metric: str = ""
    best_direction: str = ""
    is_in_hub: bool = False

    def body(self) -> dict[str, Any]:
        """As clients since 8.2 say it: a ``.yaml`` is trained from scratch, anything else goes on from there."""
        is_scratch = self.weights.endswith(_FROM_SCRATCH)
        dataset = {"datasetId": self.data} if self.is_in_hub else {"dataset": {"name": self.data}}
        return dataset | {
            "config": {
                "batchSize": self.batch,
                "epochs": self.epochs,
                "imageSize": self.imgsz,
                "patience": self.patience,
                "device": self.device,
                "cache": self.cache,
            },
            "lineage": {
                "architecture": {"name": self.weights} if is_scratch else {},
                "parent": {} if is_scratch else {"name": self.weights},
            },
            "meta": {"name": self.name} if self.name else {},
            # Only where it is asked for: other HUBs do not know it.
            **({"best_metric": self.best_metric} if self.best_metric else {}),
            **({"best_direction": self.best_direction} if self.best_direction else {}),
        }


@attrs.frozen
class HubModels:
    """The models of the HUB that ``client`` asks; their pages are below ``web_root`` where the HUB does not say so."""

    client: HubClient
    web_root: str

    def id_of(self, text: str) -> str:
        """The ID in *text*, which may be a model's address too.

        Raises:
            InvalidModelRef: when there is none.
        """
        return ModelRef.parse(text, web_root=self.web_root).model_id

    def create(self, model: NewModel) -> dict[str, Any]:
        """A new model; its record. Its ``data`` is an ID where the HUB has a dataset of that ID, and else a name.

        Raises:
            HubError: from here on, whatever the HUB says, or does not say.
        """
        if not model.is_in_hub and is_model_id(model.data) and self._has_dataset(model.data):
            model = attrs.evolve(model, is_in_hub=True)
        made = self._record(self.client.request_data(self.client.protocol.create_model(model.body())))
        # Other HUBs answer with the ID alone.
        return made if made["status"] else self.read(made["id"])

    def read(self, model_id: str) -> dict[str, Any]:
        """The record of a model."""
        return self._record(self.client.request_data(self.client.protocol.fetch_model(model_id)), asked_for=model_id)

    def all(self, *, query: str = "", is_trashed: bool = False, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Records, newest first, page by page as they are taken; *limit* of them at most.

        The HUB is asked for no more than are wanted: each record costs it a look at the model's metrics.
        """
        cursor: str | None = None
        seen: set[str] = set()
        while limit is None or len(seen) < limit:
            most = _PAGE if limit is None else min(_PAGE, limit - len(seen))
            asked = self.client.protocol.list_models(limit=most, cursor=cursor, query=query, is_trashed=is_trashed)
            page = self.client.request_data(asked)
            results = page.get("results") if isinstance(page, Mapping) else None
            if not isinstance(results, list):
                raise HubRefused(200, "no list of models in the answer")
            records = [self._record(result) for result in results]
            new = [record for record in records if record["id"] not in seen][:most]
            yield from new
            seen.update(record["id"] for record in new)
            cursor = page.get("lastRecordId")
            # A HUB that names a last record on its last page too, or begins anew, must not hold us for ever.
            if not isinstance(cursor, str) or not new:
                return

    def restore(self, model_id: str) -> dict[str, Any]:
        """Out of the trash; the record."""
        return self.change(model_id, {"trashed": False})

    def change(self, model_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change what *changes* says, as the body of a ``PATCH``; the record."""
        changed = self.client.request(self.client.protocol.change_model(model_id, changes))
        return self.read(model_id) if changed is None else self._record(changed, asked_for=model_id)

    def delete(self, model_id: str, *, is_hard: bool) -> None:
        """Into the trash, or, when it *is_hard*, for good with everything that belongs to it."""
        self.client.request(self.client.protocol.delete_model(model_id, is_hard=is_hard))

    def series(self, model_id: str) -> dict[str, dict[int, Any]]:
        """Each metric's values by epoch, as the HUB holds them."""
        found = self.client.request_data(self.client.protocol.read_metrics(model_id))
        series: dict[str, dict[int, Any]] = {}
        try:
            for entry in found:
                values = {int(epoch): value for epoch, value in entry["data"].items()}
                series.setdefault(str(entry["meta"]["name"]), {}).update(values)
        except (TypeError, KeyError, ValueError, AttributeError) as exc:
            raise HubRefused(200, "the metrics in the answer are not as this protocol has them") from exc
        return series

    def _has_dataset(self, dataset_id: str) -> bool:
        """Whether the HUB says so. One that has no datasets says no in many ways."""
        try:
            found = self.client.request(self.client.protocol.fetch_dataset(dataset_id))
        except (HubRefused, AuthenticationFailed):
            return False
        return isinstance(found, Mapping) and found.get("id") == dataset_id

    def _record(self, data: Any, *, asked_for: str = "") -> dict[str, Any]:
        """*data* with ``id``, ``status`` and ``url`` first, whatever HUB it is from."""
        if not isinstance(data, Mapping):
            raise InvalidModelRecord("data", "is missing from the answer")
        model_id = data.get("id") or asked_for
        if not isinstance(model_id, str) or not is_model_id(model_id):
            raise InvalidModelRecord("id", "is not 20 letters and digits")
        url = data.get("url")
        first = {
            "id": model_id,
            "status": str(data.get("status") or ""),
            "url": url if isinstance(url, str) and url else f"{self.web_root}/models/{model_id}",
        }
        return first | {name: value for name, value in data.items() if name not in first}
