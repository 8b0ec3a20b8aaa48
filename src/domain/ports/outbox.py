"""What was logged and is not acknowledged yet.

The one rule: what ``append`` has taken is there after ``kill -9``. The outbox is the truth; workers only drain it.

An outbox holds *spools*, one for each run. A spool is an append-only journal of lines and a folder for the run's
checkpoints. What the lines mean is the domain's business (:mod:`hubport.domain.client.journal`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Protocol, runtime_checkable

import attrs


class SpoolSealed(OSError):
    """A line came after :meth:`Spool.seal`: it was not written."""


@runtime_checkable
class Spool(Protocol):
    """One run's journal and folder, owned by one process at a time."""

    @property
    def name(self) -> str:
        """Unique among all runs, and a place to look for people: a path where there is one."""
        ...

    @property
    def folder(self) -> str:
        """Where the run's files go: a path for the ``Filesystem`` port."""
        ...

    @property
    def order(self) -> str:
        """What spools of several outboxes of one user are sorted by, the oldest first."""
        return ""

    @property
    def size(self) -> int:
        """Bytes in the journal, as of a moment ago."""
        ...

    def append(self, line: bytes) -> None:
        """Add *line*, which ends in its only line feed. From any thread, without waiting for one that sends.

        Raises:
            SpoolSealed: after :meth:`seal`.
            OSError: when it could not be written whole; what was there before is unharmed.
        """
        ...

    def read(self, start: int, limit: int) -> bytes:
        """At most *limit* bytes of the journal from byte *start*: empty at its end, perhaps with half a line last."""
        ...

    def compact(self, make: Callable[[], bytes]) -> None:
        """Put what *make* returns in place of the whole journal, in one step, with no line added meanwhile.

        A kill at any moment leaves the old journal or the new one. Whoever appends waits for *make*, so it must be
        quick. For the owner's one reader, whose positions in the journal are void afterwards.

        Raises:
            OSError: when the new one could not be written; the old one is unharmed.
        """
        ...

    def refresh(self) -> bool:
        """Say that its owner lives, where other machines may look; whether it still is the owner.

        Called each minute. An outbox that no other machine sees need not override it.
        """
        return True

    def seal(self) -> None:
        """Take no line any more: every ``append`` from now on raises :class:`SpoolSealed`.

        Between this and ``release`` the journal can be judged, with nobody adding to it.
        """
        ...

    def release(self, *, keep: bool) -> None:
        """Give up the spool: for a later run to find when *keep*, or else with everything in it."""
        ...


@attrs.frozen
class SpoolInfo:
    """A spool as anybody may look at it, who need not own it.

    ``begun`` is when its run began, in unix seconds; ``size`` the bytes of all that lies in it; ``is_owned`` whether a
    living process has it. ``open`` gives a reader of its journal, a ``FileNotFoundError`` when the spool is gone by
    now, or another ``OSError`` when it cannot be read.

    ``host`` is the machine that its owner is on, or was on, where that is another one than this.

    ``problem`` is why it cannot be looked into, in words. Then only ``name`` is certain: it may be a folder of many
    spools, ``model_id`` may be empty and ``begun`` unknown.
    """

    name: str
    model_id: str
    begun: float | None
    size: int
    is_owned: bool
    open: Callable[[], BinaryIO] = attrs.field(repr=False, eq=False)
    problem: str = ""
    host: str = ""


@runtime_checkable
class Outbox(Protocol):
    """All the spools of one user for one address of a HUB."""

    def open(self, model_id: str) -> Spool:
        """A new, empty spool for a run of *model_id*.

        Raises:
            OSError: when there is no room or no right to write.
        """
        ...

    def claim_orphans(
        self, model_id: str, *, by_force: bool = False, wanted: Callable[[SpoolInfo], bool] | None = None
    ) -> list[Spool]:
        """The spools of earlier runs of *model_id* that no living process owns, oldest first; ours from now on.

        Only those that are *wanted*, where that is given.

        An owner on another machine lives for as long as it may: it is dead when it has given no sign of life for long.
        *by_force* takes its spools all the same, for somebody who knows. Of this machine none is ever taken from a
        living one.

        Older is what was opened before, whatever the clock said: it may have been set back, or ahead, in between.
        """
        ...

    def elsewhere(self) -> list[Outbox]:
        """The outboxes of the same user for other addresses. One that has a single place need not override it."""
        return []

    def list_spools(self) -> list[SpoolInfo]:
        """Every spool of every model, oldest first, whoever owns it. Nothing is claimed or changed.

        Nothing is left out because it cannot be read: see :attr:`SpoolInfo.problem`.
        """
        ...
