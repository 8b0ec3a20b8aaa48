"""A model as a HUB holds it, over its whole life: new, training, trained.

The one rule: the status follows from the checkpoints that are stored completely, so that it can never promise a
``resume`` that is not there (8.0 crashes on that).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from .checkpoint import Kind


@attrs.frozen
class StoredCheckpoint:
    """A checkpoint that was received whole.

    ``token`` makes its address unguessable; ``map`` is a final one's mAP50-95.
    """

    name: str
    token: str
    kind: Kind
    epoch: int
    size: int
    sha256: str
    is_best: bool = False
    map: float | None = None

    @property
    def path(self) -> str:
        """Where it is downloaded: ends in ``.pt`` and has no query, because clients look at both."""
        return f"/files/{self.token}/{self.name}"


@attrs.frozen
class HubModel:
    """One model: what to train, and how far that has come. ``last_seen`` is the unix time of the newest heartbeat."""

    id: str
    name: str
    data: str
    weights: str | None = "yolov8n.pt"
    cfg: str | None = None
    epochs: int = 100
    batch: int = 16
    imgsz: int = 640
    patience: int = 100
    device: str = ""
    cache: str = ""
    checkpoints: tuple[StoredCheckpoint, ...] = ()
    agent: str | None = None
    agent_id: str | None = None
    last_seen: float | None = None

    @property
    def status(self) -> str:
        """``new`` until the first checkpoint is stored, ``trained`` from the final one on."""
        if self.final is not None:
            return "trained"
        return "training" if self.checkpoints else "new"

    @property
    def final(self) -> StoredCheckpoint | None:
        """The newest final checkpoint."""
        return next((c for c in reversed(self.checkpoints) if c.kind is Kind.FINAL), None)

    @property
    def last(self) -> StoredCheckpoint | None:
        """The epoch checkpoint to resume from: the newest that was stored."""
        return next((c for c in reversed(self.checkpoints) if c.kind is Kind.EPOCH), None)

    @classmethod
    def from_create(cls, model_id: str, body: Mapping[str, Any]) -> HubModel:
        """A new model from the body of ``POST /v1/models``, as 8.2 and later send it.

        Raises:
            ValueError: naming the part that makes no sense.
        """
        config = _part(body, "config")
        lineage = _part(body, "lineage")
        parent = _name(lineage, "parent")
        architecture = _name(lineage, "architecture")
        dataset = _name(body, "dataset")
        if not dataset:
            raise ValueError("dataset.name is missing: say what to train on")
        if not parent and not architecture:
            raise ValueError("lineage names neither a parent nor an architecture: say what to train")
        return cls(
            model_id,
            name=_name(body, "meta") or parent or architecture or model_id,
            data=dataset,
            weights=parent,
            cfg=None if parent else architecture,
            epochs=_count(config, "epochs", 100),
            batch=_count(config, "batchSize", 16),
            imgsz=_count(config, "imageSize", 640),
            patience=_count(config, "patience", 100),
            device=_setting(config, "device"),
            cache=_setting(config, "cache"),
        )

    def record(self, root: str) -> dict[str, Any]:
        """What a client reads: the flat fields of 8.0 and the ``train_args`` of 8.3; links hang below *root*."""
        args = {
            "data": self.data,
            "batch": self.batch,
            "epochs": self.epochs,
            "imgsz": self.imgsz,
            "patience": self.patience,
            "device": self.device,
            "cache": self.cache,
        }
        last, final = self.last, self.final
        weights = self.weights if final is None else root + final.path
        record = args | {
            "id": self.id,
            "status": self.status,
            "batch_size": self.batch,
            "train_args": args,
            "cfg": self.cfg,
            "weights": weights,
            "has_last_weights": last is not None,
            "has_best_weights": final is not None,
            "is_pretrained": self.cfg is None,
            "is_custom": False,
            "config": {"batchSize": self.batch, "epochs": self.epochs, "imageSize": self.imgsz},
            "dataset": {"name": self.data},
            "project": None,
            "meta": {"name": self.name},
        }
        return record if last is None else record | {"resume": root + last.path}


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = body.get(name) or {}
    if not isinstance(part, Mapping):
        raise ValueError(f"{name} is {type(part).__name__}, not an object")  # noqa: TRY004 - the caller's JSON, not his type
    return part


def _name(body: Mapping[str, Any], part: str) -> str | None:
    name = _part(body, part).get("name")
    if name is not None and not isinstance(name, str):
        raise ValueError(f"{part}.name is {type(name).__name__}, not text")
    return name or None


def _setting(config: Mapping[str, Any], name: str) -> str:
    """As text, whatever it came as: the number 0 is the first device, and no device is none."""
    value = config.get(name)
    return "" if value is None else str(value)


def _count(config: Mapping[str, Any], name: str, default: int) -> int:
    value = config.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"config.{name} is {value!r}, not a whole number")  # noqa: TRY004
    return value
