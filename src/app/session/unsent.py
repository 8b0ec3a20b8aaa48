"""What is logged where nothing is sent: in a forked child, to a copy, or by a script that is imported once more.

The one rule: it is said once, on a warning, and counted as lost, so that no report of it looks complete. Where another
rank reports for this process, nothing is lost and nothing is said.
"""

from __future__ import annotations

from ..delivery.counters import DeliveryCounters
from ..log import EventLogger
from .rank import rank

FORKED = "a forked child has a copy of its parent's session, without a connection"
COPY = "this is a copy of a session (pickled, deep-copied or spawned), without its key and connection"
IMPORTED = "multiprocessing has started this process, and it has connected while it imported the script"


class Unsent:
    """The records of one session that sends nothing because of *cause*; *setting* is ``Settings.rank``."""

    def __init__(self, cause: str, model_url: str, setting: int | None, log: EventLogger) -> None:
        self.counters = DeliveryCounters()
        self._cause = cause
        self._model_url = model_url
        self._setting = setting
        self._log = log
        self._is_said = False

    def lose(self, call: str, kind: str, number: int = 1) -> None:
        """Count *number* more of *kind*, which *call* has logged, and warn of the first."""
        # Asked at each call: torch.distributed may have been initialized since the last.
        if rank(self._setting).number != 0:
            return
        self.counters.add(kind, "logged", number)
        self.counters.add(kind, "lost", number)
        if not self._is_said:
            self._is_said = True
            self._log.warning(
                "session.not_sent",
                call=call,
                cause=self._cause,
                consequence="nothing that is logged here is sent",
                remedy=f"log in the process that called connect, or call hubport.connect({self._model_url!r}) here",
            )

    def after_fork_in_child(self) -> None:
        """Begin anew: the counts are the parent's, and another of its threads may have held their lock."""
        self.counters = DeliveryCounters()
        self._is_said = False
