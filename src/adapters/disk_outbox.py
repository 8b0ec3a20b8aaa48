"""The outbox in a folder: an append-only journal for each run, and the run's checkpoints beside it.

The one rule: one ``write`` of one whole line to a file opened with ``O_APPEND``. The page cache outlives the process,
so what the call has taken survives ``kill -9`` without an fsync; only a power cut can take the last seconds.

A spool belongs to whoever holds the ``flock`` on its journal, so that a dead owner's spool is free at once.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import threading
import time
import weakref
from pathlib import Path

from ..domain.ports.outbox import Outbox, Sealed, Spool

_JOURNAL = "journal"
# Folders that are being made, or taken away, are hidden from readers.
_NEW, _GONE = ".new-", ".gone-"


class DiskSpool(Spool):
    """One run's folder, whose journal this process has open and locked."""

    def __init__(self, folder: Path, fd: int) -> None:
        self._folder = folder
        self._fd = fd
        self._lock = threading.Lock()
        self._torn = _ends_torn(fd)
        self._is_sealed = False
        _OPEN.add(self)

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self._folder)

    @property
    def folder(self) -> str:
        """The same: the checkpoints lie beside the journal."""
        return str(self._folder)

    def append(self, line: bytes) -> None:
        """Write *line* at the end. The lock is held for this one write and never while anything is sent."""
        with self._lock:
            if self._is_sealed:
                raise Sealed(errno.EROFS, "the run has ended", self.name)
            if self._torn:
                # Half a line is in front of us, from a full disk or a killed process: end it, or it would eat this one.
                line = b"\n" + line
            written = os.write(self._fd, line)
            self._torn = written != len(line)
            if self._torn:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.name)

    def read(self, start: int, limit: int) -> bytes:
        """Read without moving anybody's position."""
        return os.pread(self._fd, limit, start)

    def seal(self) -> None:
        """With the lock: a line that is being written is through before this returns."""
        with self._lock:
            self._is_sealed = True

    def release(self, *, keep: bool) -> None:
        """Unlock; without *keep*, first take the folder from where anybody looks, and afterwards away."""
        self.seal()  # no line may go to the descriptor after it is closed: its number will be another file's
        doomed = self._folder.with_name(f"{_GONE}{self._folder.name}")
        if not keep:
            with contextlib.suppress(OSError):
                self._folder.rename(doomed)
        self.forget()
        if not keep:
            shutil.rmtree(doomed, ignore_errors=True)

    def forget(self) -> None:
        """Close the journal. In a forked child this leaves the parent's lock alone: both share one lock."""
        fd, self._fd = self._fd, -1
        _OPEN.discard(self)
        if fd >= 0:
            os.close(fd)


_OPEN: weakref.WeakSet[DiskSpool] = weakref.WeakSet()


def _forget_parents_spools() -> None:
    # A forked child that outlives its parent would otherwise keep the dead parent's spool locked.
    for spool in list(_OPEN):
        spool.forget()


os.register_at_fork(after_in_child=_forget_parents_spools)


class DiskOutbox(Outbox):
    """``<root>/<model>.<age>-<random>/`` for each run, private to this user."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = Path(root)

    def open(self, model_id: str) -> DiskSpool:
        """Make the folder of a new run, complete and locked before anybody can see it."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Names sort by age: hexadecimal nanoseconds, then 32 random bits against another process's same instant.
        name = f"{model_id}.{time.time_ns():016x}-{secrets.token_hex(4)}"
        making = self._root / f"{_NEW}{name}"
        making.mkdir(mode=0o700)
        fd = -1
        try:
            fd = os.open(making / _JOURNAL, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            making.rename(self._root / name)
            return DiskSpool(self._root / name, fd)
        except BaseException:
            if fd >= 0:
                os.close(fd)
                (making / _JOURNAL).unlink(missing_ok=True)
            making.rmdir()  # not rmtree, which needs a file descriptor: it may be these that have run out
            raise

    def left_over(self, model_id: str) -> list[Spool]:
        """Claim what dead runs have left."""
        try:
            folders = sorted(self._root.iterdir())
        except OSError:
            return []
        for folder in folders:
            if folder.name.startswith(_GONE):  # its owner died while taking it away
                shutil.rmtree(folder, ignore_errors=True)
        folders = [folder for folder in folders if folder.name.startswith(f"{model_id}.")]
        return [spool for spool in map(_claimed, folders) if spool is not None]


def _claimed(folder: Path) -> DiskSpool | None:
    journal = folder / _JOURNAL
    try:
        fd = os.open(journal, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between our open and our lock its owner may have finished and taken the folder away.
        if os.path.samestat(os.fstat(fd), os.stat(journal)):
            return DiskSpool(folder, fd)
    except OSError:
        pass
    os.close(fd)
    return None


def _ends_torn(fd: int) -> bool:
    size = os.fstat(fd).st_size
    return size > 0 and os.pread(fd, 1, size - 1) != b"\n"
