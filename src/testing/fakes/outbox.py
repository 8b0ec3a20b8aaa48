"""An outbox in memory, which outlives the session and not the process."""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ...domain.ports.outbox import Outbox, Spool, SpoolInfo, SpoolSealed


class FakeSpool(Spool):
    """One run's journal as bytes, which a test may read and damage."""

    def __init__(self, outbox: FakeOutbox, model_id: str, name: str, folder: str) -> None:
        self._outbox = outbox
        self._name = name
        self._folder = folder
        self.model_id = model_id
        self.begun = time.time()
        self.journal = bytearray()
        self.is_owned = True
        self.is_sealed = False
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The same in each run of a test, so that what is drawn from it is too."""
        return self._name

    @property
    def folder(self) -> str:
        """An empty folder that exists, so that real files can be kept there too."""
        return self._folder

    @property
    def order(self) -> str:
        """The number in its name."""
        return self._name

    @property
    def size(self) -> int:
        """Bytes in the journal."""
        return len(self.journal)

    def append(self, line: bytes) -> None:
        """Add *line*, while there is room."""
        with self._lock:
            self._check_open()
            self._check_room(len(self.journal) + len(line))
            self.journal += line

    def compact(self, make: Callable[[], bytes]) -> None:
        """Other bytes."""
        with self._lock:
            self._check_open()
            content = make()
            self._check_room(len(content))
            self.journal[:] = content

    def _check_open(self) -> None:
        if self.is_sealed:
            raise SpoolSealed(errno.EROFS, "the run has ended", self._folder)

    def _check_room(self, size: int) -> None:
        if self._outbox.capacity is not None and size > self._outbox.capacity:
            raise OSError(errno.ENOSPC, "no space left in this fake outbox", self._folder)

    def read(self, start: int, limit: int) -> bytes:
        """A piece of the journal."""
        return bytes(self.journal[start : start + limit])

    def seal(self) -> None:
        """No more lines."""
        with self._lock:
            self.is_sealed = True

    def release(self, *, keep: bool) -> None:
        """Give up."""
        self.seal()
        self.is_owned = False
        if not keep and self in self._outbox.spools:
            self._outbox.spools.remove(self)
            shutil.rmtree(self._folder, ignore_errors=True)


class FakeOutbox(Outbox):
    """``spools`` are all there are; :meth:`crash` makes them ownerless, as the death of their process would."""

    def __init__(self, *, capacity: int | None = None) -> None:
        self.capacity = capacity
        self.spools: list[FakeSpool] = []
        self.others: list[FakeOutbox] = []
        """Those for other addresses, as a test sets them up."""
        self._folder = tempfile.mkdtemp(prefix="hubport-outbox-")
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._numbers: Iterator[int] = itertools.count()

    def open(self, model_id: str) -> FakeSpool:
        """A new spool."""
        name = f"{next(self._numbers):06d}"
        folder = tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder)
        self.spools.append(FakeSpool(self, model_id, f"fake-outbox/{name}", folder))
        return self.spools[-1]

    def claim_orphans(
        self,
        model_id: str,
        *,
        by_force: bool = False,
        wanted: Callable[[SpoolInfo], bool] | None = None,
    ) -> list[Spool]:
        """Claim what nobody owns."""
        names = {seen.name for seen in self.list_spools() if wanted is None or wanted(seen)}
        found = [s for s in self.spools if s.model_id == model_id and not s.is_owned and s.name in names]
        for spool in found:
            spool.is_owned, spool.is_sealed = True, False
        return list(found)

    def elsewhere(self) -> list[Outbox]:
        """Those that a test has put beside it."""
        return list(self.others)

    def list_spools(self) -> list[SpoolInfo]:
        """All of them."""
        found = []
        for spool in list(self.spools):
            size, journal = len(spool.journal), bytes(spool.journal)
            with contextlib.suppress(OSError):  # one that is being taken away
                for file in Path(spool.folder).iterdir():
                    with contextlib.suppress(OSError):
                        size += file.stat().st_size
            found.append(
                SpoolInfo(spool.name, spool.model_id, spool.begun, size, spool.is_owned, partial(io.BytesIO, journal))
            )
        return found

    def crash(self) -> None:
        """The process that owned the spools is dead."""
        for spool in self.spools:
            spool.is_owned = False
