"""All spools of one user for one HUB: who owns them, and in which order their runs began.

The one rule: a spool belongs to whoever holds the ``flock`` on its journal and is written down as its owner, so that a
dead owner's spool is free at once.

The order of runs is a number that their folders have: one more than the largest that is there when a run begins. A
clock that is set back, or that was ahead, changes nothing. Runs that begin in the same moment may get one number; no
order of them would be wrong, and their names still have one. Spools that hubport 0.1.0 has written have no number, and
come first, by their time.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import attrs

from ...domain.ports.outbox import Outbox, Spool, SpoolInfo
from .locks import ALONE, SHARED, has_locks, lock, unlock
from .owner import Owner, Ownership, file_systems_time, is_owners_file
from .spool import GONE, JOURNAL, NO_FORK, DiskSpool, age_of

#: ``<model>.r<number>-<nanoseconds>-<random>``. Behind the point the names sort by age: of 0.1.0 are those without a
#: number, and "r" is greater than any digit.
_RUN = re.compile(r"[0-9A-Za-z]+\.(?:r([0-9a-f]{12})-)?([0-9a-f]{16})-[0-9a-f]{8}")
#: A folder that is being made is hidden from readers.
_NEW = ".new-"
#: Making one takes a moment: what is still being made after so many seconds nobody makes any more.
_MAKING = 60.0
#: How often a folder is made before it is an error that somebody takes it away.
_TRIES = 3


class DiskOutbox(Outbox):
    """``<root>/<model>.r<number>-<time>-<random>/`` for each run, private to this user.

    *beside* is the folder that holds this outbox and those of other HUBs: the numbers of all of them are one sequence.
    """

    def __init__(self, root: str | os.PathLike[str], *, beside: str | os.PathLike[str] | None = None) -> None:
        self._root = Path(root)
        self._beside = None if beside is None else Path(beside)

    def open(self, model_id: str) -> DiskSpool:
        """Make the folder of a new run, complete and locked before anybody can see it."""
        for tries_left in reversed(range(_TRIES)):
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                return self._made(model_id)
            except FileNotFoundError:  # taken away by a process whose clock is ahead: it looked like an old one
                if not tries_left:
                    raise
        raise AssertionError

    def _made(self, model_id: str) -> DiskSpool:
        # The time is for people, and the 32 random bits are against another process in the same moment.
        name = f"{model_id}.r{self._next_number():012x}-{max(time.time_ns(), 0):016x}-{secrets.token_hex(4)}"
        making = self._root / f"{_NEW}{name}"
        making.mkdir(mode=0o700)
        fd = -1
        try:
            with NO_FORK:
                fd = os.open(making / JOURNAL, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
                lock(fd, ALONE)
                ownership = Ownership.of_new(making)
                making.rename(self._root / name)
                return DiskSpool(self._root / name, fd, ownership.moved(self._root / name))
        except BaseException:
            if fd >= 0:
                os.close(fd)
            for file in (JOURNAL, "owner.0"):
                (making / file).unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):
                making.rmdir()  # not rmtree, which needs a file descriptor: it may be these that have run out
            raise

    def claim_orphans(
        self, model_id: str, *, by_force: bool = False, wanted: Callable[[SpoolInfo], bool] | None = None
    ) -> list[Spool]:
        """Claim what dead runs have left."""
        try:
            folders = sorted(self._root.iterdir())
        except OSError:
            return []
        for folder in folders:
            if folder.name.startswith(GONE):
                shutil.rmtree(folder, ignore_errors=True)  # its owner died while taking it away
            elif _was_never_made(folder.name):  # its owner died while making it; or lives, and makes another one
                doomed = folder.with_name(f"{GONE}{folder.name.removeprefix(_NEW)}")
                with contextlib.suppress(OSError):
                    folder.rename(doomed)
                    shutil.rmtree(doomed, ignore_errors=True)
        folders = sorted((folder for folder in folders if folder.name.startswith(f"{model_id}.")), key=age_of)
        if wanted is not None:
            looked_at = ((folder, _seen(folder)) for folder in folders if _RUN.fullmatch(folder.name))
            folders = [folder for folder, seen in looked_at if seen is not None and wanted(seen)]
        found = (_claimed(folder, by_force=by_force) for folder in folders)
        return [spool for spool in found if spool is not None]

    def elsewhere(self) -> list[Outbox]:
        """Those in the folders beside this one."""
        try:
            folders = [] if self._beside is None else sorted(self._beside.iterdir())
        except OSError:
            return []
        return [DiskOutbox(folder, beside=self._beside) for folder in folders if folder != self._root]

    def list_spools(self) -> list[SpoolInfo]:
        """Look at every folder that has the name of a run."""
        try:
            folders = [folder for folder in self._root.iterdir() if _RUN.fullmatch(folder.name)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as exc:
            return [_unreadable(self._root, exc)]
        found = (_seen(folder) for folder in sorted(folders, key=age_of))
        return [spool for spool in found if spool is not None]

    def _next_number(self) -> int:
        """One more than that of any run that is there: whatever has come before is older, whatever its clock said."""
        folders = [self._root]
        with contextlib.suppress(OSError):
            folders += [] if self._beside is None else self._beside.iterdir()
        names: list[str] = []
        for folder in folders:
            with contextlib.suppress(OSError):  # of another user, or no folder
                names += os.listdir(folder)
        found = (_RUN.fullmatch(name.removeprefix(_NEW)) for name in names)
        return max((int(match[1], 16) for match in found if match and match[1]), default=0) + 1


def _was_never_made(name: str) -> bool:
    if not name.startswith(_NEW) or not _RUN.fullmatch(name.removeprefix(_NEW)):
        return False
    # One that seems to be of the future was made by a clock that was ahead.
    return abs(time.time() - _begun(name.removeprefix(_NEW))) > _MAKING


def _begun(name: str) -> float:
    """When the run whose folder has this *name* began, in unix seconds."""
    return int(name.split("-")[-2].rpartition(".")[2], 16) / 1e9


def _seen(folder: Path) -> SpoolInfo | None:
    journal = folder / JOURNAL

    def opened() -> BinaryIO:
        return open(journal, "rb", buffering=0)

    model_id, begun = folder.name.partition(".")[0], _begun(folder.name)
    try:
        is_locked = _is_locked(journal)
        owner = Owner.of(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None  # its owner has just taken it away, or it never was a spool
    except OSError as exc:
        return attrs.evolve(_unreadable(folder, exc), model_id=model_id, begun=begun, size=_size(folder))
    is_owned = is_locked is True or owner.is_alive(are_locks_free=is_locked is False, now=time.time())
    return SpoolInfo(str(folder), model_id, begun, _size(folder), is_owned, opened, host=owner.host)


def _unreadable(folder: Path, exc: OSError) -> SpoolInfo:
    """The *folder*, of which nothing can be said because of *exc*."""

    def refused() -> BinaryIO:
        raise exc

    return SpoolInfo(str(folder), "", None, 0, is_owned=False, open=refused, problem=_explained(folder, exc))


def _explained(path: Path, exc: OSError) -> str:
    """What *exc* says about *path*, and, where a right is missing, who has it."""
    problem = exc.strerror or type(exc).__name__
    if not isinstance(exc, PermissionError):
        return problem
    try:
        uid = path.stat().st_uid
    except OSError:
        return problem
    if uid == os.geteuid():
        return problem
    try:
        return f"{problem}: it belongs to {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"{problem}: it belongs to the user with the number {uid}"


def _size(folder: Path) -> int:
    size = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # a checkpoint that was delivered meanwhile
                size += 0 if is_owners_file(entry.name) else entry.stat(follow_symlinks=False).st_size
    return size


def _is_locked(journal: Path) -> bool | None:
    """Whether somebody has locked it; ``None`` where there are no locks."""
    while True:
        with NO_FORK, open(journal, "rb", buffering=0) as reader:
            if not lock(reader.fileno(), SHARED):
                return True
            if not has_locks(reader.fileno(), SHARED):
                return None
            unlock(reader.fileno())
            # Its owner may have put another journal in its place in between, and let go of this one.
            if os.path.samestat(os.fstat(reader.fileno()), os.stat(journal)):
                return False


def _claimed(folder: Path, *, by_force: bool) -> DiskSpool | None:
    journal = folder / JOURNAL
    with NO_FORK:
        try:
            fd = os.open(journal, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            # Between our open and our lock its owner may have finished and taken the folder away.
            if _is_taken(fd) and os.path.samestat(os.fstat(fd), os.stat(journal)):
                ownership = _taken_over(folder, are_locks_free=has_locks(fd, ALONE), by_force=by_force)
                if ownership is not None:
                    return DiskSpool(folder, fd, ownership)
        except OSError:
            pass
        os.close(fd)
    return None


def _taken_over(folder: Path, *, are_locks_free: bool, by_force: bool) -> Ownership | None:
    """Become the owner of *folder*, if the one who is written down is dead, or cannot be seen and that is no matter."""
    owner = Owner.of(folder)
    is_elsewhere = owner.process is None or not owner.process.is_visible
    if not owner.is_free and not (by_force and is_elsewhere):
        now = file_systems_time(folder) if is_elsewhere else 0.0
        if owner.is_alive(are_locks_free=are_locks_free, now=now):
            return None
    return Ownership.taken_over(folder, owner.number, is_locked=are_locks_free)


def _is_taken(fd: int) -> bool:
    """Lock the journal *fd*, unless it has an owner. Who only looks whether it has one holds a lock that is shared."""
    while not lock(fd, ALONE):
        if not lock(fd, SHARED):
            return False
        unlock(fd)
    return True
