"""A private file in memory."""

from __future__ import annotations

import errno

from ...domain.ports.private_file import LONGEST, PrivateFile


class FakePrivateFile(PrivateFile):
    """``data`` is what it holds, ``None`` for nothing; ``error``, where it is set, is what reading it raises."""

    def __init__(self, data: bytes | None = None, *, location: str = "/fake/login.json") -> None:
        self.data = data
        self.error: OSError | None = None
        self._location = location

    @property
    def location(self) -> str:
        return self._location

    def read(self) -> bytes | None:
        if self.error is not None:
            raise self.error
        if self.data is not None and len(self.data) > LONGEST:
            raise OSError(errno.EFBIG, "it is too long", self.location)
        return self.data

    def write(self, data: bytes) -> None:
        self.data = data

    def remove(self) -> bool:
        was_there, self.data = self.data is not None, None
        return was_there
