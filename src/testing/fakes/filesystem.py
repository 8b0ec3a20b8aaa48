"""Files in memory."""

from __future__ import annotations

import errno
import io
from typing import BinaryIO

from ...domain.ports.filesystem import FileKind, Filesystem


class FakeFilesystem(Filesystem):
    """A dictionary from path to bytes, which a test may read and change; ``capacity`` makes the disk small."""

    def __init__(self, files: dict[str, bytes] | None = None, *, capacity: int | None = None) -> None:
        self.files = dict(files or {})
        self.capacity = capacity

    def size(self, path: str) -> int | None:
        """Bytes in *path*."""
        content = self.files.get(path)
        return None if content is None else len(content)

    def kind(self, path: str) -> FileKind:
        """A file, or what other files lie in."""
        if path in self.files:
            return FileKind.FILE
        is_folder = any(file.startswith(f"{path}/") for file in self.files) if path else False
        return FileKind.FOLDER if is_folder else FileKind.MISSING

    def open(self, path: str) -> BinaryIO:
        """A reader of the bytes that are there now."""
        return io.BytesIO(self._content(path))

    def snapshot(self, source: str, target: str) -> int:
        """Bytes do not change, so a second reference to them is a snapshot."""
        content = self._content(source)
        if target in self.files:
            raise FileExistsError(errno.EEXIST, "the target is already there", target)
        if self.capacity is not None and sum(map(len, self.files.values())) + len(content) > self.capacity:
            raise OSError(errno.ENOSPC, "no space left on this fake device", target)
        self.files[target] = content
        return len(content)

    def remove(self, path: str) -> None:
        """Forget *path*."""
        self.files.pop(path, None)

    def _content(self, path: str) -> bytes:
        try:
            return self.files[path]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "no such file", path) from None
