"""Who owns a spool, also in the eyes of another machine.

The one rule: a lock holds on one machine alone (NFS with ``nolock``, sshfs), or nowhere; so the owner is written down
beside the journal, and its file is touched while it lives.

The file is ``owner.<n>``, and ``owner.<n>.free`` once it was given up in order. Whoever takes the spool over makes
``owner.<n+1>``, which only one can make. So two who have both found the owner dead cannot both have it.

=====================================  ================================================================================
the owner is                           it is dead when
=====================================  ================================================================================
a process that we can see              there is none of this number that began at this time
in another container of this kernel    the lock is free; where there are no locks: it has been silent
on another machine                     it has been silent
=====================================  ================================================================================

Silent means that for :data:`SILENCE` seconds neither this file nor the journal was written. The file system says what
time it is: the clocks of two machines differ.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
from pathlib import Path

import attrs

from .process import Process

#: Seconds without a sign of life after which an owner that cannot be seen is dead. It gives one each minute.
SILENCE = 900.0
_FILE = re.compile(r"owner\.([0-9]{1,9})(\.free)?")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.EXDEV})
_LINKED = 2


class Ownership:
    """The owner of the spool in *folder*, as this process has written it down."""

    def __init__(self, folder: Path, number: int, *, is_written: bool = True) -> None:
        self._folder = folder
        self._number = number
        self._is_written = is_written

    @classmethod
    def of_new(cls, folder: Path) -> Ownership:
        """Write down that this process owns a *folder* that nobody else can see yet."""
        _write_new(folder / _name(0))
        return cls(folder, 0)

    @classmethod
    def taken_over(cls, folder: Path, number: int, *, is_locked: bool) -> Ownership | None:
        """Write down that this process owns *folder* after owner *number*, which is dead; ``None``: another one does.

        On a full disk a journal that *is_locked* is enough: what was left must go out, or the disk stays full.

        Raises:
            OSError: when nothing can be written there.
        """
        try:
            _write(folder, number + 1)
        except FileExistsError:
            return None
        except OSError as exc:
            if exc.errno in _FULL and is_locked:
                return cls(folder, number, is_written=False)
            raise
        mine = _name(number + 1)
        others = {name: found for name, found in _numbers(folder).items() if name != mine}
        if any(found > number for found in others.values()):
            # Meanwhile somebody has had it and has given it up: whoever comes next has the last number.
            os.unlink(folder / mine)
            return None
        for name in others:
            with contextlib.suppress(OSError):
                os.unlink(folder / name)
        return cls(folder, number + 1)

    def moved(self, folder: Path) -> Ownership:
        """The same, where the spool's folder has another name now."""
        return Ownership(folder, self._number, is_written=self._is_written)

    def refresh(self) -> bool:
        """Say that the owner lives; whether it still is the owner."""
        if not self._is_written:
            return True
        try:
            os.utime(self._folder / _name(self._number))
        except FileNotFoundError:
            return False
        except (
            OSError
        ):  # a disk gone read-only, or a network that is away: it may be back before anybody believes us dead
            return True
        return True

    def give_up(self) -> None:
        """Say that there is no owner any more."""
        name = _name(self._number)
        if not self._is_written:
            return
        with contextlib.suppress(OSError):
            os.rename(self._folder / name, self._folder / f"{name}.free")


@attrs.frozen
class Owner:
    """What is written down of the owner in *folder*: its ``number``, and which process it is."""

    folder: Path
    number: int
    is_free: bool
    process: Process | None

    @classmethod
    def of(cls, folder: Path) -> Owner:
        """The newest one. Spools of hubport 0.1.0 have none.

        Raises:
            OSError: when it cannot be read.
        """
        numbers = _numbers(folder)
        if not numbers:
            return cls(folder, -1, is_free=True, process=None)
        name = max(numbers, key=lambda name: (numbers[name], not name.endswith(".free")))
        is_free = name.endswith(".free")
        return cls(folder, numbers[name], is_free, None if is_free else Process.read(folder / name))

    def is_alive(self, *, are_locks_free: bool, now: float) -> bool:
        """Whether it lives, as far as anybody can tell.

        *are_locks_free* says that there are locks and that the journal's is free; *now* is the file system's time.
        """
        if self.is_free:
            return False
        if self.process is not None and self.process.is_visible:
            return self.process.is_running
        if self.process is not None and self.process.is_of_this_kernel and are_locks_free:
            return False
        return now - self.last_sign < SILENCE

    @property
    def last_sign(self) -> float:
        """When it last gave a sign of life, in unix seconds of the file system's clock."""
        signs = [0.0]
        for name in (_name(self.number), "journal"):
            with contextlib.suppress(OSError):
                signs.append(os.stat(self.folder / name).st_mtime)
        return max(signs)

    @property
    def host(self) -> str:
        """The machine that it is on, where that is another one."""
        return "" if self.process is None or self.process.is_of_this_kernel else self.process.host


def is_owners_file(name: str) -> bool:
    """Whether a file of this *name* says who the owner is."""
    return _FILE.fullmatch(name) is not None


def file_systems_time(folder: Path) -> float:
    """What time the file system of *folder* has.

    Raises:
        OSError: when nothing can be written there.
    """
    probe = folder / f".now-{secrets.token_hex(4)}"
    os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        return os.stat(probe).st_mtime
    finally:
        os.unlink(probe)


def _name(number: int) -> str:
    return f"owner.{number}"


def _numbers(folder: Path) -> dict[str, int]:
    matches = map(_FILE.fullmatch, os.listdir(folder))
    return {match[0]: int(match[1]) for match in matches if match}


def _write(folder: Path, number: int) -> None:
    """Write down this process as owner *number*, whole or not at all.

    An empty file, of a process that was killed between making and writing it, would name no owner that is known to be
    dead. So the file is written under another name, and gets its own by a link, which only one can make.

    Raises:
        FileExistsError: when there is one.
        OSError: when it cannot be written.
    """
    path, unseen = folder / _name(number), folder / f".owner-{secrets.token_hex(4)}"
    try:
        _write_new(unseen)
        try:
            os.link(unseen, path)
        except OSError as exc:
            if exc.errno in _NO_LINKS:  # FAT and some network file systems: there the moment between remains
                _write_new(path)
            # A network may have lost the answer to our own link, and have asked for it a second time.
            elif exc.errno != errno.EEXIST or os.stat(unseen).st_nlink < _LINKED:
                raise
    finally:
        with contextlib.suppress(OSError):
            os.unlink(unseen)


def _write_new(path: Path) -> None:
    content = json.dumps(attrs.asdict(Process.here())).encode()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, content)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise
    finally:
        os.close(fd)
