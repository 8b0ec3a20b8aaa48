"""What a run has logged, on its way to the HUB: the outbox, the three workers, and their common end.

The one rule: written down first, sent afterwards. Whoever logs returns when the outbox has it.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Mapping
from pathlib import Path

import attrs
import structlog

from ..domain.backoff import Backoff
from ..domain.checkpoint import Checkpoint, Kind
from ..domain.hub_protocol import HubProtocol
from ..domain.journal import checkpoint_line, metrics_line
from ..domain.lane import LEAST_GAP, Lane, Link
from ..domain.metrics import EpochValues
from ..domain.ports.clock import Clock
from ..domain.ports.filesystem import Filesystem
from ..domain.ports.http import Http
from ..domain.ports.outbox import Outbox, Sealed
from . import spools
from .errands import CheckpointErrand, HeartbeatErrand, MetricsErrand, Route, Upload
from .progress import Progress, Silence
from .report import Tally
from .settings import Settings
from .waiting import Waiting
from .worker import Crew, Errand, Worker


@attrs.frozen(kw_only=True)
class Ports:
    """What a delivery needs of the world."""

    http: Http
    clock: Clock
    filesystem: Filesystem
    outbox: Outbox


class Delivery:
    """Delivers the records of one model: this run's, and those that dead runs of it have left on this machine."""

    def __init__(
        self,
        model_id: str,
        protocol: HubProtocol,
        settings: Settings,
        ports: Ports,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self.tally = Tally()
        self._log = log
        self._ports = ports
        self._numbers = itertools.count(1)
        self._readers = spools.opened(model_id, settings, ports.outbox, self.tally, log)
        self.spool = self._readers[-1].spool
        self._crew = Crew(ports.clock, Link(self._backoff("link")), self.tally, log, on_empty=self._release)
        route = Route(model_id, protocol, ports.http, ports.clock, log, self.tally, lambda: self._crew.deadline)
        beating = HeartbeatErrand(route, agent=settings.agent, within=settings.request_within)
        uploading = CheckpointErrand(
            route, ports.filesystem, spools.uploads(self._readers), within=settings.upload_within
        )
        posting = MetricsErrand(route, self._readers, within=settings.request_within)
        self._beating, self._uploading = beating, uploading
        self.heartbeats = self._hire("heartbeat", settings.heartbeat_every, beating)
        self.metrics = self._hire("metrics", settings.metrics_every, posting)
        self.checkpoints = self._hire("checkpoint", settings.checkpoint_every, uploading)

    @property
    def has_left_over(self) -> bool:
        """Whether dead runs have left something to send."""
        return any(reader.left_over for reader in self._readers) or self._uploading.has_more

    def start(self, *, beats: bool = True) -> None:
        """Start the threads: what dead runs have left goes at once, and, when it *beats*, a heartbeat."""
        if beats:
            self.heartbeats.lane.offer()
        if any(reader.left_over for reader in self._readers):
            self.metrics.lane.offer()
        if self._uploading.has_more:
            self.checkpoints.lane.offer()
        self._crew.start()

    @property
    def waiting(self) -> Waiting:
        """For whoever waits for a change here."""
        return self._crew.waiting

    @property
    def agent_id(self) -> str | None:
        """The name that the HUB gave to this run."""
        return self._beating.agent_id

    def record(self, epochs: Mapping[int, EpochValues]) -> None:
        """Write down the values of *epochs*; they are sent when it is time, in one call where they fit.

        Raises:
            Sealed: when the end came first.
        """
        for epoch, values in epochs.items():
            line = metrics_line(epoch, values)
            # Before it is written: an interrupt in between leaves one too many until the end, and none that is missing.
            self.tally.add("metrics", "logged")
            try:
                self.spool.append(line)
            except Sealed:
                self.tally.add("metrics", "logged", -1)
                raise
            except OSError as exc:
                self._lose("metrics", exc)
            except BaseException:  # Ctrl-C in a notebook, perhaps behind the write: what is written must go out
                self.metrics.offer_again()
                raise
        self.metrics.offer()

    def keep(self, path: str, epoch: int, kind: Kind, *, is_best: bool = False, best_map: float | None = None) -> None:
        """Take a snapshot of *path*; it is sent when it is time. A missing file is a warning.

        Raises:
            Sealed: when the end came first.
        """
        if self._ports.filesystem.size(path) is None:
            self.tally.blame("checkpoint file missing")
            if kind is Kind.FINAL:  # somebody asked for it, and will not come again: no report may look complete
                self.tally.add("checkpoints", "logged")
                self.tally.add("checkpoints", "lost")
            self._log.warning("checkpoint.missing", path=path, epoch=epoch, consequence="nothing is uploaded for it")
            return
        self.tally.add("checkpoints", "logged")
        number = next(self._numbers)
        target = str(Path(self.spool.folder) / f"{number}-{kind.part_name}")
        try:
            size = self._ports.filesystem.snapshot(path, target)
            checkpoint = Checkpoint(number, epoch, kind, target, size, is_best, best_map)
            self.spool.append(checkpoint_line(checkpoint))
        except Sealed:
            self._discard(target)
            self.tally.add("checkpoints", "logged", -1)
            raise
        except OSError as exc:
            self._discard(target)
            self._lose("checkpoints", exc)
        else:
            self._uploading.offer(Upload(self.spool, checkpoint))
            self.checkpoints.offer()

    def keep_final(self, path: str, epoch: int, best_map: float | None) -> None:
        """Take a snapshot of the final weights *path*, or of ``last.pt`` beside it where there are none."""
        last = str(Path(path).with_name("last.pt"))
        if self._ports.filesystem.size(path) is None and self._ports.filesystem.size(last) is not None:
            self._log.warning("checkpoint.missing", path=path, epoch=epoch, sent_instead=last)
            path = last
        self.keep(path, epoch, Kind.FINAL, best_map=best_map)

    @property
    def is_idle(self) -> bool:
        """Whether no metrics and no checkpoint wait or are under way."""
        return self.metrics.is_idle and self.checkpoints.is_idle

    def drain(self, deadline: float, *, progress: Progress | None = None) -> bool:
        """Send without pacing until nothing waits; whether that was so before *deadline*."""
        workers = (self.metrics, self.checkpoints)
        if progress is not None:
            self._uploading.progress = progress
        self._crew.hurry(workers)
        try:
            self._crew.waiting.wait_for(
                lambda: self.is_idle or self._crew.link.locked_out or self._crew.is_over, deadline=deadline
            )
        finally:
            self._crew.stroll(workers)
            if progress is not None:
                self._uploading.progress = Silence()
        return self.is_idle

    def drain_metrics(self, deadline: float) -> None:
        """Let metrics go first, until the first time that they fail."""
        worker, link = self.metrics, self._crew.link
        self._crew.hurry([worker])
        try:
            self._crew.waiting.wait_for(
                lambda: worker.is_idle or worker.lane.failures > 0 or link.locked_out, deadline=deadline
            )
        finally:
            self._crew.stroll([worker])

    def end(self, deadline: float) -> None:
        """Send what can be sent until *deadline*, and give up the spools.

        A request that is under way then goes on to its own end in a daemon thread, which holds up no exit; the spools
        are given up after it.
        """
        self.heartbeats.pause()
        self._crew.dismiss(deadline)

    def _release(self) -> None:
        """Called by the last worker when it leaves."""
        is_settled = True
        for reader in self._readers:
            try:
                # A trainer's thread may be about to log: its line is either in what is judged, or refused.
                reader.spool.seal()
                backlog = reader.refreshed()
                is_settled &= backlog.is_settled
                reader.spool.release(keep=not backlog.is_settled or backlog.aside > 0)
            except OSError:
                self._log.exception("outbox.not_released", spool=reader.spool.name)
                is_settled = False
        if is_settled:
            self.tally.settle()
        self._ports.http.close()

    def _discard(self, path: str) -> None:
        with contextlib.suppress(OSError):  # a disk that takes no snapshot may take no removal either
            self._ports.filesystem.remove(path)

    def _lose(self, kind: str, exc: OSError) -> None:
        self.tally.add(kind, "lost")
        if self.tally.blame(f"{kind} not kept: {exc.strerror}") == 1:
            self._log.warning(
                "outbox.full",
                lost=kind,
                cause=exc.strerror,
                spool=self.spool.name,
                consequence="training goes on; make room",
            )

    def _backoff(self, name: str, every: float = math.inf) -> Backoff:
        return Backoff(seed=f"{self.spool.name}:{name}", floor=min(every, LEAST_GAP))

    def _hire(self, name: str, every: float, errand: Errand) -> Worker:
        return self._crew.hire(name, Lane(every, self._crew.link, self._backoff(name, every)), errand)
