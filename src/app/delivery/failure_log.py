"""What the log says of requests that fail.

The one rule: one warning when trouble begins and one when it ends; what comes in between is counted. A HUB that does
not answer is one trouble, and so is a refused key, whichever kind of message has met it first.
"""

from __future__ import annotations

import threading

from ...domain.client.outcome import Outcome, Verdict
from ..command_name import command
from ..log import EventLogger
from .counters import DeliveryCounters

_KEPT = "what was logged is kept and training goes on"


class FailureLog:
    """The kinds of message that are in trouble now."""

    def __init__(self, counters: DeliveryCounters, log: EventLogger) -> None:
        self._counters = counters
        self._log = log
        # A leaf. Without it three workers that meet an outage at once would each be the first.
        self._lock = threading.Lock()
        self._kinds: dict[str, Outcome] = {}
        self._is_locked_out = False

    def note(self, kind: str, outcome: Outcome) -> None:
        """Take note of what became of a request of *kind*."""
        if outcome.verdict is Verdict.DELIVERED:
            if self._is_end(kind):
                # As loud as the bad news was: who has read that hears this.
                self._log.warning("hub.recovered", kind=kind, consequence="what was kept is being sent")
            return
        self._counters.count_failure(outcome.reason)
        tell = self._log.warning if self._is_new(kind, outcome) else self._log.debug
        if outcome.verdict is Verdict.UNAUTHORIZED:
            tell(
                "key.refused",
                status=outcome.status,
                message=outcome.message,
                consequence=f"nothing more is sent; {_KEPT}",
                remedy=f"session.use_key(<a key that the HUB takes>), or connect or '{command('sync')}' with one later",
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

    def _is_new(self, kind: str, outcome: Outcome) -> bool:
        """Whether nobody has heard of this trouble; from now on somebody has."""
        with self._lock:
            is_same_outage = outcome.is_silence and any(other.is_silence for other in self._kinds.values())
            is_new = kind not in self._kinds and not is_same_outage
            self._kinds = {**self._kinds, kind: outcome}  # a new one, since who waits reads it without the lock
            if outcome.verdict is Verdict.UNAUTHORIZED:
                is_new, self._is_locked_out = not self._is_locked_out, True
            return is_new

    def _is_end(self, kind: str) -> bool:
        """Whether *kind* was in trouble, which is over."""
        with self._lock:
            was = self._kinds.get(kind)
            if was is None:
                return False
            # An outage ends for every kind. One that finds no answer yet, as a large upload may, is in trouble anew.
            self._kinds = {
                name: other
                for name, other in self._kinds.items()
                if name != kind and not (was.is_silence and other.is_silence)
            }
            return True

    def clear_unauthorized(self) -> None:
        """There is another key, which may be refused anew."""
        with self._lock:
            self._is_locked_out = False

    @property
    def reason(self) -> str:
        """Why something waits, in a few words."""
        return self.current or "the run ended before it was sent"

    @property
    def current(self) -> str:
        """The same while the run goes on: empty when nothing is in trouble."""
        return "; ".join(sorted({_words(outcome) for outcome in self._kinds.values()}))


def _words(outcome: Outcome) -> str:
    return f"{outcome.reason} ({outcome.message})" if outcome.message else outcome.reason
