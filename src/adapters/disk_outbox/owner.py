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
import socket
from pathlib import Path
from typing import Any

import attrs

#: Seconds without a sign of life after which an owner that cannot be seen is dead. It gives one each minute.
SILENCE = 900.0
_FILE = re.compile(r"owner\.([0-9]{1,9})(\.free)?")
_LONGEST = 4096
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@attrs.frozen
class Process:
    """A process, as another machine may know it: ``boot`` is the kernel's, ``space`` that of process numbers in it."""

    host: str
    boot: str
    space: str
    pid: int
    started: str

    @classmethod
    def here(cls) -> Process:
        """The one that runs this."""
        host, pid = socket.gethostname(), os.getpid()
        return cls(host, _boot() or host, _space(), pid, _started(pid))

    @classmethod
    def read(cls, path: Path) -> Process | None:
        """The one that *path* names; ``None`` while it is still being written.

        Raises:
            OSError: when it cannot be read, or is gone.
        """
        with open(path, "rb") as file:
            text = file.read(_LONGEST)
        try:
            found: dict[str, Any] = json.loads(text)
            return cls(**{field.name: found[field.name] for field in attrs.fields(cls)})
        except (ValueError, TypeError, KeyError):
            return None

    @property
    def is_of_this_kernel(self) -> bool:
        """Whether it runs, or ran, under the kernel that runs this process."""
        return self.boot == (_boot() or socket.gethostname())

    @property
    def is_visible(self) -> bool:
        """Whether its number means the same here."""
        return self.is_of_this_kernel and self.space == _space()

    @property
    def is_running(self) -> bool:
        """Whether it is there, of one that is visible."""
        if self.started:
            return _started(self.pid) == self.started
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except OSError:  # somebody else's
            return True
        return True


class Ownership:
    """The owner of the spool in *folder*, as this process has written it down."""

    def __init__(self, folder: Path, number: int, *, is_written: bool = True) -> None:
        self._folder = folder
        self._number = number
        self._is_written = is_written

    @classmethod
    def of_new(cls, folder: Path) -> Ownership:
        """Write down that this process owns a *folder* that nobody else can see yet."""
        _write(folder, 0)
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
    path = folder / _name(number)
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


def _boot() -> str:
    return _text("/proc/sys/kernel/random/boot_id")


def _space() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When the process *pid* began, in the kernel's own count; empty when there is none, or it is a zombie."""
    # The name of the program, in parentheses, may hold blanks and parentheses.
    state, *rest = _text(f"/proc/{pid}/stat").rpartition(")")[2].split() or [""]
    return rest[18] if state not in {"", "Z", "X"} and len(rest) > 18 else ""  # noqa: PLR2004 - see proc(5), field 22


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""
