"""What was logged, on its way to the HUB: the spools, the three workers, and their common end.

The one rule: the spools are the truth, and what is delivered is what the HUB has acknowledged.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ...domain.client.backoff import Backoff
from ...domain.client.journal import end_line
from ...domain.client.pacing import HOLD_JITTER, LEAST_GAP, Pacer, Upstream
from ...domain.client.protocol import HubProtocol
from ...domain.ports.clock import Clock
from ...domain.ports.filesystem import Filesystem
from ...domain.ports.http import Http
from ...domain.run_end import CLOSED, RunEnd
from ..log import EventLogger
from ..outbox.backlog_reader import BacklogReader
from ..settings import Settings
from . import spools
from .condition import Condition
from .counters import DeliveryCounters
from .report import Report
from .senders.checkpoints import CheckpointSender
from .senders.heartbeats import HeartbeatSender
from .senders.hub_endpoint import HubEndpoint
from .senders.metrics import MetricsSender
from .senders.sender import Sender
from .upload_progress import NoProgress, ProgressView, UploadProgress
from .upload_queue import UploadQueue
from .wait_notice import Pending, WaitNotice
from .workers import Worker, WorkerGroup


class Delivery:
    """Delivers what is in the spools of one model, which *readers* read: those of dead runs first, ours last."""

    def __init__(
        self,
        model_id: str,
        protocol: HubProtocol,
        settings: Settings,
        *,
        http: Http,
        clock: Clock,
        filesystem: Filesystem,
        readers: list[BacklogReader],
        counters: DeliveryCounters,
        log: EventLogger,
    ) -> None:
        self.counters = counters
        self._model_id = model_id
        self._root = settings.hub_root
        self._log = log
        self._http, self._clock = http, clock
        self._readers = readers
        self._name = readers[-1].spool.name if readers else ""
        self._taken: set[str] = set()
        upstream = Upstream(self._backoff("link"), hold_jitter=HOLD_JITTER)
        self._group = WorkerGroup(clock, upstream, counters, log, on_empty=self._release, on_alive=self._say_alive)
        endpoint = HubEndpoint(model_id, protocol, http, clock, log, counters, lambda: self._group.deadline)
        self._endpoint = endpoint
        self._beating = HeartbeatSender(
            endpoint, agent=settings.agent, timeout=settings.request_timeout, end_timeout=settings.exit_timeout
        )
        posting = MetricsSender(endpoint, readers, timeout=settings.request_timeout)
        self.uploads = UploadQueue(endpoint.note, filesystem, counters)
        for upload in spools.uploads(readers):
            self.uploads.offer(upload)
        self._uploading = CheckpointSender(endpoint, filesystem, self.uploads, timeout=settings.upload_timeout)
        self.heartbeats = self._add_worker("heartbeat", settings.heartbeat_interval, self._beating)
        self.heartbeats.is_optional = True
        self.metrics = self._add_worker("metrics", settings.metrics_interval, posting)
        self.checkpoints = self._add_worker("checkpoint", settings.checkpoint_interval, self._uploading)
        # Metrics come in the trainers' own rhythm, and three seconds leave no room.
        self.heartbeats.pacer.jitter = self.checkpoints.pacer.jitter = settings.jitter

    def start(self, *, sends_heartbeats: bool = True, deadline: float = math.inf) -> None:
        """Start the threads. What dead runs have left goes at once, and a heartbeat where *sends_heartbeats*.

        Nothing is begun at *deadline* or later, which :meth:`end` may set anew.
        """
        self._group.deadline = deadline
        if sends_heartbeats:
            self.heartbeats.pacer.offer()
        else:
            self.heartbeats.is_paused = True
        if any(reader.orphaned for reader in self._readers):
            self.metrics.pacer.offer()
        if self.uploads.is_waiting:
            self.checkpoints.pacer.offer()
        self._group.start()

    def report(self, *, model_url: str, state: str) -> Report:
        """What became of it so far."""
        return self.counters.report(
            model_id=self._model_id,
            model_url=model_url,
            state=state,
            spool=self._name,
            next_send=self._next_send(),
            trouble=self._group.failure_log.current,
        )

    def _next_send(self) -> dict[str, float]:
        """Seconds until each kind is sent that waits; 0 for what is under way."""
        now, is_unauthorized = self._clock.now(), self._group.upstream.is_unauthorized
        pacers = {"metrics": self.metrics.pacer, "checkpoints": self.checkpoints.pacer}
        # Without the lock: each due is read once, and at worst a moment old.
        dues = {
            kind: pacer.due
            for kind, pacer in pacers.items()
            if self.counters.count(kind).waiting and not is_unauthorized
        }
        return {kind: 0.0 if due is None else max(due - now, 0.0) for kind, due in dues.items()}

    def go_on_with(self, protocol: HubProtocol) -> None:
        """Send with another key from now on, also when the HUB has refused the one before."""
        # One reference is put in place of another: a request takes the one or the other, whole.
        self._endpoint.protocol = protocol
        self._group.clear_unauthorized()

    @property
    def orphaned_size(self) -> int:
        """Bytes in the journals of dead runs."""
        return sum(reader.spool.size for reader in self._readers[:-1])

    @property
    def waiting(self) -> Condition:
        """For whoever waits for a change here."""
        return self._group.waiting

    @property
    def agent_id(self) -> str | None:
        """The name that the HUB gave to this run."""
        return self._beating.agent_id

    @property
    def is_idle(self) -> bool:
        """Whether no metrics and no checkpoint wait or are under way."""
        return self.metrics.is_idle and self.checkpoints.is_idle

    def drain(self, deadline: float, *, progress: UploadProgress | None = None) -> bool:
        """Send without pacing until nothing waits; whether that was so before *deadline*.

        It is shown on *progress* how far an upload is, and said when nothing moves.
        """
        workers = (self.metrics, self.checkpoints)
        view = ProgressView(self._uploading.meter, progress or NoProgress())
        self._group.begin_drain(workers)
        try:
            self._group.waiting.wait_for(
                lambda: (
                    self._group.upstream.is_unauthorized
                    or self._group.is_over
                    or (all(worker.is_idle or worker.is_broken for worker in workers) and self._is_end_settled)
                ),
                deadline=deadline,
                onlookers=(view, self._notice(deadline)),
            )
        finally:
            self._group.end_drain(workers)
        view.look(self._clock.now())
        return self.is_idle

    def drain_metrics(self, deadline: float, *, longest: float) -> None:
        """Let metrics go first, until the first time that they fail, for *longest* seconds of those to *deadline*."""
        worker, upstream = self.metrics, self._group.upstream
        self._group.begin_drain([worker])
        try:
            self._group.waiting.wait_for(
                lambda: worker.is_idle or worker.pacer.failures > 0 or upstream.is_unauthorized,
                deadline=min(deadline, self._clock.now() + longest),
                onlookers=[self._notice(deadline)],
            )
        finally:
            self._group.end_drain([worker])

    def _notice(self, deadline: float) -> WaitNotice:
        return WaitNotice(self._waiting_now, self._clock, self._log, root=self._root, deadline=deadline)

    def _waiting_now(self) -> Pending:
        metrics, checkpoints = self.counters.count("metrics"), self.counters.count("checkpoints")
        return Pending(
            metrics=metrics.waiting,
            checkpoints=checkpoints.waiting,
            moved=(metrics.delivered, checkpoints.delivered, self._uploading.meter.sent),
            reason=self._group.failure_log.current,
            is_kept=self.uploads.is_kept,
        )

    @property
    def is_beating(self) -> bool:
        """Whether heartbeats are sent, and the end is not said."""
        return self._beating.end is None and not self.heartbeats.is_paused

    def stop_heartbeats(self, end: RunEnd) -> None:
        """Send one more heartbeat, which says *end*, and then none. What an earlier call has said stands."""
        if not self.is_beating:
            return
        upstream = self._group.upstream
        if self.is_idle and (upstream.failures or upstream.not_before > self._clock.now()):
            self.heartbeats.pause()  # the HUB is away, and nothing else waits for it either
        else:
            self._beating.say(end)
            self.heartbeats.offer_last()

    def start_heartbeats(self) -> None:
        """Heartbeats again, the first at once; an end that was said is taken back by it."""
        self._beating.say(None)
        self.heartbeats.resume()

    @property
    def _is_end_settled(self) -> bool:
        """Whether no end is still to be said, or the HUB does not answer when it is."""
        return self._beating.end is None or self.heartbeats.is_idle or self.heartbeats.pacer.failures > 0

    def end(self, deadline: float, end: RunEnd = CLOSED) -> None:
        """Say *end*, send what can be sent until *deadline*, and give up the spools.

        A request that is under way then goes on to its own end in a daemon thread, which holds up no exit; the spools
        are given up after it.
        """
        self.begin_end(deadline, end)
        if not self._group.shutdown(deadline, onlookers=[self._notice(deadline)]):
            self._say_why()
        self.uploads.abandon_unkept()

    def begin_end(self, deadline: float, end: RunEnd = CLOSED) -> None:
        """The same without waiting for it, as one of the workers must do it."""
        self.stop_heartbeats(end)
        self._say_why()  # now, since this may be cut short; and once more when it is known how it went
        self._group.halt(deadline)

    def wait_for_end(self, deadline: float) -> None:
        """Wait until every worker has left, at the latest until *deadline*."""
        self._group.waiting.wait_for(lambda: self._group.is_empty, deadline=deadline)

    def on_abandoned(self, end: Callable[[], None], *, then: Callable[[], None]) -> None:
        """A worker calls *end* after :meth:`abandon`, and the last one to leave calls *then*."""
        self._group.end_abandoned, self._group.after_abandoned = end, then

    def abandon(self) -> None:
        """Nobody holds this any more. The garbage collector may call it: see :meth:`.Lifecycle.abandon`."""
        self._group.abandon()

    def _release(self) -> None:
        """Called by the last worker when it leaves."""
        self.uploads.abandon_unkept()
        self._say_why()
        is_settled = True
        for reader in self._readers:
            try:
                # A trainer's thread may be about to log: its line is either in what is judged, or refused.
                reader.spool.seal()
                backlog = reader.refreshed()
                is_settled &= backlog.is_settled
                reader.spool.release(keep=not backlog.is_settled or backlog.rejected > 0)
            except OSError:
                self._log.exception("outbox.not_released", spool=reader.spool.name)
                is_settled = False
        if is_settled:
            self.counters.discard_unwritten()
        self._http.close()

    def _say_alive(self) -> None:
        """Tell other machines that the spools have an owner, and notice where one of them does not believe it."""
        for reader in self._readers:
            name = reader.spool.name
            if name not in self._taken and not reader.spool.refresh():
                self._taken.add(name)
                self.counters.count_failure("spool taken by another machine")
                self._log.warning(
                    "outbox.taken",
                    spool=name,
                    consequence="another machine sends what it held; what is logged now is lost if this run is killed",
                )

    def _say_why(self) -> None:
        """Write down why something waits, for whoever looks into the outbox."""
        for reader in self._readers:
            self._endpoint.note(reader.spool, end_line(self._group.failure_log.reason))

    def _backoff(self, name: str, interval: float = math.inf) -> Backoff:
        return Backoff(seed=f"{self._name}:{name}", floor=min(interval, LEAST_GAP))

    def _add_worker(self, name: str, interval: float, sender: Sender) -> Worker:
        return self._group.add(name, Pacer(interval, self._group.upstream, self._backoff(name, interval)), sender)
