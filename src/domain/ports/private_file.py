"""One small file that is nobody's but this user's.

The one rule: it is there whole or not at all, and it is never written through a link that somebody has put in its
place.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

#: The most bytes that such a file may have.
LONGEST = 1 << 16


class NotPrivate(PermissionError):
    """The file, or what stands in its place, is not this user's alone. ``strerror`` says what to do."""


@runtime_checkable
class PrivateFile(Protocol):
    """A file of at most :data:`LONGEST` bytes."""

    @property
    def location(self) -> str:
        """Where it is, for people."""
        ...

    def read(self) -> bytes | None:
        """What was last written; ``None`` when that is nothing.

        Raises:
            NotPrivate: when it is another user's, or others can read or change it.
            OSError: when it cannot be read, or is too long.
        """
        ...

    def write(self, data: bytes) -> None:
        """Put *data* in place of what is there, in one step; afterwards this user alone can read it.

        Raises:
            NotPrivate: when a link is in its place.
            OSError: when there is no room or no right to write; what was there is unharmed.
        """
        ...

    def remove(self) -> bool:
        """Take it away, whatever is in it; whether there was one.

        Raises:
            OSError: when that is not allowed.
        """
        ...
