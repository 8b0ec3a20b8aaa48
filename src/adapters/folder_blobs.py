"""A HUB's files in a folder: drafts in ``incoming/``, blobs in ``kept/<two hex digits>/<token>~<file name>``.

The one rule: a file gets its name only when all of it is on the disk, and it gets it in one step.

Everything below the folder is opened from the folder above it and follows no link, so that nothing outside is reached,
whoever has planted one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..domain.ports.blobs import Blobs, Draft, Stored

_INCOMING, _KEPT = "incoming", "kept"
_BETWEEN = "~"  # in no token and in no file name, so that a file speaks for one blob only
_PART = r"[0-9A-Za-z_][0-9A-Za-z_.-]*"
_NAME = re.compile(rf"{_PART}/{_PART}")
_KEPT_FILE = re.compile(rf"{_PART}{_BETWEEN}{_PART}")
_DRAFT_FILE = re.compile(r"[0-9a-f]{32}")
_FAN_OUT_FOLDER = re.compile(r"[0-9a-f]{2}")
_LONGEST = 255  # bytes of a file's name on every common file system
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
_NOT_FOLLOWED = os.O_NOFOLLOW | os.O_CLOEXEC


class FolderBlobs(Blobs):
    """The folder *folder* of this machine, which is made, private to this user, where it is missing.

    Several processes may share it. A file counts as touched when it was last written, by the clock of this machine.

    Raises:
        OSError: when it cannot be made.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder).absolute()
        with _explained(self._folder):
            self._folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            with _opened(self._folder) as root:
                for name in (_INCOMING, _KEPT):
                    _make_folder(name, root)
                os.fsync(root)
            with _opened(self._folder.parent) as above:
                os.fsync(above)

    def draft(self) -> Draft:
        with _explained(self._folder), _opened(self._folder, _INCOMING) as incoming:
            name = secrets.token_hex(16)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOT_FOLLOWED
            return _Draft(self._folder, name, os.open(name, flags, _PRIVATE_FILE, dir_fd=incoming))

    def open(self, name: str, *, start: int = 0) -> BinaryIO | None:
        if not _is_name(name):
            return None
        with _explained(self._folder), _opened(self._folder, _KEPT) as kept:  # which is there, unless the disk is not
            try:
                with _opened(_fan_out(name), within=kept) as above:
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
        if not _is_name(name):
            return
        # No fsync: what a power cut brings back nobody wants any more, and the next sweep deletes it.
        with (
            _explained(self._folder),
            _opened(self._folder, _KEPT) as kept,
            contextlib.suppress(FileNotFoundError),
            _opened(_fan_out(name), within=kept) as above,
        ):
            os.unlink(_file_name(name), dir_fd=above)

    def sweep(self, is_wanted: Callable[[str], bool], *, older_than: float) -> int:
        until = time.time() - older_than
        swept = 0
        with _explained(self._folder), _opened(self._folder, _INCOMING) as incoming:
            for file in _old_files(incoming, _DRAFT_FILE, until):
                swept += _deleted(file, incoming, until)
        with _explained(self._folder), _opened(self._folder, _KEPT) as kept:
            fan_out = _names(kept, _FAN_OUT_FOLDER)
        for folder in fan_out:
            with _explained(self._folder), _opened(self._folder, _KEPT, folder) as above:
                old = _old_files(above, _KEPT_FILE, until)
            strays = [file for file in old if not is_wanted(file.replace(_BETWEEN, "/"))]
            with _explained(self._folder), _opened(self._folder, _KEPT, folder) as above:
                for file in strays:
                    swept += _deleted(file, above, until)
        return swept


class _Draft(Draft):
    """The file *name* in the folder of what comes in, open for writing as *fd*."""

    def __init__(self, folder: Path, name: str, fd: int) -> None:
        self._folder, self._name, self._fd = folder, name, fd
        self._size = 0
        self._sha256 = hashlib.sha256()
        # Also when nobody keeps or drops it: without a file left open or lying about.
        self._end = weakref.finalize(self, _give_up, folder, name, fd, os.getpid())

    def write(self, data: bytes) -> None:
        self._must_live()
        try:
            with _explained(self._folder):
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
        except BaseException:
            self.drop()  # a part of *data* may be in it: nobody can go on from there, and the room is needed
            raise
        self._sha256.update(data)
        self._size += len(data)

    def keep(self, name: str) -> Stored:
        self._must_live()
        try:
            with _explained(self._folder):
                if not _is_name(name):
                    raise OSError(errno.EINVAL, f"{name[:80]!r} is no name for a blob: it is <token>/<file name>")
                self._settle(name)
        finally:
            # After a failed fsync the kernel may have thrown away what it could not write: a second try would lie.
            self.drop()
        return Stored(self._size, self._sha256.hexdigest())

    def drop(self) -> None:
        self._end()

    def _settle(self, name: str) -> None:
        os.utime(self._fd)  # its age begins here, so that no sweep takes it before its row is written
        # 1. The content, before anything has its name: or a power cut would leave the name of an empty file.
        os.fsync(self._fd)
        with _opened(self._folder, _INCOMING) as incoming, _opened(self._folder, _KEPT) as kept:
            _make_folder(_fan_out(name), kept)
            # 2. The folder that the name will be in; each time, because another process may have made it and not yet
            #    come to this line.
            os.fsync(kept)
            with _opened(self._folder, _KEPT, _fan_out(name)) as above:
                # 3. The name, in place of an older file, in one step for every reader.
                os.rename(self._name, _file_name(name), src_dir_fd=incoming, dst_dir_fd=above)
                # 4. That step itself. The folder of drafts needs none: a name that comes back there is swept.
                os.fsync(above)

    def _must_live(self) -> None:
        if not self._end.alive:
            raise OSError(errno.EBADF, "this draft is over: begin a new one")


def _give_up(folder: Path, name: str, fd: int, pid: int) -> None:
    with contextlib.suppress(OSError):
        os.close(fd)
    # A forked child has a copy of this, and not the draft. Whatever else hinders us here, the sweep comes later.
    if os.getpid() == pid:
        with contextlib.suppress(OSError), _opened(folder, _INCOMING) as incoming:
            os.unlink(name, dir_fd=incoming)


# Names.


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and len(name) <= _LONGEST


def _file_name(name: str) -> str:
    return name.replace("/", _BETWEEN)


def _fan_out(name: str) -> str:
    # Of a hash, so that the 256 folders fill alike whatever tokens look like.
    return hashlib.sha256(name.encode()).hexdigest()[:2]


# Folders.


@contextmanager
def _opened(folder: Path | str, *below: str, within: int | None = None) -> Iterator[int]:
    """The folder *below* the *folder*, without following links.

    Only to the first one links may lead, since that is the choice of whoever runs the HUB: not where it is *within* one
    that is open already.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    with contextlib.ExitStack() as stack:
        fd = os.open(folder, flags if within is None else flags | os.O_NOFOLLOW, dir_fd=within)
        stack.callback(os.close, fd)
        for name in below:
            fd = os.open(name, flags | os.O_NOFOLLOW, dir_fd=fd)
            stack.callback(os.close, fd)
        yield fd


def _make_folder(name: str, above: int) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, _PRIVATE_FOLDER, dir_fd=above)


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


# Errors.

_ADVICE = {
    errno.ENOSPC: "the disk is full: make room there, and send it again",
    errno.EDQUOT: "this user's share of the disk is full: make room there, and send it again",
    errno.EFBIG: "the file is larger than this system allows: raise the limit on the size of files",
    errno.EMFILE: "too many files are open in this process: raise the limit (ulimit -n)",
    errno.EACCES: "this user may not write there: change who may",
    errno.EPERM: "this user may not write there: change who may",
    errno.EROFS: "nothing can be written there: mount it for writing",
    errno.EIO: "the disk fails: look at the system's log",
    errno.ELOOP: "a link is in the way: nothing in this folder may be one",
    errno.ENOTDIR: "something else is where a folder should be: take it away",
    errno.EEXIST: "something else is where a folder should be: take it away",
    errno.ENOENT: "the folder, or the draft in it, is gone: somebody has removed it, or its disk is not mounted",
}


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """An error of the system, with what to do about it and the folder where."""
    try:
        yield
    except OSError as exc:
        advice = _ADVICE.get(exc.errno or 0, exc.strerror or str(exc))
        raise OSError(exc.errno, advice, str(folder)) from exc
