"""Sending what runs that are over have left.

The one rule: a key goes to the HUB that it belongs to, so one sync is for one HUB; what waits for others is only named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...domain.ports.clock import Clock
from ...domain.ports.outbox import Outbox
from ..delivery.report import Report
from ..outbox.status import SpoolStatus, State
from .factory import ModelAccess, SessionFactory


def sendable_spools(statuses: Iterable[SpoolStatus], *, refused: bool = False) -> list[SpoolStatus]:
    """Those that a sync sends, with the *refused* ones or without them, or takes away because nothing is left."""
    states = {State.WAITING, State.DELIVERED} | ({State.REJECTED} if refused else set())
    return [status for status in statuses if status.state in states]


def sync(
    factory: SessionFactory,
    clock: Clock,
    accesses: Iterable[ModelAccess],
    *,
    deadline: float,
    tell: Callable[[Report], None],
    refused: bool = False,
    by_force: bool = False,
) -> list[Report]:
    """Send what is left of each of *accesses*, one model after the other, until *deadline*; *tell* of each.

    What the HUB has *refused* is sent again where that is wanted; *by_force* also what runs on other machines have.
    """
    reports: list[Report] = []
    for access in accesses:
        # Where the time is over the spools are looked at all the same, so that the report says what waits in them.
        until = max(deadline, clock.now())
        report = factory.send_orphans(access, access.model_id, deadline=until, refused=refused, by_force=by_force)
        if report is not None:
            reports.append(report)
            tell(report)
    return reports


def discard(outbox: Outbox, status: SpoolStatus, *, by_force: bool = False) -> bool:
    """Throw away the spool of *status* with all that is in it; whether that could be done. Never one that is in use.

    *by_force*: also one of another machine, whose owner may live.
    """
    found = outbox.claim_orphans(status.model_id, by_force=by_force, wanted=lambda seen: seen.name == status.spool)
    for spool in found:
        spool.release(keep=False)
    return bool(found)
