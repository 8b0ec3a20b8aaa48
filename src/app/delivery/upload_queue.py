"""The checkpoints that wait to be sent, from when they are written down until their end is.

The one rule: the trainer's thread may be interrupted in any line. An upload is on the list of those that end before it
is off the list of those that wait, and whatever ends it may be done twice.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable

import attrs

from ...domain.checkpoint import Checkpoint, CheckpointKind
from ...domain.client.journal import checkpoint_end_line
from ...domain.ports.filesystem import Filesystem
from ...domain.ports.outbox import Spool
from .counters import DeliveryCounters


@attrs.frozen(eq=False, weakref_slot=True)
class Upload:
    """A checkpoint and the spool that it lies in; where it could not be kept there, its file is not ours to remove."""

    spool: Spool
    checkpoint: Checkpoint
    is_ours: bool = True


class UploadQueue:
    """Who is next, who is superseded, and how many bytes lie in the outbox for them.

    *note* writes a line into a spool and never raises.
    """

    def __init__(
        self, note: Callable[[Spool, bytes], None], filesystem: Filesystem, counters: DeliveryCounters
    ) -> None:
        self._note = note
        self._filesystem = filesystem
        self._counters = counters
        # The second is taken with the first held, never the other way: who ends uploads looks at the lists.
        self._settling = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: list[Upload] = []
        self._ending: list[tuple[Upload, str, str]] = []
        self._under_way: Upload | None = None
        self._refused: Upload | None = None
        self._offered: weakref.WeakSet[Upload] = weakref.WeakSet()
        self._ended: weakref.WeakSet[Upload] = weakref.WeakSet()
        self._snapshots: dict[str, int] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether a checkpoint waits."""
        return bool(self._waiting)

    @property
    def is_kept(self) -> bool:
        """Whether all that wait are in the outbox."""
        with self._lock:
            return all(upload.is_ours for upload in self._waiting)

    @property
    def held(self) -> int:
        """Bytes of all snapshots that lie in the outbox: those that wait, and those that were refused."""
        return sum(self._snapshots.values())

    @property
    def givable(self) -> int:
        """Bytes of those that :meth:`give_up_oldest` would give up, one after the other."""
        with self._lock:
            uploads = [*filter(self._is_givable, self._waiting), *([self._refused] if self._refused else [])]
        return sum(upload.checkpoint.size for upload in uploads)

    def offer(self, upload: Upload) -> None:
        """*upload* waits from now, and those that it supersedes do not."""
        with self._lock:
            # Behind an interrupt it may be offered a second time, and be delivered by then.
            if upload not in self._offered and upload not in self._waiting:
                if upload.is_ours:
                    # A new dictionary, since whoever logs adds up the old one without the lock.
                    self._snapshots = {**self._snapshots, upload.checkpoint.path: upload.checkpoint.size}
                self._waiting.append(upload)
            self._offered.add(upload)
        self.tidy()

    def take(self) -> Upload | None:
        """The next one, which is under way until :meth:`end` or :meth:`put_back`."""
        self.tidy()
        with self._lock:
            self._under_way = self._waiting[0] if self._waiting else None
            return self._under_way

    def put_back(self) -> None:
        """Nothing is under way any more."""
        with self._lock:
            self._under_way = None

    def end(self, upload: Upload, column: str, how: str) -> None:
        """*upload* is settled: *how* is for the journal, *column* for the counters."""
        with self._lock:
            if upload in self._waiting:  # or else it was abandoned while it was under way
                self._take_off([upload], column, how)
        self._settle()

    def tidy(self) -> None:
        """End those that a newer one supersedes, and what an interrupt has left half-ended."""
        with self._lock:
            kept: list[Upload] = []
            for upload in reversed(self._waiting):
                # What is under way may arrive yet; if it does not, the next look gives it up.
                is_old = any(newer.checkpoint.supersedes(upload.checkpoint) for newer in kept)
                if not is_old or upload is self._under_way:
                    kept.append(upload)
            self._take_off([upload for upload in self._waiting if upload not in kept], "superseded", "superseded")
        self._settle()

    def give_up_oldest(self) -> bool:
        """Make room: the refused one that is kept, or the oldest epoch one not under way; whether there was one."""
        with self._lock:
            refused, self._refused = self._refused, None
            lost = None if refused else next(filter(self._is_givable, self._waiting), None)
            if lost is not None:
                self._take_off([lost], "lost", "given up")
        if lost is not None:
            self._counters.count_failure("checkpoint given up to make room")
        if refused is not None:
            self._remove(refused)
        self._settle()
        return refused is not None or lost is not None

    def abandon_unkept(self) -> None:
        """Count as lost what waits and is in no outbox: nobody will ever send it."""
        with self._lock:
            unkept = [upload for upload in self._waiting if not upload.is_ours]
            self._take_off(unkept, "lost", "given up")
        for _ in unkept:
            self._counters.count_failure("checkpoint neither kept nor delivered")
        self._settle()

    def _is_givable(self, upload: Upload) -> bool:
        return upload.checkpoint.kind is CheckpointKind.EPOCH and upload is not self._under_way

    def _take_off(self, uploads: list[Upload], column: str, how: str) -> None:
        self._ending += [(upload, column, how) for upload in uploads]
        self._waiting = [upload for upload in self._waiting if upload not in uploads]

    def _settle(self) -> None:
        with self._settling:
            while self._ending:
                upload, column, how = self._ending[0]
                self._note(upload.spool, checkpoint_end_line(upload.checkpoint.number, how))
                if upload not in self._ended:
                    self._ended.add(upload)
                    self._counters.add("checkpoints", column)
                if column != "refused":
                    self._remove(upload)
                elif upload.checkpoint.kind is CheckpointKind.EPOCH and self._refused is not upload:
                    # What was refused stays, for its owner to look at: the newest, since they may all be refused.
                    with self._lock:
                        older, self._refused = self._refused, upload
                    if older is not None:
                        self._remove(older)
                del self._ending[0]

    def _remove(self, upload: Upload) -> None:
        if not upload.is_ours:
            return
        with contextlib.suppress(OSError):  # on a disk gone read-only: the trainer need not know
            self._filesystem.remove(upload.checkpoint.path)
        with self._lock:
            self._snapshots = {p: size for p, size in self._snapshots.items() if p != upload.checkpoint.path}
