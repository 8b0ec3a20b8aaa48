"""A pending blob that counts and hashes what comes.

The one rule: it is over with its first end, which is also that of a write that failed: what may have a hole is never
kept, and the room that it took is free at once.
"""

from __future__ import annotations

import errno
import hashlib
import weakref
from abc import abstractmethod
from collections.abc import Callable

from .blobs import BlobInfo, PendingBlob, check_blob_name


class HashingBlob(PendingBlob):
    """The part of a pending blob that does not depend on where it lies. *give_up* frees its space.

    It is called once, with *given*: by commit or discard, or when the object is collected.
    """

    def __init__(self, give_up: Callable[..., object], *given: object) -> None:
        self._size = 0
        self._sha256 = hashlib.sha256()
        self._end = weakref.finalize(self, give_up, *given)

    @abstractmethod
    def _append(self, data: bytes) -> None:
        """Write all of *data*."""

    @abstractmethod
    def _settle(self, name: str) -> None:
        """Make all that was written the blob *name*."""

    def write(self, data: bytes) -> None:
        """Append *data*."""
        self._must_live()
        try:
            self._append(data)
        except BaseException:
            self.discard()  # a part of *data* may be in it: nobody can go on from there
            raise
        self._sha256.update(data)
        self._size += len(data)

    def commit(self, name: str) -> BlobInfo:
        """Make all of it the blob *name*."""
        self._must_live()
        try:
            check_blob_name(name)
            self._settle(name)
        finally:
            # After a failed fsync the kernel may have thrown away what it could not write: a second try would lie.
            self.discard()
        return BlobInfo(self._size, self._sha256.hexdigest())

    def discard(self) -> None:
        """Give it up."""
        self._end()

    def _must_live(self) -> None:
        if not self._end.alive:
            raise OSError(errno.EBADF, "this pending blob is over: begin a new one")
