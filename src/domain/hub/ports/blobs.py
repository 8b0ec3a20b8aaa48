"""Where a HUB keeps files: checkpoints and datasets.

The one rule: a blob is there whole or not at all. What is being received is a pending blob, which nobody else can see.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from typing import BinaryIO, Protocol, runtime_checkable

import attrs

#: What either part of a blob's name looks like.
PART = r"[0-9A-Za-z_][0-9A-Za-z_.-]*"
_NAME = re.compile(rf"{PART}/{PART}")
_LONGEST = 255  # bytes of a file's name on every common file system


@attrs.frozen
class BlobInfo:
    """What was kept: bytes, and their SHA-256 in hex."""

    size: int
    sha256: str


@runtime_checkable
class PendingBlob(Protocol):
    """A file that is being received. One thread at a time uses it."""

    def write(self, data: bytes) -> None:
        """Append *data*.

        Raises:
            OSError: when it cannot be kept: the disk is full, the storage does not answer, the pending blob is over.
        """
        ...

    def commit(self, name: str) -> BlobInfo:
        """Make all that was written the blob *name*, in place of what was there.

        It is on the disk (or acknowledged by the storage) when this returns, and survives a crash.

        Raises:
            OSError: when that failed, or *name* is none; what was there under *name* still is.
        """
        ...

    def discard(self) -> None:
        """Give it up, and what it takes with it. After :meth:`commit`, or a second time, it does nothing."""
        ...


@runtime_checkable
class Blobs(Protocol):
    """Bytes by name, ``<token>/<file name>``; see :func:`is_blob_name`. Under another name there is none."""

    def create(self) -> PendingBlob:
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
        """Delete pending blobs untouched for *older_than* seconds, and blobs of that age that nobody wants.

        What a crash leaves behind: half a file, or a whole one that no row speaks of. The number of files deleted.
        """
        ...


def is_blob_name(name: str) -> bool:
    """Whether a blob may be called so: each part has ASCII letters, digits and ``_.-``, and begins with none of ``.-``.

    Such a name leads out of no folder.
    """
    return _NAME.fullmatch(name) is not None and len(name) <= _LONGEST


def check_blob_name(name: str) -> None:
    """What :meth:`PendingBlob.commit` asks of a name.

    Raises:
        OSError: when *name* is none.
    """
    if not is_blob_name(name):
        raise OSError(errno.EINVAL, f"{name[:80]!r} is no name for a blob: it is <token>/<file name>")
