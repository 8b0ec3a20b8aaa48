"""What the log says of requests that fail.

The one rule: one warning when trouble begins and one line when it ends; what comes in between is counted. A refused
key is one trouble, whichever kind of message has met it first.
"""

from __future__ import annotations

import structlog

from ..domain.outcome import Outcome, Verdict
from .report import Tally

_KEPT = "what was logged is kept and training goes on"


class Troubles:
    """The kinds of message that are in trouble now."""

    def __init__(self, tally: Tally, log: structlog.stdlib.BoundLogger) -> None:
        self._tally = tally
        self._log = log
        self._kinds: dict[str, str] = {}
        self._is_locked_out = False

    def note(self, kind: str, outcome: Outcome) -> None:
        """Take note of what became of a request of *kind*."""
        if outcome.verdict is Verdict.DELIVERED:
            if self._kinds.pop(kind, None) is not None:
                self._log.info("hub.recovered", kind=kind)
            return
        self._tally.blame(outcome.reason)
        is_new = kind not in self._kinds
        said = f" ({outcome.message})" if outcome.message else ""
        self._kinds[kind] = f"{outcome.reason}{said}"
        if outcome.verdict is Verdict.LOCKED_OUT:
            is_new, self._is_locked_out = not self._is_locked_out, True
        # Asked of the log last, and after our own state is as it should be: a logger of the trainer's may raise.
        tell = self._log.warning if is_new else self._log.debug
        if outcome.verdict is Verdict.LOCKED_OUT:
            tell(
                "key.refused",
                status=outcome.status,
                message=outcome.message,
                consequence=f"nothing more is sent; {_KEPT}",
                remedy="session.use_key(<a key that the HUB takes>), or connect or 'hubport sync' with one later",
            )
            return
        tell(
            "hub.failed",
            kind=kind,
            verdict=outcome.verdict.value,
            status=outcome.status,
            message=outcome.message,
            consequence=_KEPT,
        )

    def forget_lock(self) -> None:
        """There is another key, which may be refused anew."""
        self._is_locked_out = False

    @property
    def reason(self) -> str:
        """Why something waits, in a few words."""
        return "; ".join(sorted(set(self._kinds.values()))) or "the run ended before it was sent"
