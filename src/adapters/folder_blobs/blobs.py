"""A HUB's files in a folder: pending blobs in ``incoming/``, blobs in ``kept/<two hex digits>/<token>~<file name>``.

The one rule: a file gets its name only when all of it is on the disk, and it gets it in one step.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ...domain.hub.ports.blobs import PART, Blobs, PendingBlob, is_blob_name
from ...domain.hub.ports.hashing_blob import HashingBlob
from .directory import BlobDirectory, make_folder, opened

_INCOMING, _KEPT = "incoming", "kept"
_BETWEEN = "~"  # in no token and in no file name, so that a file speaks for one blob only
_KEPT_FILE = re.compile(rf"{PART}{_BETWEEN}{PART}")
_PENDING_FILE = re.compile(r"[0-9a-f]{32}")
_FAN_OUT_FOLDER = re.compile(r"[0-9a-f]{2}")
_PRIVATE = 0o600
_NOT_FOLLOWED = os.O_NOFOLLOW | os.O_CLOEXEC


class FolderBlobs(Blobs):
    """The folder *folder* of this machine, which is made, private to this user, where it is missing.

    Several processes may share it. A file counts as touched when it was last written, by the clock of this machine.

    Raises:
        OSError: when it cannot be made.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._root = BlobDirectory(Path(folder).absolute())
        self._root.make(_INCOMING, _KEPT)

    def create(self) -> PendingBlob:
        with self._root.opened(_INCOMING) as incoming:
            name = secrets.token_hex(16)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOT_FOLLOWED
            return _Pending(self._root, name, os.open(name, flags, _PRIVATE, dir_fd=incoming))

    def open(self, name: str, *, start: int = 0) -> BinaryIO | None:
        if not is_blob_name(name):
            return None
        with self._root.opened(_KEPT) as kept:  # which is there, unless the disk is not
            try:
                with opened(_fan_out(name), dir_fd=kept) as above:
                    # Not blocking: a pipe that somebody has put there would hold us for ever.
                    fd = os.open(_file_name(name), os.O_RDONLY | os.O_NONBLOCK | _NOT_FOLLOWED, dir_fd=above)
            except FileNotFoundError:
                return None
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                os.close(fd)
                return None
            # What is open stays readable to its end: a blob is replaced and deleted by name, its bytes never change.
            reader = os.fdopen(fd, "rb")
            reader.seek(start)
            return reader

    def delete(self, name: str) -> None:
        if not is_blob_name(name):
            return
        # No fsync: what a power cut brings back nobody wants any more, and the next sweep deletes it.
        with (
            self._root.opened(_KEPT) as kept,
            contextlib.suppress(FileNotFoundError),
            opened(_fan_out(name), dir_fd=kept) as above,
        ):
            os.unlink(_file_name(name), dir_fd=above)

    def sweep(self, is_wanted: Callable[[str], bool], *, older_than: float) -> int:
        until = time.time() - older_than
        swept = 0
        with self._root.opened(_INCOMING) as incoming:
            for file in _old_files(incoming, _PENDING_FILE, until):
                swept += _deleted(file, incoming, until)
        with self._root.opened(_KEPT) as kept:
            fan_out = _names(kept, _FAN_OUT_FOLDER)
        for folder in fan_out:
            with self._root.opened(_KEPT, folder) as above:
                old = _old_files(above, _KEPT_FILE, until)
            strays = [file for file in old if not is_wanted(file.replace(_BETWEEN, "/"))]
            with self._root.opened(_KEPT, folder) as above:
                for file in strays:
                    swept += _deleted(file, above, until)
        return swept


class _Pending(HashingBlob):
    """The file *name* in the folder of what comes in, open for writing as *fd*."""

    def __init__(self, root: BlobDirectory, name: str, fd: int) -> None:
        self._root, self._name, self._fd = root, name, fd
        super().__init__(_give_up, root, name, fd, os.getpid())

    def _append(self, data: bytes) -> None:
        with self._root.map_os_errors():
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._fd, rest) :]

    def _settle(self, name: str) -> None:
        with (
            self._root.opened() as root,
            opened(_INCOMING, dir_fd=root) as incoming,
            opened(_KEPT, dir_fd=root) as kept,
        ):
            os.utime(self._fd)  # its age begins here, so that no sweep takes it before its row is written
            # 1. The content, before anything has its name: or a power cut would leave the name of an empty file.
            os.fsync(self._fd)
            make_folder(_fan_out(name), kept)
            # 2. The folder that the name will be in; each time, because another process may have made it and not yet
            #    come to this line.
            os.fsync(kept)
            with opened(_fan_out(name), dir_fd=kept) as above:
                # 3. The name, in place of an older file, in one step for every reader.
                os.rename(self._name, _file_name(name), src_dir_fd=incoming, dst_dir_fd=above)
                # 4. That step itself. The folder of pending blobs needs none: a name that comes back there is swept.
                os.fsync(above)


def _give_up(root: BlobDirectory, name: str, fd: int, pid: int) -> None:
    with contextlib.suppress(OSError):
        os.close(fd)
    # A forked child has a copy of this, and not the pending blob. Whatever else hinders us here, the sweep comes later.
    if os.getpid() == pid:
        with contextlib.suppress(OSError), root.opened(_INCOMING) as incoming:
            os.unlink(name, dir_fd=incoming)


# Names.


def _file_name(name: str) -> str:
    return name.replace("/", _BETWEEN)


def _fan_out(name: str) -> str:
    # Of a hash, so that the 256 folders fill alike whatever tokens look like.
    return hashlib.sha256(name.encode()).hexdigest()[:2]


# Sweeping.


def _names(above: int, pattern: re.Pattern[str]) -> list[str]:
    """What is in the folder *above* and of this module's making."""
    with os.scandir(above) as entries:
        return [entry.name for entry in entries if pattern.fullmatch(entry.name)]


def _old_files(above: int, pattern: re.Pattern[str], until: float) -> list[str]:
    return [name for name in _names(above, pattern) if _is_old(name, above, until)]


def _is_old(file: str, above: int, until: float) -> bool:
    try:
        return os.stat(file, dir_fd=above, follow_symlinks=False).st_mtime <= until
    except FileNotFoundError:
        return False


def _deleted(file: str, above: int, until: float) -> bool:
    # Its age once more: it may have been touched, or replaced, while somebody was asked whether it is wanted.
    if not _is_old(file, above, until):
        return False
    try:
        os.unlink(file, dir_fd=above)
    except FileNotFoundError:
        return False  # its owner, or another process that sweeps, was first
    return True
