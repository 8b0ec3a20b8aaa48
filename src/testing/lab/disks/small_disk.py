"""Small disks: room for so many bytes, and then none.

The one rule: a disk says which it is. A tmpfs is a file system that is really full; where a process may mount none, a
limit on the size of files stands in, which knows of single files alone.
"""

from __future__ import annotations

import abc
import resource
import subprocess
import sys
from pathlib import Path

from ..closing import Closeable

_HOLDER = Path(__file__).with_name("tmpfs_holder.py")


class CannotMount(OSError):
    """A process may mount nothing that is neither root nor allowed a user name space."""


class SmallDisk(Closeable):
    """A folder with little room; a context manager. ``kind`` is ``"tmpfs"`` or ``"file size limit"``."""

    kind: str

    def __init__(self, path: Path) -> None:
        self.path = path

    @abc.abstractmethod
    def admit(self, pid: int) -> None:
        """What the process *pid* writes from now on has no more room than this disk."""

    @abc.abstractmethod
    def resize(self, size: int) -> None:
        """Room for *size* bytes from now on."""

    @abc.abstractmethod
    def close(self) -> None:
        """Take the disk away, with all that is on it where it was mounted."""


class Tmpfs(SmallDisk):
    """A tmpfs of *size* bytes over *folder*, which must be there. Only by ``path`` it is seen, from any process.

    It counts in pages of 4,096 bytes, of which every file and folder has its own.

    Raises:
        CannotMount: where that is not allowed.
    """

    kind = "tmpfs"

    def __init__(self, folder: Path, size: int) -> None:
        self._holder = subprocess.Popen(
            [sys.executable, "-I", str(_HOLDER), str(folder.resolve()), str(size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        # The kernel shows to everybody who may what another process sees below its root.
        super().__init__(Path(f"/proc/{self._holder.pid}/root{folder.resolve()}"))
        if self._said() != "mounted":
            _, why = self._holder.communicate()
            raise CannotMount(why.strip() or "the disk's holder has ended")

    def admit(self, pid: int) -> None:
        """Nothing to do: the disk is as small for everybody."""

    def resize(self, size: int) -> None:
        """Mount it anew, with what is on it."""
        assert self._holder.stdin is not None
        self._holder.stdin.write(f"{size}\n")
        self._holder.stdin.flush()
        if self._said() != "resized":
            raise OSError("the disk could not be resized")

    def close(self) -> None:
        """End its holder, and the disk with it."""
        self._holder.kill()
        self._holder.communicate()

    def _said(self) -> str:
        assert self._holder.stdout is not None
        return self._holder.stdout.readline().strip()


class FileLimit(SmallDisk):
    """The stand-in: no file of an admitted process grows beyond *size* bytes. The last line may be torn anywhere.

    Raises:
        CannotMount: where one process cannot limit another.
    """

    kind = "file size limit"

    def __init__(self, folder: Path, size: int) -> None:
        if not hasattr(resource, "prlimit"):
            raise CannotMount("this system knows neither tmpfs nor limits of another process")
        super().__init__(folder)
        self._size = size
        self._admitted: list[int] = []

    def admit(self, pid: int) -> None:
        """Limit it; its children inherit that."""
        self._admitted.append(pid)
        self._limit(pid)

    def resize(self, size: int) -> None:
        """Another limit for those who live."""
        self._size = size
        for pid in self._admitted:
            try:
                self._limit(pid)
            except ProcessLookupError:
                continue  # one of them has ended

    def close(self) -> None:
        """Nothing to give back: files stay."""

    def _limit(self, pid: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (self._size, resource.RLIM_INFINITY))


def small_disk(folder: Path, size: int) -> SmallDisk:
    """A tmpfs of *size* bytes over *folder* where one may be mounted, else the stand-in; ``kind`` says which."""
    try:
        return Tmpfs(folder, size)
    except CannotMount:
        return FileLimit(folder, size)
