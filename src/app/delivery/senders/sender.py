"""What a worker sends when its pacer says that it is time."""

from __future__ import annotations

from typing import Protocol

from ....domain.client.outcome import Outcome


class Sender(Protocol):
    """What a worker does when its pacer says that it is time."""

    @property
    def has_more(self) -> bool:
        """Whether something is left to send after the last run."""
        ...

    def run(self) -> Outcome | None:
        """Send what waits, if anything does.

        Raises:
            HubUnreachable: when there was no answer.
            InvalidAdapter: when the way to the HUB does what its port does not allow.
        """
        ...
