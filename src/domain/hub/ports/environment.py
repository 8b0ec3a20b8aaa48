"""What a HUB needs of its environment: IDs, the date, and who a request comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class HubEnvironment(Protocol):
    """What a HUB needs of the world: names that nobody can guess, the date, and who holds a key."""

    def new_id(self) -> str:
        """20 letters and digits."""
        ...

    def new_token(self) -> str:
        """A part of a path that nobody can guess."""
        ...

    def wall(self) -> float:
        """Unix seconds."""
        ...

    def user(self, headers: Mapping[str, str]) -> str | None:
        """Whom a request's headers prove, as text; ``None`` when they prove nobody."""
        ...
