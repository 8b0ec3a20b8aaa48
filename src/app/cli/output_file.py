"""A file that a user has named for a result.

The one rule: the file that was there stays whole until the new one is. What the name leads to is written, and what
stands at the name, such as a link, stays.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

#: Their names are links to what a process has open, and a name beside them is none that can be replaced.
_OPEN_FILES = ("/dev/", "/proc/")


def write_whole(path: Path, content: bytes) -> None:
    """Write *content* to the file that *path* leads to, in one step; pipes and devices are written to.

    The new file has the permissions of the one that was there.

    Raises:
        OSError: when it cannot be written; its ``filename`` is *path*. An earlier file is then as it was.
    """
    try:
        _write(path, content)
    except OSError as exc:
        raise OSError(exc.errno, exc.strerror, str(path)) from exc


def _write(path: Path, content: bytes) -> None:
    if str(path).startswith(_OPEN_FILES) or (path.exists() and not path.is_file()):
        path.write_bytes(content)
        return
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_symlink():  # it leads to itself
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    new = target.with_name(f".{target.name[:100]}.{os.getpid()}")
    try:
        new.write_bytes(content)
        with contextlib.suppress(FileNotFoundError):
            new.chmod(stat.S_IMODE(target.stat().st_mode))
        new.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
