"""What a trainer names as a checkpoint, looked at before it is taken: whether there is something to upload.

The one rule: nothing waits. A pipe is told by its kind and never opened.
"""

from __future__ import annotations

import os

from ...domain.checkpoint import ZIP_TAIL, is_cut_zip
from ...domain.ports.filesystem import FileKind, Filesystem

EMPTY = "it is empty (0 bytes), as a save on a full disk leaves it"
_HEAD = 4


def fault_of(filesystem: Filesystem, path: str) -> str | None:
    """Why *path* is no checkpoint, or ``None``."""
    kind = filesystem.kind(path)
    if kind is not FileKind.FILE:
        return str(kind.value)
    if not filesystem.size(path):
        return EMPTY
    try:
        filesystem.open(path).close()
    except OSError as exc:
        return f"it cannot be read: {exc.strerror}"
    return None


def is_cut(filesystem: Filesystem, path: str, size: int) -> bool:
    """Whether *path*, of *size* bytes, begins like what ``torch.save`` writes and lacks its end."""
    try:
        with filesystem.open(path) as reader:
            head = reader.read(_HEAD)
            reader.seek(max(0, size - ZIP_TAIL), os.SEEK_SET)
            return is_cut_zip(head, reader.read(ZIP_TAIL))
    except OSError:
        return False
