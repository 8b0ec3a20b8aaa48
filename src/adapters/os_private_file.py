"""A private file on the disk, for its user alone.

The one rule: a check is made on the open file, and not on a name that somebody may give to another file meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shlex
import stat
from pathlib import Path

from ..domain.ports.private_file import LONGEST, NotPrivate, PrivateFile

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class OsPrivateFile(PrivateFile):
    """The file at *path*; folders above it that are not there are made when it is first written, the last one 0700."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    @property
    def location(self) -> str:
        return str(self._path)

    def read(self) -> bytes | None:
        if str(self._path) == os.devnull:  # the usual way to name no file at all
            return None
        try:
            # A named pipe would be waited for.
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        with os.fdopen(fd, "rb") as file:
            self._check(os.fstat(fd))
            data = file.read(LONGEST + 1)
        if len(data) > LONGEST:
            raise OSError(errno.EFBIG, "it is too long", self.location)
        return data

    def _check(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", self.location)
        if found.st_uid != os.geteuid():
            raise NotPrivate(errno.EACCES, "it belongs to another user")
        if found.st_mode & _OTHERS:
            raise NotPrivate(errno.EACCES, f"other users can read it: `chmod 600 {shlex.quote(self.location)}`")

    def write(self, data: bytes) -> None:
        if self._path.is_symlink():
            raise NotPrivate(errno.ELOOP, "it is a symbolic link, which is not written through: remove the link first")
        self._spare_what_is_no_file()
        folder = self._path.parent
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        making = folder / f".{self._path.name}.{secrets.token_hex(8)}"
        # O_EXCL follows no link, not even one to nowhere.
        fd = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(fd)
            making.replace(self._path)  # a link that was put there meanwhile is replaced, and not followed
        except BaseException:
            with contextlib.suppress(OSError):
                making.unlink()
            raise

    def remove(self) -> bool:
        if str(self._path) == os.devnull:
            return False
        self._spare_what_is_no_file()
        try:
            self._path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _spare_what_is_no_file(self) -> None:
        """Root could take away a device: nobody on the machine can work without ``/dev/null``."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            mode = os.lstat(self._path).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode)):
                raise OSError(errno.EINVAL, "it is no regular file", self.location)
