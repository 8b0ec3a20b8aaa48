"""The folder that a HUB's files lie in, and the folders below it.

The one rule: everything below is opened from the folder above it and follows no link, so that nothing outside is
reached, whoever has planted one.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

_PRIVATE = 0o700
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
    errno.ENOENT: "the folder, or the pending blob in it, is gone: somebody has removed it, or its disk is not mounted",
}


@attrs.frozen
class BlobDirectory:
    """The folder *path*. What the system says about it, or about what is below, comes with what to do and where.

    Only to this one links may lead, since that is the choice of whoever runs the HUB.
    """

    path: Path

    def make(self, *below: str) -> None:
        """Make it, and the folders *below* in it, where they are missing."""
        with self.map_os_errors():
            self.path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            with opened(self.path) as root:
                for name in below:
                    make_folder(name, root)
                os.fsync(root)
            with opened(self.path.parent) as above:
                os.fsync(above)

    @contextmanager
    def opened(self, *below: str) -> Iterator[int]:
        """The folder *below*, each part opened from the one above it."""
        with self.map_os_errors(), contextlib.ExitStack() as stack:
            fd = stack.enter_context(opened(self.path))
            for name in below:
                fd = stack.enter_context(opened(name, dir_fd=fd))
            yield fd

    @contextmanager
    def map_os_errors(self) -> Iterator[None]:
        """An error of the system, with what to do about it and the folder where."""
        try:
            yield
        except OSError as exc:
            advice = _ADVICE.get(exc.errno or 0, exc.strerror or str(exc))
            raise OSError(exc.errno, advice, str(self.path)) from exc


@contextmanager
def opened(folder: Path | str, *, dir_fd: int | None = None) -> Iterator[int]:
    """*folder*; where it is *dir_fd* one that is open already, it is no link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    fd = os.open(folder, flags if dir_fd is None else flags | os.O_NOFOLLOW, dir_fd=dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)


def make_folder(name: str, above: int) -> None:
    """The folder *name* in the open one *above*, unless it is there."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, _PRIVATE, dir_fd=above)
