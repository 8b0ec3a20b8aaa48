"""What the log says of requests that fail.

The one rule: one warning when trouble begins and one line when it ends; what comes in between is counted.
"""

from __future__ import annotations

import structlog

from ..domain.outcome import Outcome, Verdict
from .report import Tally


class Troubles:
    """The kinds of message that are in trouble now."""

    def __init__(self, tally: Tally, log: structlog.stdlib.BoundLogger) -> None:
        self._tally = tally
        self._log = log
        self._kinds: set[str] = set()

    def note(self, kind: str, outcome: Outcome) -> None:
        """Take note of what became of a request of *kind*."""
        if outcome.verdict is Verdict.DELIVERED:
            if kind in self._kinds:
                self._kinds.discard(kind)
                self._log.info("hub.recovered", kind=kind)
            return
        self._tally.blame(outcome.reason)
        tell = self._log.debug if kind in self._kinds else self._log.warning
        self._kinds.add(kind)
        tell(
            "hub.failed",
            kind=kind,
            verdict=outcome.verdict.value,
            status=outcome.status,
            message=outcome.message,
            consequence="what was logged is kept and training goes on",
        )
