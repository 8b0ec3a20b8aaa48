"""Which script is played to which request.

The one rule: what was ordered for a number of requests comes before what holds always, and the newer order for ever
before the older. A request that nothing meets is answered.
"""

from __future__ import annotations

import threading

import attrs

from .scripts import Answer, Refuse, Script


@attrs.define
class _Order:
    script: Script
    on: str | None
    left: int | None

    def meets(self, kind: str) -> bool:
        return self.on in {None, kind} and self.left != 0


class Faults:
    """The orders of a test."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: list[_Order] = []
        self._always: list[_Order] = []

    def play(self, script: Script, on: str | None, times: int) -> None:
        """*script* meets the next *times* requests of the kind *on*, or of any.

        Raises:
            ValueError: for a refusal, which nobody can count.
        """
        if isinstance(script, Refuse):
            raise ValueError("nobody can count who is refused: say always(Refuse()), and later heal()")  # noqa: TRY004
        with self._lock:
            self._next.append(_Order(script, on, times))

    def always(self, script: Script, on: str | None) -> None:
        """*script* meets every request of the kind *on*, or of any, until :meth:`heal`.

        Raises:
            ValueError: for a refusal of one kind: who is refused does not say what it wanted.
        """
        if isinstance(script, Refuse) and on is not None:
            raise ValueError("who is refused does not say what it wanted: say always(Refuse()) without a kind")
        with self._lock:
            self._always.insert(0, _Order(script, on, None))

    def heal(self) -> None:
        """Nothing is ordered any more."""
        with self._lock:
            self._next.clear()
            self._always.clear()

    def met(self, kind: str) -> Script:
        """What is played to a request of *kind*, which counts as one of its times."""
        with self._lock:
            order = next((order for order in (*self._next, *self._always) if order.meets(kind)), None)
            if order is None:
                return Answer()
            if order.left is not None:
                order.left -= 1
            return order.script
