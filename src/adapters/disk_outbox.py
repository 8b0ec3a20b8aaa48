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
import re
import secrets
import shutil
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ..domain.ports.outbox import Outbox, Sealed, Seen, Spool

_JOURNAL = "journal"
_REWRITTEN = "journal.new"
_RUN = re.compile(r"[0-9A-Za-z]+\.[0-9a-f]{16}-[0-9a-f]{8}")
# Folders that are being made, or taken away, are hidden from readers.
_NEW, _GONE = ".new-", ".gone-"
#: Making one takes a moment: what is still being made after so many seconds nobody makes any more.
_MAKING = 60.0


class DiskSpool(Spool):
    """One run's folder, whose journal this process has open and locked."""

    def __init__(self, folder: Path, fd: int) -> None:
        self._folder = folder
        self._fd = fd
        self._next_fd = -1
        self._lock = threading.Lock()
        self._torn = _ends_torn(fd)
        self._size = os.fstat(fd).st_size
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

    @property
    def size(self) -> int:
        """What was there at first, and what was written since."""
        return self._size

    def append(self, line: bytes) -> None:
        """Write *line* at the end. The lock is held for this one write and never while anything is sent."""
        with self._lock:
            if self._is_sealed:
                raise Sealed(errno.EROFS, "the run has ended", self.name)
            if self._torn:
                # Half a line is in front of us, from a full disk or a killed process: end it, or it would eat this one.
                line = b"\n" + line
            written = os.write(self._fd, line)
            self._size += written
            self._torn = written != len(line)
            if self._torn:
                raise _no_space()

    def read(self, start: int, limit: int) -> bytes:
        """Read without moving anybody's position."""
        return os.pread(self._fd, limit, start)

    def rewrite(self, make: Callable[[], bytes]) -> None:
        """Write a new file, lock it, and then give it the journal's name: nobody ever sees one without an owner."""
        new = self._folder / _REWRITTEN
        with self._lock:
            if self._is_sealed:
                raise Sealed(errno.EROFS, "the run has ended", self.name)
            content = make()
            with contextlib.suppress(FileNotFoundError):
                new.unlink()  # of an owner that was killed right here
            with _NO_FORK:
                fd = os.open(new, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                self._next_fd = fd
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _write_whole(fd, content)
                new.rename(self._folder / _JOURNAL)
                self._fd, self._next_fd = fd, self._fd
                self._size, self._torn = len(content), False
            except OSError:
                with contextlib.suppress(OSError):
                    new.unlink()
                raise
            finally:
                fd, self._next_fd = self._next_fd, -1
                # Nobody reads from the old one: rewriting is the business of the one thread that reads.
                os.close(fd)

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
        fds, self._fd, self._next_fd = (self._fd, self._next_fd), -1, -1
        _OPEN.discard(self)
        for fd in fds:
            if fd >= 0:
                os.close(fd)


_OPEN: weakref.WeakSet[DiskSpool] = weakref.WeakSet()
# Held from the opening of a journal until the object that closes it in a forked child is known: system calls give other
# threads the time to fork. Never held while anything is waited for.
_NO_FORK = threading.RLock()


def _forget_parents_spools() -> None:
    _NO_FORK.release()
    # A forked child that outlives its parent would otherwise keep the dead parent's spool locked.
    for spool in list(_OPEN):
        spool.forget()


os.register_at_fork(before=_NO_FORK.acquire, after_in_parent=_NO_FORK.release, after_in_child=_forget_parents_spools)


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
            with _NO_FORK:
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
            if folder.name.startswith(_GONE) or _was_never_made(folder.name):
                shutil.rmtree(folder, ignore_errors=True)  # its owner died while taking it away, or while making it
        folders = [folder for folder in folders if folder.name.startswith(f"{model_id}.")]
        return [spool for spool in map(_claimed, folders) if spool is not None]

    def seen(self) -> list[Seen]:
        """Look at every folder that has the name of a run."""
        try:
            folders = [folder for folder in self._root.iterdir() if _RUN.fullmatch(folder.name)]
        except OSError:
            return []
        found = (_seen(folder) for folder in sorted(folders, key=lambda folder: folder.name.partition(".")[2]))
        return [spool for spool in found if spool is not None]


def _was_never_made(name: str) -> bool:
    if not name.startswith(_NEW) or not _RUN.fullmatch(name.removeprefix(_NEW)):
        return False
    return time.time() - _begun(name.removeprefix(_NEW)) > _MAKING


def _begun(name: str) -> float:
    """When the run whose folder has this *name* began, in unix seconds."""
    return int(name.partition(".")[2].partition("-")[0], 16) / 1e9


def _seen(folder: Path) -> Seen | None:
    journal = folder / _JOURNAL

    def opened() -> BinaryIO:
        return open(journal, "rb", buffering=0)

    try:
        is_owned = _is_owned(journal)
    except OSError:
        return None  # its owner has just taken it away
    model_id = folder.name.partition(".")[0]
    return Seen(str(folder), model_id, _begun(folder.name), _size(folder), is_owned, opened)


def _size(folder: Path) -> int:
    size = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # a checkpoint that was delivered meanwhile
                size += entry.stat(follow_symlinks=False).st_size
    return size


def _is_owned(journal: Path) -> bool:
    while True:
        with _NO_FORK, open(journal, "rb", buffering=0) as reader:
            if not _locked(reader.fileno(), fcntl.LOCK_SH):
                return True
            fcntl.flock(reader, fcntl.LOCK_UN)
            # Its owner may have put another journal in its place in between, and let go of this one.
            if os.path.samestat(os.fstat(reader.fileno()), os.stat(journal)):
                return False


def _claimed(folder: Path) -> DiskSpool | None:
    journal = folder / _JOURNAL
    with _NO_FORK:
        try:
            fd = os.open(journal, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            # Between our open and our lock its owner may have finished and taken the folder away.
            if _is_taken(fd) and os.path.samestat(os.fstat(fd), os.stat(journal)):
                return DiskSpool(folder, fd)
        except OSError:
            pass
        os.close(fd)
    return None


def _is_taken(fd: int) -> bool:
    """Lock the journal *fd*, unless it has an owner. Who only looks whether it has one holds a lock that is shared."""
    while not _locked(fd, fcntl.LOCK_EX):
        if not _locked(fd, fcntl.LOCK_SH):
            return False
        fcntl.flock(fd, fcntl.LOCK_UN)
    return True


def _locked(fd: int, how: int) -> bool:
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_whole(fd: int, content: bytes) -> None:
    if os.write(fd, content) != len(content):
        raise _no_space()


def _no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _ends_torn(fd: int) -> bool:
    size = os.fstat(fd).st_size
    return size > 0 and os.pread(fd, 1, size - 1) != b"\n"
