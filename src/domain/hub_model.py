"""A model as a HUB holds it, over its whole life: new, training, trained.

The one rule: the status follows from the checkpoints that are stored completely, so that it can never promise a
``resume`` that is not there (8.0 crashes on that).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from .checkpoint import Kind
from .hub_items import StoredFile
from .metric_names import Direction

#: A run that was silent for so many seconds is shown as disconnected, as the vendor did.
SILENCE = 900.0


@attrs.frozen
class StoredCheckpoint(StoredFile):
    """A checkpoint that was received whole; ``map`` is a final one's mAP50-95, ``at`` when it came (unix seconds)."""

    kind: Kind
    epoch: int
    is_best: bool = False
    map: float | None = None
    at: float = 0.0

    def is_same(self, other: StoredCheckpoint) -> bool:
        """Whether both are one upload, sent twice."""
        return (self.kind, self.epoch, self.sha256, self.size) == (other.kind, other.epoch, other.sha256, other.size)


@attrs.frozen
class HubModel:
    """One model: what to train, and how far that has come.

    ``last_seen`` is the unix time of the newest sign of life, ``created`` its own. ``dataset`` is the ID of a dataset
    of this HUB, whose file stands in for ``data``; ``project`` the ID of a project; ``meta`` its owner's own JSON.
    ``best_metric`` says how good the model is; without it, and without ``best_direction``, the names of its metrics do.
    """

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
    created: float = 0.0
    project: str | None = None
    dataset: str | None = None
    meta: Mapping[str, Any] = attrs.field(factory=dict)
    is_trashed: bool = False
    best_metric: str | None = None
    best_direction: Direction | None = None

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """What goes when it goes."""
        return self.checkpoints

    def is_connected(self, now: float) -> bool:
        """Whether its run has shown itself less than :data:`SILENCE` seconds from *now*.

        A sign of life from further in the future was noted by a clock that was wrong, and proves nothing.
        """
        return self.last_seen is not None and abs(now - self.last_seen) < SILENCE

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

    @property
    def best(self) -> StoredCheckpoint | None:
        """The epoch checkpoint that its trainer called the best so far: the newest of those."""
        epochs = (c for c in reversed(self.checkpoints) if c.kind is Kind.EPOCH)
        return next((c for c in epochs if c.is_best), None)

    def with_checkpoint(self, checkpoint: StoredCheckpoint, *, keep: int) -> HubModel:
        """The same with *checkpoint* as its newest, and the older ones that still count.

        A client that never saw its answer sends the same again: then the address that was given out stays. Of the epoch
        checkpoints the *keep* newest stay and the best one, of the final ones the newest.
        """
        same = next((c for c in self.checkpoints if c.is_same(checkpoint)), checkpoint)
        grown = attrs.evolve(self, checkpoints=(*(c for c in self.checkpoints if c is not same), same))
        newest = [c for c in grown.checkpoints if c.kind is Kind.EPOCH][-max(keep, 1) :]
        kept = {id(c) for c in (*newest, grown.best, grown.final)}
        return attrs.evolve(grown, checkpoints=tuple(c for c in grown.checkpoints if id(c) in kept))
