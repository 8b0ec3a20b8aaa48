"""A part of a file on its way to the storage, and an object on its way from it.

The one rule: nothing is held in memory but the piece that is asked for.
"""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING

from .errors import map_boto_errors

if TYPE_CHECKING:
    from botocore.response import StreamingBody


class Slice(io.RawIOBase):
    """A part of an open file, with a position of its own: several threads read at once, and hold none of it."""

    def __init__(self, fd: int, start: int, end: int) -> None:
        self._fd, self._start, self.size = fd, start, end - start
        self._at = 0

    def sha256(self) -> bytes:
        """The hash of all of it; the position is at the beginning afterwards."""
        hashed = hashlib.sha256()
        self.seek(0)
        while data := self.read(1 << 20):
            hashed.update(data)
        self.seek(0)
        return hashed.digest()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = os.pread(self._fd, min(len(buffer), max(self.size - self._at, 0)), self._start + self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class Reader(io.RawIOBase):
    """An answer's *body* as it comes in, with the errors of a file."""

    def __init__(self, body: StreamingBody, url: str, name: str) -> None:
        self._body, self._url, self._of = body, url, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with map_boto_errors(self._url, f"give all of {self._of}"):
            data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._body.close()
        super().close()
