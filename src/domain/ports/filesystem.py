"""Files of the trainer, and our copies of them.

The one rule: a path in, a value out; every failure is an ``OSError``.
"""

from __future__ import annotations

from typing import BinaryIO, Protocol, runtime_checkable


@runtime_checkable
class Filesystem(Protocol):
    """What a session does with files."""

    def size(self, path: str) -> int | None:
        """Bytes in the regular file *path*; ``None`` when there is none."""
        ...

    def open(self, path: str) -> BinaryIO:
        """A reader at the start of *path*."""
        ...

    def snapshot(self, source: str, target: str) -> int:
        """Make *target* a copy of *source* that later writes to *source* do not change; its size in bytes.

        By reflink where the file system can, by copying otherwise. Nothing is left at *target* when it fails.
        """
        ...

    def remove(self, path: str) -> None:
        """Take *path* away; no error when it is not there."""
        ...
