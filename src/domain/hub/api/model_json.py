"""A model as clients write it and read it.

The one rule: a record carries the flat fields of 8.0 and the ``train_args`` of 8.3 alike, and never a ``training``
without its ``resume``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ..agents import Agent
from ..items import Dataset
from ..metric_names import Direction
from ..model import HubModel, StoredCheckpoint
from ..progress import Progress
from ..stored_file import StoredFile
from .validation import count, flag, integer, meta_of, name_of, object_field, setting, text

_KNOWN = frozenset(
    {
        "best_direction",
        "best_metric",
        "config",
        "dataset",
        "datasetId",
        "lineage",
        "meta",
        "project",
        "projectId",
        "trashed",
    }
)
_ENDINGS = (".yaml", ".yml", ".pt")
_COUNTS = (("epochs", "epochs"), ("batch", "batchSize"), ("imgsz", "imageSize"), ("patience", "patience"))


def created(model_id: str, body: Mapping[str, Any], *, at: float) -> HubModel:
    """A new model from the body of ``POST /v1/models``, as 8.2 and later send it.

    Raises:
        ValueError: naming the part that makes no sense.
    """
    if "name" not in object_field(body, "dataset") and body.get("dataset") is not None:
        raise ValueError("dataset.name is missing: say what to train on, or leave it out until you know")
    # Without data a client is told that it is still being processed; without a lineage it trains the smallest model.
    model = patched(HubModel(model_id, name=model_id, data="", created=at), body)
    name = name_of(body, "meta") or model.weights or model.cfg or model_id
    return attrs.evolve(model, name=name)


def patched(model: HubModel, body: Mapping[str, Any]) -> HubModel:
    """*model* with what the body of a ``PATCH`` changes.

    Raises:
        ValueError: naming the part that makes no sense, or that there is none of.
    """
    unknown = sorted(set(body) - _KNOWN)
    if unknown:
        raise ValueError(f"{unknown[0][:40]!r} cannot be set: there are {', '.join(sorted(_KNOWN))}")
    changes: dict[str, Any] = _lineage(body) if "lineage" in body else {}
    config = _understood(object_field(body, "config"))
    changes |= {field: count(config, name, getattr(model, field)) for field, name in _COUNTS}
    changes |= {name: setting(config, name) for name in ("device", "cache") if name in config}
    if "meta" in body:
        changes |= {"name": name_of(body, "meta") or model.name, "meta": meta_of(body, model.meta)}
    if data := name_of(body, "dataset"):
        changes |= {"data": data, "dataset": None}
    if "datasetId" in body:
        changes["dataset"] = text(body["datasetId"], "datasetId")
    if "projectId" in body or "project" in body:
        named = text(body.get("projectId"), "projectId")
        changes["project"] = text(object_field(body, "project").get("id"), "project.id") or named
    changes |= _objective(model, body)
    return attrs.evolve(model, **changes, is_trashed=flag(body, "trashed", default=model.is_trashed))


def _objective(model: HubModel, body: Mapping[str, Any]) -> dict[str, Any]:
    """What says how good the model is. The direction of one metric is not that of another."""
    metric = text(body["best_metric"], "best_metric") if "best_metric" in body else model.best_metric
    direction = model.best_direction if metric == model.best_metric else None
    if "best_direction" in body:
        direction = _direction(body["best_direction"])
        if direction is not None and not body.get("best_metric"):
            raise ValueError("best_direction comes without best_metric: name the metric beside it")
    return {"best_metric": metric, "best_direction": direction}


def _direction(value: Any) -> Direction | None:
    if value is None:
        return None
    if value not in ("max", "min"):
        raise ValueError(f"best_direction is {str(value)[:20]!r}, neither max nor min")
    return Direction(value)


def _lineage(body: Mapping[str, Any]) -> dict[str, Any]:
    lineage = object_field(body, "lineage")
    parent, architecture = name_of(lineage, "parent"), name_of(lineage, "architecture")
    # As clients have it: a parent has weights to begin with, an architecture alone is trained from scratch.
    if parent:
        return {"weights": parent, "cfg": None}
    if not architecture:
        raise ValueError("lineage names neither a parent nor an architecture: say what to train")
    # They send it without its ending, and would take it that way for the name of weights.
    return {"weights": None, "cfg": architecture if architecture.endswith(_ENDINGS) else f"{architecture}.yaml"}


def _understood(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """*config* as clients of every age understand it.

    A batch that is a share of the memory is known to the later ones alone: to all of them -1 is a batch that fits. Of
    a height and a width they train with the longer.
    """
    batch, size = config.get("batchSize"), config.get("imageSize")
    changes: dict[str, Any] = {}
    if isinstance(batch, float) and 0 < batch < 1:
        changes["batchSize"] = -1
    if isinstance(size, list) and size and all(isinstance(side, int | float) for side in size):
        changes["imageSize"] = max(integer(side, "config.imageSize") for side in size)
    return {**config, **changes}


@attrs.frozen
class ModelSerializer:
    """A model as one client sees it: links hang below ``root``, and ``now`` tells who is connected."""

    root: str
    now: float
    dataset: Callable[[str], Dataset | None]

    def record(self, model: HubModel, summary: Progress) -> dict[str, Any]:
        """The ``data`` of ``GET /v1/models/<ID>``."""
        data = self._data(model)
        args = {"data": data} | {
            name: getattr(model, name) for name in ("batch", "epochs", "imgsz", "patience", "device", "cache")
        }
        last, final = model.last, model.final
        record = args | {
            "id": model.id,
            "status": model.status,
            "state": model.state(self.now).value,
            "state_until": model.state_until(self.now),
            "error": model.error(self.now),
            "batch_size": model.batch,
            "train_args": args,
            "base_model": model.cfg or model.weights,
            "cfg": model.cfg,
            "weights": model.weights if final is None else self.link(final),
            "has_last_weights": last is not None,
            "has_best_weights": final is not None,
            "is_pretrained": model.cfg is None,
            "is_custom": False,
            "config": {
                "batchSize": model.batch,
                "epochs": model.epochs,
                "imageSize": model.imgsz,
                "patience": model.patience,
                "device": model.device,
                "cache": model.cache,
            },
            "dataset": {"id": model.dataset, "name": data},
            "project": model.project,
            "best_metric": model.best_metric,
            "best_direction": None if model.best_direction is None else model.best_direction.value,
            "meta": {**model.meta, "name": model.name},
            "url": f"{self.root}/models/{model.id}",
            "created": model.created,
            "trashed": model.is_trashed,
            "agent": model.agent,
            "last_seen": model.last_seen,
            "is_connected": model.is_connected(self.now),
            "agents": [self._agent(model, agent) for agent in model.agents.known],
            "progress": summary.as_json() | {"epoch": _newest_epoch(model, summary)},
            "metrics_epoch": summary.epoch,
            "checkpoints": [self._checkpoint(checkpoint) for checkpoint in model.checkpoints],
        }
        return record if last is None else record | {"resume": self.link(last)}

    def link(self, file: StoredFile) -> str:
        """Where *file* is downloaded. It needs no key and never expires: a resuming trainer comes back after days."""
        return self.root + file.path

    def _data(self, model: HubModel) -> str:
        """Empty, which clients take for "still being processed", until the dataset's file is there."""
        if model.dataset is None:
            return model.data
        dataset = self.dataset(model.dataset)
        return "" if dataset is None or dataset.file is None else self.link(dataset.file)

    def _agent(self, model: HubModel, agent: Agent) -> dict[str, Any]:
        return {
            "id": agent.id,
            "name": agent.name,
            "state": model.agents.state_of(agent, self.now).value,
            "error": None if agent.end is None else agent.end.error,
            "last_seen": agent.last_seen,
        }

    def _checkpoint(self, checkpoint: StoredCheckpoint) -> dict[str, Any]:
        return {
            "name": checkpoint.name,
            "type": checkpoint.kind.value,
            "epoch": checkpoint.epoch,
            "size": checkpoint.size,
            "sha256": checkpoint.sha256,
            "isBest": checkpoint.is_best,
            "map": checkpoint.map,
            "at": checkpoint.at,
            "url": self.link(checkpoint),
        }


def _newest_epoch(model: HubModel, summary: Progress) -> int | None:
    """Old clients drop the metrics of their last epochs: then the checkpoints know better how far it has come."""
    stored = (checkpoint.epoch for checkpoint in model.checkpoints)
    return max((epoch for epoch in (*stored, summary.epoch) if epoch is not None), default=None)
