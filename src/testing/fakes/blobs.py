"""A HUB's files in memory."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO

from ...domain.hub.ports.blobs import Blobs, PendingBlob
from ...domain.hub.ports.hashing_blob import HashingBlob


class FakeBlobs(Blobs):
    """One dictionary. What is in memory has no age: a sweep takes every blob that nobody wants."""

    def __init__(self) -> None:
        self._content: dict[str, bytes] = {}

    def create(self) -> PendingBlob:
        return _Pending(self._content)

    def open(self, name: str, *, start: int = 0) -> BinaryIO | None:
        data = self._content.get(name)
        if data is None:
            return None
        reader = io.BytesIO(data)
        reader.seek(start)
        return reader

    def delete(self, name: str) -> None:
        self._content.pop(name, None)

    def sweep(self, is_wanted: Callable[[str], bool], *, older_than: float) -> int:
        if older_than > 0:
            return 0
        strays = [name for name in list(self._content) if not is_wanted(name)]
        for name in strays:
            self._content.pop(name, None)
        return len(strays)


class _Pending(HashingBlob):
    def __init__(self, content: dict[str, bytes]) -> None:
        self._content = content
        self._data = bytearray()
        super().__init__(self._data.clear)

    def _append(self, data: bytes) -> None:
        self._data += data

    def _settle(self, name: str) -> None:
        self._content[name] = bytes(self._data)
