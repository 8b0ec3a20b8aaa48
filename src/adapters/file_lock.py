"""A lock that processes of one machine share, as a file that is locked.

The one rule: it keeps two apart where that is possible, and nobody waits for ever where it is not.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..domain.ports.clock import Clock

_AGAIN_AFTER = 0.05


@contextmanager
def file_lock(path: str | os.PathLike[str], clock: Clock, *, timeout: float = 10.0) -> Iterator[None]:
    """Hold the lock of the file *path* in the block.

    The block runs without it where the file cannot be made or locked, and where another process has held it for
    *timeout* seconds. The kernel gives it back with the process.
    """
    try:
        fd = os.open(Path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        yield
        return
    try:
        _wait(lambda: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB), clock, clock.now() + timeout)
        yield
    finally:
        os.close(fd)


def _wait(lock: Callable[[], None], clock: Clock, deadline: float) -> None:
    alarm = clock.alarm()
    try:
        while clock.now() < deadline:
            try:
                lock()
            except BlockingIOError:
                alarm.wait(clock.now() + _AGAIN_AFTER)
            except OSError:  # a file system without locks
                return
            else:
                return
    finally:
        alarm.retire()
