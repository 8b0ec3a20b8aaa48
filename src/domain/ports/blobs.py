"""Where a HUB keeps files: checkpoints and datasets.

The one rule: a blob is there whole or not at all. What is being received is a draft, which nobody else can see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Protocol, runtime_checkable

import attrs


@attrs.frozen
class Stored:
    """What was kept: bytes, and their SHA-256 in hex."""

    size: int
    sha256: str


@runtime_checkable
class Draft(Protocol):
    """A file that is being received. One thread at a time uses it."""

    def write(self, data: bytes) -> None:
        """Append *data*.

        Raises:
            OSError: when it cannot be kept: the disk is full, the storage does not answer.
        """
        ...

    def keep(self, name: str) -> Stored:
        """Make all that was written the blob *name*, in place of what was there.

        It is on the disk (or acknowledged by the storage) when this returns, and survives a crash. The draft is over.

        Raises:
            OSError: when that failed; what was there under *name* still is.
        """
        ...

    def drop(self) -> None:
        """Give it up, and what it takes with it. After :meth:`keep`, or a second time, it does nothing."""
        ...


@runtime_checkable
class Blobs(Protocol):
    """Bytes by name, ``<token>/<file name>``, both of letters, digits and ``_.-`` after a letter or a digit."""

    def draft(self) -> Draft:
        """A new file, empty and without a name yet."""
        ...

    def open(self, name: str, *, start: int = 0) -> BinaryIO | None:
        """A reader of *name* from byte *start* on, which its owner closes; ``None`` where there is no such blob.

        It reads to the end what it began, also when the blob is replaced or deleted meanwhile.
        """
        ...

    def delete(self, name: str) -> None:
        """Forget *name*; nothing happens where it is not there."""
        ...

    def sweep(self, is_wanted: Callable[[str], bool], *, older_than: float) -> int:
        """Delete drafts that nobody has touched for *older_than* seconds, and blobs of that age that nobody wants.

        What a crash leaves behind: half a file, or a whole one that no row speaks of. The number of files deleted.
        """
        ...
