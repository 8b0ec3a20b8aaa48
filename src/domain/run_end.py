"""How a run says that it ends: a part of the last heartbeat on the wire, and of the agent in the HUB.

The one rule: of an exception only its class is told. Its message may hold a path, a name or a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs

#: The longest class name that is told or stored, in characters.
LONGEST_ERROR = 100


class EndKind(str, Enum):
    """The values of the wire field ``state``."""

    CLOSED = "closed"
    """The session was closed, finished, interrupted or ended by a signal."""
    FAILED = "failed"
    """An exception ended it."""


@attrs.frozen
class RunEnd:
    """The end of a run; ``error`` is the name of the exception's class where it failed and the name is known."""

    kind: EndKind
    error: str | None = None

    @classmethod
    def of(cls, exception: type[BaseException] | None) -> RunEnd:
        """The end of a run that *exception* ended; ``None`` where nothing was raised.

        ``KeyboardInterrupt``, ``SystemExit`` and whatever else is no ``Exception`` asks for an end, and is no failure.
        """
        if exception is None or not issubclass(exception, Exception):
            return CLOSED
        return cls(EndKind.FAILED, _class_name(exception.__name__))

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> RunEnd | None:
        """What the *body* of a heartbeat says; ``None`` where the run goes on.

        An unknown ``state`` is taken as no end, so that a later client may send others; an ``error`` that is no class
        name is dropped.
        """
        state = body.get("state")
        if state == EndKind.FAILED:
            return cls(EndKind.FAILED, _class_name(body.get("error")))
        return CLOSED if state == EndKind.CLOSED else None

    def fields(self) -> dict[str, str]:
        """What it adds to the body of a heartbeat."""
        said = {"state": self.kind.value}
        return said if self.error is None else said | {"error": self.error}


CLOSED = RunEnd(EndKind.CLOSED)


def _class_name(value: object) -> str | None:
    is_one = isinstance(value, str) and len(value) <= LONGEST_ERROR and value.isidentifier()
    return value if is_one and isinstance(value, str) else None
