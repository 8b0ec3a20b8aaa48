"""The spools of a delivery: a new one for this run, and those that dead runs have left.

The one rule: what cannot be read, or needs no sending, is given up at once, and what waits is kept in the order of age.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import attrs

from ..domain.errors import InvalidSettings
from ..domain.journal import run_line
from ..domain.ports.outbox import Outbox, Spool
from .backlog_reader import BacklogReader
from .log import EventLogger
from .refused import wait_again
from .report import Tally
from .settings import Settings
from .upload_queue import Upload


def left_over(
    model_id: str, outbox: Outbox, tally: Tally, log: EventLogger, *, refused: bool = False, is_for_run: bool = False
) -> list[BacklogReader]:
    """Those of dead runs of this model, oldest first; what was *refused* may wait again.

    One in which nothing waits is kept where another one, or the run that it *is_for_run*, may log the same epochs: a
    HUB may replace an epoch whole, and this one tells what was delivered of it.
    """
    found = (_left_over(spool, tally, log, refused=refused) for spool in outbox.left_over(model_id))
    readers = [reader for reader in found if reader is not None]
    if is_for_run or not all(reader.backlog.is_settled for reader in readers):
        return readers
    for reader in readers:
        reader.spool.release(keep=False)
    return []


def opened(model_id: str, settings: Settings, outbox: Outbox) -> BacklogReader:
    """A new one for this run.

    Raises:
        InvalidSettings: when nothing can be written.
    """
    spool: Spool | None = None
    try:
        spool = outbox.open(model_id)
        spool.append(run_line({"model": model_id, "root": settings.hub_root, "pid": os.getpid()}))
        return BacklogReader(spool, limit=settings.outbox_limit)
    except OSError as exc:
        if spool is not None:
            spool.release(keep=False)
        raise InvalidSettings(
            "state_dir (HUBPORT_STATE_DIR)",
            f"what is logged cannot be kept in {settings.state_dir}: {exc.strerror}; "
            "name a folder that this user can write to",
        ) from exc


def _left_over(spool: Spool, tally: Tally, log: EventLogger, *, refused: bool) -> BacklogReader | None:
    """What a dead run has left in *spool*, if anything."""
    try:
        reader = BacklogReader(spool)
    except OSError as exc:
        log.warning("outbox.unreadable", spool=spool.name, cause=exc.strerror)
        spool.release(keep=True)
        return None
    if reader.backlog.damaged:
        tally.blame("damaged line in the outbox")
        log.warning("outbox.damaged", spool=spool.name, lines=reader.backlog.damaged)
    if refused and reader.backlog.aside:
        try:
            wait_again(spool)
        except OSError as exc:  # no room for another journal
            log.warning("outbox.refused_not_sent", spool=spool.name, cause=exc.strerror)
        else:
            reader = BacklogReader(spool)
    backlog = reader.backlog
    if backlog.is_settled and (backlog.aside or backlog.newest_settled < 0):
        # Its process was killed between the last delivery and its end, or the HUB has refused what is left.
        spool.release(keep=backlog.aside > 0)
        return None
    with contextlib.suppress(OSError):  # only for whoever looks who has it now
        spool.append(run_line(backlog.about | {"pid": os.getpid()}))
    tally.add("metrics", "logged", reader.left_over)
    tally.add("checkpoints", "logged", len(backlog.checkpoints))
    return reader


def uploads(readers: Sequence[BacklogReader]) -> list[Upload]:
    """The waiting checkpoints. Where their folder lies now counts: it may have been mounted elsewhere then."""
    return [
        Upload(reader.spool, attrs.evolve(c, path=str(Path(reader.spool.folder) / Path(c.path).name)))
        for reader in readers
        for c in reader.backlog.checkpoints.values()
    ]
