"""Counters of what was logged, from any thread."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict

from .report import Count, Report


class DeliveryCounters:
    """Counts up from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._reasons: Counter[str] = Counter()
        self.final_delivered = False

    def after_fork_in_child(self) -> None:
        """Take a lock that nobody holds: another thread of the parent may have held the old one at the fork."""
        self._lock = threading.Lock()

    def add(self, kind: str, column: str, number: int = 1) -> None:
        """*number* more of *kind* are in *column*, a field of :class:`Count`."""
        with self._lock:
            self._counts[kind, column] += number

    def discard_unwritten(self) -> None:
        """The outbox is empty: whatever was counted and never written, because of an interrupt, was never logged."""
        for kind in ("metrics", "checkpoints"):
            self.add(kind, "logged", -self.count(kind).waiting)

    def count_failure(self, reason: str) -> int:
        """Something went wrong because of *reason*; how often that was so far."""
        with self._lock:
            self._reasons[reason] += 1
            return self._reasons[reason]

    def report(
        self,
        *,
        model_id: str,
        model_url: str,
        state: str,
        spool: str,
        next_send: dict[str, float] | None = None,
        trouble: str = "",
    ) -> Report:
        """All of it, as of now."""
        return Report(
            model_id=model_id,
            model_url=model_url,
            state=state,
            metrics=self.count("metrics"),
            checkpoints=self.count("checkpoints"),
            heartbeats=self.count("heartbeats"),
            final_delivered=self.final_delivered,
            reasons=self.reasons(),
            spool=spool,
            next_send=next_send or {},
            trouble=trouble,
        )

    def count(self, kind: str) -> Count:
        """The columns of *kind*."""
        with self._lock:
            return Count(**{column: n for (k, column), n in self._counts.items() if k == kind})

    def reasons(self) -> dict[str, int]:
        """What went wrong, by reason."""
        with self._lock:
            return dict(self._reasons)
