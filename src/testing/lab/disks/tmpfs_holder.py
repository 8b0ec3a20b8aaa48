"""The program behind a small disk: mounts a tmpfs where nobody but itself sees it, and keeps it until it is told to go.

The one rule: what it mounts goes with it, however it ends. It needs nothing but the standard library.

Its arguments are the folder and the bytes. It says ``mounted``, or what was in the way; a number on its standard input
is a new size, to which it says ``resized``.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000  # linux/sched.h
_REMOUNT, _PRIVATE = 32, 1 << 18 | 1 << 14  # linux/mount.h; the last with all that is below


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _mount(libc: ctypes.CDLL, folder: str, flags: int, options: str | None) -> None:
    text = None if options is None else options.encode()
    _checked(libc.mount(b"none", folder.encode(), b"tmpfs", flags, text))


def main(folder: str, size: str) -> None:
    """Mount, and wait."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    _checked(libc.unshare(_NEW_MOUNTS | (_NEW_USER if user else 0)))
    if user:  # in a name space of one's own anybody is root, over what he has made there
        Path("/proc/self/setgroups").write_text("deny", "ascii")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1", "ascii")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1", "ascii")
    _mount(libc, "/", _PRIVATE, None)
    _mount(libc, folder, 0, f"size={size},mode=700")
    print("mounted", flush=True)  # noqa: T201 - whoever started this reads it
    for line in sys.stdin:
        _mount(libc, folder, _REMOUNT, f"size={int(line)}")
        print("resized", flush=True)  # noqa: T201


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (OSError, AttributeError) as exc:  # AttributeError: a system whose C library has no unshare
        sys.exit(f"no disk can be mounted here: {exc}")
