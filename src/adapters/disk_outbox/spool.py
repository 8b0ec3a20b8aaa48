"""One run's spool on the disk, as its owner has it.

The one rule: one ``write`` of one whole line to a file opened with ``O_APPEND``. The page cache outlives the process,
so what the call has taken survives ``kill -9`` without an fsync; only a power cut can take the last seconds.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

from ...domain.ports.outbox import Spool, SpoolSealed
from .locks import ALONE, lock
from .owner import Ownership

JOURNAL = "journal"
_REWRITTEN = "journal.new"
#: A folder that is being taken away is hidden from readers.
GONE = ".gone-"


def age_of(folder: Path) -> str:
    """What folders of runs are sorted by: the oldest first."""
    return folder.name.partition(".")[2]


class DiskSpool(Spool):
    """One run's folder, whose journal this process has open and locked, and whose *ownership* is written down."""

    def __init__(self, folder: Path, fd: int, ownership: Ownership) -> None:
        self._folder = folder
        self._fd = fd
        self._ownership = ownership
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
    def order(self) -> str:
        """The folder's name behind the model."""
        return age_of(self._folder)

    @property
    def size(self) -> int:
        """What was there at first, and what was written since."""
        return self._size

    def append(self, line: bytes) -> None:
        """Write *line* at the end. The lock is held for this one write and never while anything is sent."""
        with self._lock:
            if self._is_sealed:
                raise SpoolSealed(errno.EROFS, "the run has ended", self.name)
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

    def compact(self, make: Callable[[], bytes]) -> None:
        """Write a new file, lock it, and then give it the journal's name: nobody ever sees one without an owner."""
        new = self._folder / _REWRITTEN
        with self._lock:
            if self._is_sealed:
                raise SpoolSealed(errno.EROFS, "the run has ended", self.name)
            content = make()
            with contextlib.suppress(FileNotFoundError):
                new.unlink()  # of an owner that was killed right here
            with NO_FORK:
                fd = os.open(new, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                self._next_fd = fd
            try:
                lock(fd, ALONE)
                _write_whole(fd, content)
                new.rename(self._folder / JOURNAL)
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

    def refresh(self) -> bool:
        """Touch the owner's file, for other machines."""
        return self._ownership.refresh()

    def seal(self) -> None:
        """With the lock: a line that is being written is through before this returns."""
        with self._lock:
            self._is_sealed = True

    def release(self, *, keep: bool) -> None:
        """Unlock; without *keep*, first take the folder from where anybody looks, and afterwards away."""
        self.seal()  # no line may go to the descriptor after it is closed: its number will be another file's
        doomed = self._folder.with_name(f"{GONE}{self._folder.name}")
        if keep:
            if self._fd >= 0:  # or else it was given up before, and may be another's by now
                self._ownership.give_up()
        else:
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
NO_FORK = threading.RLock()


def _forget_parents_spools() -> None:
    NO_FORK.release()
    # A forked child that outlives its parent would otherwise keep the dead parent's spool locked.
    for spool in list(_OPEN):
        spool.forget()


os.register_at_fork(before=NO_FORK.acquire, after_in_parent=NO_FORK.release, after_in_child=_forget_parents_spools)


def _write_whole(fd: int, content: bytes) -> None:
    if os.write(fd, content) != len(content):
        raise _no_space()


def _no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _ends_torn(fd: int) -> bool:
    size = os.fstat(fd).st_size
    return size > 0 and os.pread(fd, 1, size - 1) != b"\n"
