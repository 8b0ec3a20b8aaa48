"""What was logged and is not acknowledged yet.

The one rule: what ``append`` has taken is there after ``kill -9``. The outbox is the truth; workers only drain it.

An outbox holds *spools*, one for each run. A spool is an append-only journal of lines and a folder for the run's
checkpoints. What the lines mean is the domain's business (:mod:`hubport.domain.journal`).
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class Sealed(OSError):
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

    def append(self, line: bytes) -> None:
        """Add *line*, which ends in its only line feed. From any thread, without waiting for another one.

        Raises:
            Sealed: after :meth:`seal`.
            OSError: when it could not be written whole; what was there before is unharmed.
        """
        ...

    def read(self, start: int, limit: int) -> bytes:
        """At most *limit* bytes of the journal from byte *start*: empty at its end, perhaps with half a line last."""
        ...

    def seal(self) -> None:
        """Take no line any more: every ``append`` from now on raises :class:`Sealed`.

        Between this and ``release`` the journal can be judged, with nobody adding to it.
        """
        ...

    def release(self, *, keep: bool) -> None:
        """Give up the spool: for a later run to find when *keep*, or else with everything in it."""
        ...


@runtime_checkable
class Outbox(Protocol):
    """All the spools of one user."""

    def open(self, model_id: str) -> Spool:
        """A new, empty spool for a run of *model_id*.

        Raises:
            OSError: when there is no room or no right to write.
        """
        ...

    def left_over(self, model_id: str) -> list[Spool]:
        """The spools of earlier runs of *model_id* that no living process owns, oldest first; ours from now on."""
        ...
