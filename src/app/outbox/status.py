"""What lies in the outbox, told from its journals alone: for people who ask.

The one rule: looking changes nothing and claims nothing, also while runs are writing.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from enum import Enum
from typing import Any, BinaryIO

import attrs

from ...domain.client.backlog import Backlog
from ...domain.ports.outbox import SpoolInfo
from ...domain.terminal_text import counted
from .journal_reader import backlog_of


class State(str, Enum):
    """What will become of a spool."""

    IN_USE = "in use"
    """A living run sends it."""
    WAITING = "waiting"
    """Its run is over: the next ``connect`` to the model, or ``hubport sync``, sends it."""
    REJECTED = "refused"
    """The HUB has refused what is left in it, which is kept for its owner to look at."""
    DELIVERED = "delivered"
    """Nothing is left: the next ``connect`` or ``hubport sync`` takes it away."""
    UNREADABLE = "unreadable"
    """Nobody knows what is in it: it belongs to another user, or its disk fails."""


#: The file is not there: a spool that was taken away meanwhile, also where a network file system has it.
_GONE = frozenset({errno.ENOENT, errno.ESTALE})


@attrs.frozen(kw_only=True)
class SpoolStatus:
    """One run's spool. ``begun`` is in unix seconds, ``size`` in bytes; ``metrics`` and ``checkpoints`` are waiting.

    ``hub`` is the address that it is for, ``hub_id`` what the HUB there called itself, where it did.

    An unreadable one may be a folder of many: its ``model_id`` is empty then, and ``begun`` unknown.
    """

    model_id: str
    hub: str
    hub_id: str
    spool: str
    begun: float | None
    size: int
    state: State
    metrics: int
    checkpoints: int
    refused: int
    damaged: int
    reason: str
    host: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return attrs.asdict(self) | {"state": self.state.value}

    @property
    def is_in_use(self) -> bool:
        """Whether a living run has it."""
        return self.state is State.IN_USE

    @property
    def is_elsewhere(self) -> bool:
        """Whether a run has it that is on another machine: whether it lives is not certain."""
        return self.is_in_use and bool(self.host)

    @property
    def lost(self) -> str:
        """What is lost with it, in words."""
        refused = f"{self.refused} that the HUB has refused" if self.refused else ""
        return ", ".join(part for part in (self.waiting if not self.is_settled else "", refused) if part) or "nothing"

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits."""
        return not self.metrics and not self.checkpoints

    @property
    def waiting(self) -> str:
        """What waits, in words."""
        if self.state is State.UNREADABLE:
            return "?"
        kinds = ((self.metrics, "record"), (self.checkpoints, "checkpoint"))
        parts = [counted(number, name) for number, name in kinds if number]
        return ", ".join(parts) or "nothing"


def spool_statuses(spools: Iterable[SpoolInfo]) -> list[SpoolStatus]:
    """The status of each of *spools* that is still there to be read."""
    found = (_status(spool) for spool in spools)
    return [status for status in found if status is not None]


def _status(seen: SpoolInfo) -> SpoolStatus | None:
    if seen.problem:
        return _unreadable(seen, seen.problem)
    try:
        with seen.open() as journal:
            backlog = backlog_of(_Reader(journal))
    except OSError as exc:
        return None if exc.errno in _GONE else _unreadable(seen, exc.strerror or type(exc).__name__)
    state = _state(seen, backlog)
    return SpoolStatus(
        model_id=seen.model_id,
        hub=str(backlog.about.get("root", "")),
        hub_id=str(backlog.about.get("hub", "")),
        spool=seen.name,
        begun=seen.begun,
        size=seen.size,
        state=state,
        metrics=backlog.records,
        checkpoints=len(backlog.checkpoints),
        refused=backlog.rejected,
        damaged=backlog.damaged,
        reason=_reason(state, backlog, seen.host),
        host=seen.host,
    )


def unreadable(
    name: str, problem: str, *, model_id: str = "", begun: float | None = None, size: int = 0
) -> SpoolStatus:
    """The status of the spool, or of the folder of spools, *name*, which cannot be read because of a *problem*."""
    return SpoolStatus(
        model_id=model_id,
        hub="",
        hub_id="",
        spool=name,
        begun=begun,
        size=size,
        state=State.UNREADABLE,
        metrics=0,
        checkpoints=0,
        refused=0,
        damaged=0,
        reason=problem,
    )


def _unreadable(seen: SpoolInfo, problem: str) -> SpoolStatus:
    return unreadable(seen.name, problem, model_id=seen.model_id, begun=seen.begun, size=seen.size)


def _state(seen: SpoolInfo, backlog: Backlog) -> State:
    if seen.is_owned:
        return State.IN_USE
    if not backlog.is_settled:
        return State.WAITING
    return State.REJECTED if backlog.rejected else State.DELIVERED


def _reason(state: State, backlog: Backlog, host: str) -> str:
    if state is State.IN_USE:
        return f"process {backlog.about.get('pid', '?')}{f' on {host}' if host else ''} is sending it"
    if state is State.WAITING:
        return backlog.ended if backlog.ended is not None else "its process was killed"
    return backlog.refusal if state is State.REJECTED else "its process was killed behind the last delivery"


@attrs.frozen
class _Reader:
    """An open journal by positions; what is read is of one file, even when the run writes a new one meanwhile."""

    journal: BinaryIO

    def read(self, start: int, limit: int) -> bytes:
        self.journal.seek(start)
        return self.journal.read(limit)
