"""Locks on files, where there are any.

The one rule: a file system without locks is no error. There the file that names the owner decides alone.
"""

from __future__ import annotations

import errno
import fcntl

#: What file systems say that have no locks: NFS without a lock daemon, sshfs, mounted cloud drives.
_NONE_HERE = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL})

#: Nobody may look, or write.
ALONE = fcntl.LOCK_EX
#: Others may look.
SHARED = fcntl.LOCK_SH


def lock(fd: int, how: int) -> bool:
    """Lock the open file *fd* without waiting; whether nobody else has it. Where there are no locks nobody has it."""
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as exc:
        if exc.errno not in _NONE_HERE:
            raise
    return True


def unlock(fd: int) -> None:
    """Give the lock up."""
    try:
        fcntl.flock(fd, fcntl.LOCK_UN)
    except OSError as exc:
        if exc.errno not in _NONE_HERE:
            raise


def has_locks(fd: int, how: int) -> bool:
    """Whether the file system of *fd*, which :func:`lock` has locked just so, has locks at all."""
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
