"""The operating system's files.

The one rule: a snapshot is whole or not there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from typing import BinaryIO

from ..domain.ports.filesystem import FileKind, Filesystem

_FICLONE = 0x40049409  # linux/fs.h: share the source's blocks until one side writes
_CHUNK = 1 << 24


class OsFilesystem(Filesystem):
    """Paths of this machine."""

    def size(self, path: str) -> int | None:
        """Bytes in *path*, when it is a regular file."""
        found = _found(path)
        return found.st_size if found is not None and stat.S_ISREG(found.st_mode) else None

    def kind(self, path: str) -> FileKind:
        """What lies at *path*."""
        found = _found(path)
        if found is None:
            return FileKind.MISSING
        if stat.S_ISDIR(found.st_mode):
            return FileKind.FOLDER
        return FileKind.FILE if stat.S_ISREG(found.st_mode) else FileKind.SPECIAL

    def open(self, path: str) -> BinaryIO:
        """A reader without a buffer of its own: it is read in large chunks."""
        return open(_possible(path), "rb", buffering=0)

    def snapshot(self, source: str, target: str) -> int:
        """Clone *source*, or copy it inside the kernel, or copy it through memory; private to this user."""
        # The source first: a missing one must not touch what is at the target, which is ours only once "x" has made it.
        with open(_possible(source), "rb") as reader, open(_possible(target), "xb", opener=_private) as writer:
            try:
                if not _cloned(reader, writer):
                    _copy(reader, writer)
                writer.flush()
                return os.fstat(writer.fileno()).st_size
            except BaseException:
                self.remove(target)
                raise

    def remove(self, path: str) -> None:
        """Take *path* away."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _found(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):  # ValueError: a NUL byte in the path
        return None


def _possible(path: str) -> str:
    if "\0" in path:
        raise OSError(errno.EINVAL, "a path cannot hold a NUL character", path)
    return path


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _cloned(reader: BinaryIO, writer: BinaryIO) -> bool:
    try:
        import fcntl  # noqa: PLC0415 - absent where there is no ioctl, and there we copy

        fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
    except (ImportError, OSError):
        return False
    return True


def _copy(reader: BinaryIO, writer: BinaryIO) -> None:
    """Copy until the end of the file, which may move while we copy."""
    try:
        while os.copy_file_range(reader.fileno(), writer.fileno(), _CHUNK):
            pass
    except (AttributeError, OSError):
        # Not on this system, or not between these two file systems. Both offsets are where the last success left them.
        reader.seek(os.lseek(reader.fileno(), 0, os.SEEK_CUR))
        writer.seek(os.lseek(writer.fileno(), 0, os.SEEK_CUR))
        shutil.copyfileobj(reader, writer, _CHUNK)
