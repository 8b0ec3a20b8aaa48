"""What lies in the outbox, told from its journals alone: for people who ask.

The one rule: looking changes nothing and claims nothing, also while runs are writing.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any, BinaryIO

import attrs

from ..domain.backlog import Backlog
from ..domain.ports.outbox import Seen
from .journal_reading import backlog_of


class State(str, Enum):
    """What will become of a spool."""

    IN_USE = "in use"
    """A living run sends it."""
    WAITING = "waiting"
    """Its run is over: the next ``connect`` to the model, or ``hubport sync``, sends it."""
    REFUSED = "refused"
    """The HUB has refused what is left in it, which is kept for its owner to look at."""
    DELIVERED = "delivered"
    """Nothing is left: the next ``connect`` or ``hubport sync`` takes it away."""


@attrs.frozen(kw_only=True)
class SpoolStatus:
    """One run's spool. ``begun`` is in unix seconds, ``size`` in bytes; ``metrics`` and ``checkpoints`` are waiting."""

    model_id: str
    hub: str
    spool: str
    begun: float
    size: int
    state: State
    metrics: int
    checkpoints: int
    refused: int
    damaged: int
    reason: str

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return attrs.asdict(self) | {"state": self.state.value}

    @property
    def waiting(self) -> str:
        """What waits, in words."""
        parts = [
            f"{number} {name}{'s' if number != 1 else ''}"
            for number, name in ((self.metrics, "record"), (self.checkpoints, "checkpoint"))
            if number
        ]
        return ", ".join(parts) or "nothing"


def survey(spools: Iterable[Seen]) -> list[SpoolStatus]:
    """The status of each of *spools* that is still there to be read."""
    found = (_status(spool) for spool in spools)
    return [status for status in found if status is not None]


def _status(seen: Seen) -> SpoolStatus | None:
    try:
        with seen.open() as journal:
            backlog = backlog_of(_Reader(journal))
    except OSError:
        return None
    state = _state(seen, backlog)
    return SpoolStatus(
        model_id=seen.model_id,
        hub=str(backlog.about.get("root", "")),
        spool=seen.name,
        begun=seen.begun,
        size=seen.size,
        state=state,
        metrics=backlog.records,
        checkpoints=len(backlog.checkpoints),
        refused=backlog.aside,
        damaged=backlog.damaged,
        reason=_reason(state, backlog),
    )


def _state(seen: Seen, backlog: Backlog) -> State:
    if seen.is_owned:
        return State.IN_USE
    if not backlog.is_settled:
        return State.WAITING
    return State.REFUSED if backlog.aside else State.DELIVERED


def _reason(state: State, backlog: Backlog) -> str:
    match state:
        case State.IN_USE:
            return f"process {backlog.about.get('pid', '?')} is sending it"
        case State.WAITING:
            return backlog.ended if backlog.ended is not None else "its process was killed"
        case State.REFUSED:
            return backlog.refusal
        case State.DELIVERED:
            return "its process was killed behind the last delivery"


@attrs.frozen
class _Reader:
    """An open journal by positions; what is read is of one file, even when the run writes a new one meanwhile."""

    journal: BinaryIO

    def read(self, start: int, limit: int) -> bytes:
        self.journal.seek(start)
        return self.journal.read(limit)
