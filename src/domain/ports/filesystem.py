"""Files of the trainer, and our copies of them.

The one rule: a path in, a value out; every failure is an ``OSError``.
"""

from __future__ import annotations

from enum import Enum
from typing import BinaryIO, Protocol, runtime_checkable


class FileKind(Enum):
    """What lies at a path."""

    MISSING = "there is no such file"
    FOLDER = "it is a directory"
    SPECIAL = "it is no regular file, but a pipe, a socket or a device"
    FILE = "a regular file"


@runtime_checkable
class Filesystem(Protocol):
    """What a session does with files."""

    def size(self, path: str) -> int | None:
        """Bytes in the regular file *path*; ``None`` when there is none."""
        ...

    def kind(self, path: str) -> FileKind:
        """What lies at *path*, behind symbolic links; ``MISSING`` also where nobody may look."""
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
