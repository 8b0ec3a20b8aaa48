"""The spools of a delivery: a new one for this run, and those that dead runs have left.

The one rule: what cannot be read, or needs no sending, is given up at once, and what waits is kept in the order of age.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import attrs

from ...domain.client.journal import run_line
from ...domain.errors import InvalidSettings
from ...domain.ports.outbox import Outbox, Spool, SpoolInfo
from ..command_name import command
from ..log import EventLogger
from ..outbox.backlog_reader import BacklogReader
from ..outbox.requeue import requeue_rejected
from ..outbox.status import State, spool_statuses
from ..settings import Settings
from .counters import DeliveryCounters
from .upload_queue import Upload


def claim_orphans(
    model_id: str,
    outbox: Outbox,
    counters: DeliveryCounters,
    log: EventLogger,
    *,
    hub_id: str | None = None,
    refused: bool = False,
    is_for_run: bool = False,
    by_force: bool = False,
) -> list[BacklogReader]:
    """Readers of the spools that dead runs of this model have left, oldest first.

    A spool in which nothing waits is read too where another spool may hold the same epochs, or where a run begins
    (*is_for_run*): a HUB may replace an epoch whole, and this spool knows the values that were delivered.

    *hub_id*: also spools of the same HUB under other addresses. *refused*: what the HUB refused waits again.
    *by_force*: also spools of other machines, whose owner may live.
    """
    spools = outbox.claim_orphans(model_id, by_force=by_force)
    if hub_id is not None:
        spools += _of_same_hub(model_id, hub_id, outbox, log, by_force=by_force)
        spools.sort(key=lambda spool: spool.order)
    found = (_orphan(spool, counters, log, refused=refused) for spool in spools)
    readers = [reader for reader in found if reader is not None]
    if is_for_run or not all(reader.backlog.is_settled for reader in readers):
        return readers
    for reader in readers:
        reader.spool.release(keep=False)
    return []


def _of_same_hub(model_id: str, hub_id: str, outbox: Outbox, log: EventLogger, *, by_force: bool) -> list[Spool]:
    def is_its(seen: SpoolInfo) -> bool:
        return any(status.hub_id == hub_id for status in spool_statuses([seen]))

    found = [
        spool
        for other in outbox.elsewhere()
        for spool in other.claim_orphans(model_id, by_force=by_force, wanted=is_its)
    ]
    for spool in found:
        log.warning(
            "outbox.other_address",
            spool=spool.name,
            consequence="it is the same HUB, by what it calls itself: sent to it",
        )
    return found


def tell_of_others(model_id: str, outbox: Outbox, log: EventLogger) -> None:
    """Say what waits of this model for other addresses, and which command sends it."""
    found = (
        spool_statuses(seen for seen in other.list_spools() if seen.model_id == model_id)
        for other in outbox.elsewhere()
    )
    waiting = [status for statuses in found for status in statuses if status.state is State.WAITING]
    for hub in sorted({status.hub for status in waiting if status.hub}):
        of_hub = [status for status in waiting if status.hub == hub]
        log.warning(
            "outbox.waits_elsewhere",
            hub=hub,
            records=sum(status.metrics for status in of_hub),
            checkpoints=sum(status.checkpoints for status in of_hub),
            remedy=command(f"sync --hub {hub}"),
        )


def open_spool(model_id: str, settings: Settings, outbox: Outbox, *, hub_id: str | None = None) -> BacklogReader:
    """A new one for this run, which notes what the HUB is called.

    Raises:
        InvalidSettings: when nothing can be written.
    """
    spool: Spool | None = None
    try:
        spool = outbox.open(model_id)
        about = {"model": model_id, "root": settings.hub_root, "pid": os.getpid()}
        spool.append(run_line(about if hub_id is None else about | {"hub": hub_id}))
        return BacklogReader(spool, limit=settings.outbox_limit)
    except OSError as exc:
        if spool is not None:
            spool.release(keep=False)
        raise InvalidSettings(
            "state_dir (HUBPORT_STATE_DIR)",
            f"what is logged cannot be kept in {settings.state_dir}: {exc.strerror}; "
            "name a folder that this user can write to",
        ) from exc


def _orphan(spool: Spool, counters: DeliveryCounters, log: EventLogger, *, refused: bool) -> BacklogReader | None:
    """What a dead run has left in *spool*, if anything."""
    try:
        reader = BacklogReader(spool)
    except OSError as exc:
        log.warning("outbox.unreadable", spool=spool.name, cause=exc.strerror)
        spool.release(keep=True)
        return None
    if reader.backlog.damaged:
        counters.count_failure("damaged line in the outbox")
        log.warning("outbox.damaged", spool=spool.name, lines=reader.backlog.damaged)
    if refused and reader.backlog.rejected:
        try:
            requeue_rejected(spool)
        except OSError as exc:  # no room for another journal
            log.warning("outbox.refused_not_sent", spool=spool.name, cause=exc.strerror)
        else:
            reader = BacklogReader(spool)
    backlog = reader.backlog
    if backlog.is_settled and (backlog.rejected or backlog.newest_settled < 0):
        # Its process was killed between the last delivery and its end, or the HUB has refused what is left.
        spool.release(keep=backlog.rejected > 0)
        return None
    with contextlib.suppress(OSError):  # only for whoever looks who has it now
        spool.append(run_line(backlog.about | {"pid": os.getpid()}))
    counters.add("metrics", "logged", reader.orphaned)
    counters.add("checkpoints", "logged", len(backlog.checkpoints))
    return reader


def uploads(readers: Sequence[BacklogReader]) -> list[Upload]:
    """The waiting checkpoints. Where their folder lies now counts: it may have been mounted elsewhere then."""
    return [
        Upload(reader.spool, attrs.evolve(c, path=str(Path(reader.spool.folder) / Path(c.path).name)))
        for reader in readers
        for c in reader.backlog.checkpoints.values()
    ]
