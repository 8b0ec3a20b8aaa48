"""A model as a HUB holds it, over its whole life.

The one rule: ``status`` follows from the checkpoints that are stored completely, so that it can never promise a
``resume`` that is not there (8.0 crashes on that). ``state`` is the word for people; nobody else works it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from ..checkpoint import CheckpointKind
from ..run_end import RunEnd
from ..run_state import RunState
from .agents import SILENCE, Agents, is_recent
from .metric_names import Direction
from .stored_file import StoredFile


@attrs.frozen
class StoredCheckpoint(StoredFile):
    """A checkpoint that was received whole; ``map`` is a final one's mAP50-95, ``at`` when it came (unix seconds)."""

    kind: CheckpointKind
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

    ``last_seen`` is the unix time of the newest sign of life, ``created`` its own. ``agent`` and ``agent_id`` are those
    of the newest heartbeat. ``dataset`` is the ID of a dataset of this HUB, whose file stands in for ``data``;
    ``project`` the ID of a project; ``meta`` its owner's own JSON.
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
    agents: Agents = attrs.field(factory=Agents)

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """What goes when it goes."""
        return self.checkpoints

    def is_connected(self, now: float) -> bool:
        """Whether a run is alive at *now*: one that was heard of in the last 900 seconds, and has not said its end.

        Metrics are a sign of life too, since the heartbeats of 8.0 end with the first that fails. After an end that was
        said they are not: what was left over is sent late.
        """
        return bool(self.agents.living(now)) or (self._end is None and is_recent(self.last_seen, now))

    def state(self, now: float) -> RunState:
        """The word for people at *now*. A final checkpoint outweighs every run that comes after it."""
        if self.final is not None:
            return RunState.TRAINED
        if self.is_connected(now):
            return RunState.TRAINING
        newest = self.agents.newest
        if newest is not None and newest.end is not None:
            return self.agents.state_of(newest, now)
        return RunState.NEW if self.last_seen is None and not self.checkpoints else RunState.DISCONNECTED

    def error(self, now: float) -> str | None:
        """The class of the exception that ended the newest run, where the state at *now* is ``failed``."""
        return self._end.error if self._end is not None and self.state(now) is RunState.FAILED else None

    def state_until(self, now: float) -> float | None:
        """When silence alone changes a state next, in unix seconds; ``None`` when it changes none any more."""
        signs = [agent.last_seen for agent in self.agents.living(now)]
        if self.last_seen is not None and self.is_connected(now):
            signs.append(self.last_seen)
        ends = [at + SILENCE for at in signs]
        return min((end for end in ends if end > now), default=None)

    @property
    def _end(self) -> RunEnd | None:
        return None if self.agents.newest is None else self.agents.newest.end

    @property
    def status(self) -> str:
        """``new`` until the first checkpoint is stored, ``trained`` from the final one on."""
        if self.final is not None:
            return "trained"
        return "training" if self.last is not None else "new"

    @property
    def _whole(self) -> tuple[StoredCheckpoint, ...]:
        """Those that are checkpoints: an earlier version stored files of 0 bytes too."""
        return tuple(checkpoint for checkpoint in self.checkpoints if checkpoint.size)

    @property
    def final(self) -> StoredCheckpoint | None:
        """The newest final checkpoint."""
        return next((c for c in reversed(self._whole) if c.kind is CheckpointKind.FINAL), None)

    @property
    def last(self) -> StoredCheckpoint | None:
        """The epoch checkpoint to resume from: the newest that was stored."""
        return next((c for c in reversed(self._whole) if c.kind is CheckpointKind.EPOCH), None)

    @property
    def best(self) -> StoredCheckpoint | None:
        """The epoch checkpoint that its trainer called the best so far: the newest of those."""
        epochs = (c for c in reversed(self._whole) if c.kind is CheckpointKind.EPOCH)
        return next((c for c in epochs if c.is_best), None)

    def with_heartbeat(self, agent_id: str, name: str | None, *, at: float, end: RunEnd | None = None) -> HubModel:
        """The same after a heartbeat of the agent *agent_id*, which calls itself *name*, *at* unix seconds."""
        agents = self.agents.with_heartbeat(agent_id, name, at=at, end=end)
        return attrs.evolve(self, agents=agents, agent=name, agent_id=agent_id, last_seen=at)

    def with_checkpoint(self, checkpoint: StoredCheckpoint, *, keep: int) -> HubModel:
        """The same with *checkpoint* as its newest, and the older ones that still count.

        A client that never saw its answer sends the same again: then the address that was given out stays. Of the epoch
        checkpoints the *keep* newest stay and the best one, of the final ones the newest.
        """
        same = next((c for c in self.checkpoints if c.is_same(checkpoint)), checkpoint)
        grown = attrs.evolve(self, checkpoints=(*(c for c in self.checkpoints if c is not same), same))
        newest = [c for c in grown.checkpoints if c.kind is CheckpointKind.EPOCH and c.size][-max(keep, 1) :]
        kept = {id(c) for c in (*newest, grown.best, grown.final)}
        return attrs.evolve(grown, checkpoints=tuple(c for c in grown.checkpoints if id(c) in kept))
