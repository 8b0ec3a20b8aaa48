"""What a HUB needs of the world: chance, the date, and who asks.

The one rule: IDs, tokens and keys come from the system's own source of secrets.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping

from ...domain.hub.items import ID_LENGTH
from ...domain.hub.ports.environment import HubEnvironment
from ...domain.ports.clock import Clock

_LETTERS = string.ascii_letters + string.digits
_TOKEN_LENGTH = 32  # 190 bits


def _some(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


class SystemEnvironment(HubEnvironment):
    """The date by *clock*; *who* recognises the user in the headers of a request."""

    def __init__(self, clock: Clock, who: Callable[[Mapping[str, str]], str | None]) -> None:
        self._clock = clock
        self._who = who

    def new_id(self) -> str:
        """20 letters and digits."""
        return _some(ID_LENGTH)

    def new_token(self) -> str:
        """32 letters and digits."""
        return _some(_TOKEN_LENGTH)

    def wall(self) -> float:
        """Unix seconds."""
        return self._clock.wall()

    def user(self, headers: Mapping[str, str]) -> str | None:
        """Whom the headers prove."""
        return self._who(headers)


def owner(_: Mapping[str, str]) -> str:
    """Whoever may read this machine's data directory needs no key."""
    return "owner"
