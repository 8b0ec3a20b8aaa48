"""What the trainer hands over: written down in the outbox before the call returns, and offered to the workers.

The one rule: nothing here waits for anything but the disk, and a disk that is full costs what did not fit, which is
counted, and never the training.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import attrs

from ...domain.checkpoint import Checkpoint, CheckpointKind
from ...domain.client.journal import checkpoint_line, metrics_line
from ...domain.metrics import EpochValues
from ...domain.ports.filesystem import FileKind, Filesystem
from ...domain.ports.outbox import Spool, SpoolSealed
from ..log import EventLogger
from .checkpoint_file import EMPTY, fault_of, is_cut
from .delivery import Delivery
from .upload_queue import Upload
from .validation import Validator

T = TypeVar("T")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class _Emptied(OSError):
    """A snapshot has 0 bytes."""


def _must_hold_something(size: int, path: str) -> None:
    if not size:
        raise _Emptied(errno.ENODATA, "the file was emptied while it was copied", path)


class _OverLimit(OSError):
    """There is a place for it on the disk, and not within the limit."""


class Recorder:
    """Keeps what one run logs in *spool*, of which *delivery* sends it, within *limit* bytes for all its spools."""

    def __init__(
        self,
        spool: Spool,
        delivery: Delivery,
        filesystem: Filesystem,
        *,
        limit: int,
        strict: bool,
        log: EventLogger,
    ) -> None:
        self._spool = spool
        self._delivery = delivery
        self._counters = delivery.counters
        self._uploads = delivery.uploads
        self._filesystem = filesystem
        # Journals of dead runs grow by notes alone.
        self._limit = limit - delivery.orphaned_size
        self._log = log
        self._numbers = itertools.count(1)
        self._newest = 0
        self.validator = Validator(delivery.counters, log, strict=strict)

    def log_metrics(self, epoch: object, values: Mapping[str, object]) -> None:
        """Write down the *values* of *epoch*, those that can be sent.

        Raises:
            InvalidMetrics: in strict mode, for what cannot be sent.
            SpoolSealed: when the end came first.
        """
        number, safe = self.validator.epoch(epoch), self.validator.metrics(values)
        if number is None or safe is None:
            self._lose_unwritten("metrics")
        else:
            self._record({number: safe})

    def log_queue(self, queue: object) -> None:
        """Write down a trainer's queue: JSON text, or a mapping, by epoch. They go out together where they fit.

        Raises:
            InvalidMetrics: in strict mode, for what cannot be sent.
            SpoolSealed: when the end came first.
        """
        epochs: dict[int, EpochValues] = {}
        for key, value in self.validator.queue(queue).items():
            epoch, safe = self.validator.epoch(key), self.validator.queued(value)
            if epoch is None or safe is None:
                self._lose_unwritten("metrics")
            else:
                epochs[epoch] = safe
        if epochs:
            self._record(epochs)

    def _lose_unwritten(self, kind: str) -> None:
        """Count one of *kind* that the trainer handed over and nobody will ever send."""
        self._counters.add(kind, "logged")
        self._counters.add(kind, "lost")

    def _record(self, epochs: Mapping[int, EpochValues]) -> None:
        self._newest = max(self._newest, *epochs)
        try:
            for epoch, values in epochs.items():
                self._write(metrics_line(epoch, values))
            self._delivery.metrics.offer()
        except SpoolSealed:
            raise
        except BaseException:  # Ctrl-C in a notebook, perhaps behind the write: what is written must go out
            self._delivery.metrics.offer_again()
            raise

    def _write(self, line: bytes) -> None:
        # Before it is written: an interrupt in between leaves one too many until the end, and none that is missing.
        self._counters.add("metrics", "logged")
        try:
            if self._spool.size + len(line) > self._limit - self._uploads.held:
                self._make_room(len(line))
            self._spool.append(line)
        except SpoolSealed:
            self._counters.add("metrics", "logged", -1)
            raise
        except _OverLimit as exc:
            self._lose("metrics", exc)
        except OSError as exc:
            self._append_on_a_full_disk(line, exc)

    def upload_checkpoint(self, path: object, epoch: object, *, is_best: object) -> None:
        """Take a snapshot of *path* as the checkpoint of *epoch*; see :meth:`keep`.

        Raises:
            InvalidMetrics: in strict mode, for what is no path, epoch or flag.
            SpoolSealed: when the end came first.
        """
        number = self.validator.checkpoint_epoch(epoch, newest=self._newest)
        best, name = self.validator.flag("is_best", is_best), self.validator.path(path)
        if name is None:
            self._lose_unwritten("checkpoints")
        else:
            self.keep(name, number, CheckpointKind.EPOCH, is_best=best)

    def final(self, path: object, epoch: object, best_map: object) -> tuple[str | None, int, float | None]:
        """The arguments of :meth:`keep_final`, checked; the path is ``None`` where there is none to send.

        Raises:
            InvalidMetrics: in strict mode.
        """
        number = self.validator.checkpoint_epoch(epoch, newest=self._newest)
        name = self.validator.path(path)
        if name is None:
            self._lose_unwritten("checkpoints")
        return name, number, self.validator.number("map", best_map)

    def keep(
        self, path: str, epoch: int, kind: CheckpointKind, *, is_best: bool = False, best_map: float | None = None
    ) -> None:
        """Take a snapshot of *path*; it is sent when it is time. A missing file is a warning, and so is an empty one.

        Raises:
            SpoolSealed: when the end came first.
        """
        fault = fault_of(self._filesystem, path)
        if fault is not None:
            self._turn_away(path, epoch, kind, fault)
            return
        size = self._filesystem.size(path) or 0
        if is_cut(self._filesystem, path, size):
            self._log.warning(
                "checkpoint.cut",
                path=path,
                epoch=epoch,
                cause="it begins like a zip, as torch.save writes it, and has no end: was it saved whole?",
                consequence="it is sent as it is",
            )
        number = next(self._numbers)
        target = str(Path(self._spool.folder) / f"{number}-{kind.part_name}")
        upload = Upload(self._spool, Checkpoint(number, epoch, kind, target, size, is_best, best_map))
        self._counters.add("checkpoints", "logged")
        try:
            self._tried_with_room(lambda: self._snapshot(path, upload), undo=lambda: self._discard(target))
        except SpoolSealed:
            self._counters.add("checkpoints", "logged", -1)
            raise
        except _Emptied:
            self._counters.add("checkpoints", "logged", -1)
            self._turn_away(path, epoch, kind, EMPTY)
        except OSError as exc:
            if kind is not CheckpointKind.FINAL:
                self._lose("checkpoints", exc)
                return
            # Whoever asks for the final one waits for it: it can go out from where it lies.
            self._log.warning("checkpoint.not_kept", path=path, cause=exc.strerror, consequence="sent from where it is")
            self._offer(Upload(self._spool, attrs.evolve(upload.checkpoint, path=path), is_ours=False))

    def _snapshot(self, path: str, upload: Upload) -> None:
        checkpoint, start = upload.checkpoint, self._spool.size
        try:
            self._make_room(checkpoint.size)
            taken = self._filesystem.snapshot(path, checkpoint.path)
            _must_hold_something(taken, path)
            upload = Upload(self._spool, attrs.evolve(checkpoint, size=taken))
            self._spool.append(checkpoint_line(upload.checkpoint))
            self._offer(upload)
        except OSError:
            raise
        except BaseException:  # Ctrl-C in a notebook: either it is written down, and is sent, or it was never taken
            # More than its size tells, which the interrupt may have come before.
            if checkpoint_line(upload.checkpoint) in self._spool.read(start, 1 << 20):
                self._offer(upload)
                self._delivery.checkpoints.offer_again()
            else:
                self._discard(checkpoint.path)
                self._counters.add("checkpoints", "logged", -1)
            raise

    def _turn_away(self, path: str, epoch: int, kind: CheckpointKind, fault: str) -> None:
        """There is nothing at *path* to upload."""
        is_missing = self._filesystem.kind(path) is FileKind.MISSING
        self._counters.count_failure("checkpoint file missing" if is_missing else "checkpoint file unusable")
        # A final one will not come again, and a file that is there was meant: no report may look complete.
        if kind is CheckpointKind.FINAL or not is_missing:
            self._lose_unwritten("checkpoints")
        self._log.warning(
            "checkpoint.missing" if is_missing else "checkpoint.unusable",
            path=path,
            epoch=epoch,
            cause=fault,
            consequence="nothing is uploaded for it",
        )

    def _offer(self, upload: Upload) -> None:
        self._uploads.offer(upload)
        self._delivery.checkpoints.offer()

    def keep_final(self, path: str, epoch: int, best_map: float | None) -> None:
        """Take a snapshot of the final weights *path*, or of ``last.pt`` beside it where they are none."""
        last = str(Path(path).with_name("last.pt"))
        fault = fault_of(self._filesystem, path)
        if fault is not None and fault_of(self._filesystem, last) is None:
            is_missing = self._filesystem.kind(path) is FileKind.MISSING
            event = "checkpoint.missing" if is_missing else "checkpoint.unusable"
            self._log.warning(event, path=path, epoch=epoch, cause=fault, sent_instead=last)
            path = last
        self.keep(path, epoch, CheckpointKind.FINAL, best_map=best_map)

    def _make_room(self, size: int) -> None:
        """Give up old epoch checkpoints until *size* more bytes are within the limit; none where that is no help.

        Raises:
            _OverLimit: when it is none.
        """
        if self._spool.size + self._uploads.held - self._uploads.givable + size > self._limit:
            raise _OverLimit(errno.EDQUOT, "the outbox_limit is reached", self._spool.name)
        while self._spool.size + self._uploads.held + size > self._limit:
            if not self._uploads.give_up_oldest():  # a worker has just taken it
                raise _OverLimit(errno.EDQUOT, "the outbox_limit is reached", self._spool.name)

    def _append_on_a_full_disk(self, line: bytes, exc: OSError) -> None:
        try:
            if exc.errno not in _FULL:
                raise exc
            self._tried_with_room(lambda: self._spool.append(line))
        except OSError as still:
            self._lose("metrics", still)

    def _tried_with_room(self, action: Callable[[], T], *, undo: Callable[[], None] = lambda: None) -> T:
        """Do *action*; and where the disk is full give up the oldest epoch checkpoint and do it again."""
        while True:
            try:
                return action()
            except OSError as exc:
                undo()
                if isinstance(exc, _OverLimit) or exc.errno not in _FULL or not self._uploads.give_up_oldest():
                    raise

    def _discard(self, path: str) -> None:
        with contextlib.suppress(OSError):  # a disk that takes no snapshot may take no removal either
            self._filesystem.remove(path)

    def _lose(self, kind: str, exc: OSError) -> None:
        self._counters.add(kind, "lost")
        if self._counters.count_failure(f"{kind} not kept: {exc.strerror}") == 1:
            self._log.warning(
                "outbox.full",
                lost=kind,
                cause=exc.strerror,
                spool=self._spool.name,
                consequence="training goes on; make room",
            )
