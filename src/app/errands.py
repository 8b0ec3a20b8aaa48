"""What the three workers do: heartbeats, metrics, checkpoints.

The one rule: an errand writes down that something is settled only after the HUB has said so. A crash in between sends
it a second time, which is harmless, and never loses it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import BinaryIO, cast

import attrs
import structlog

from ..domain.checkpoint import Checkpoint, Kind
from ..domain.hub_protocol import HubProtocol
from ..domain.journal import aside_line, checkpoint_end_line, sent_line
from ..domain.outcome import Outcome, Verdict
from ..domain.ports.clock import Clock
from ..domain.ports.filesystem import Filesystem
from ..domain.ports.http import Http, Request
from ..domain.ports.outbox import Spool
from .backlog_reader import BacklogReader
from .progress import CountedReader, Progress, Silence
from .report import Tally

#: Epochs in one metrics call at the most.
_MOST_EPOCHS = 500


@attrs.define
class Route:
    """The way to one model in the HUB, as every errand needs it; ``deadline`` tells when the session must end.

    ``protocol`` may be another one tomorrow, with another key.
    """

    model_id: str
    protocol: HubProtocol
    http: Http
    clock: Clock
    log: structlog.stdlib.BoundLogger
    tally: Tally
    deadline: Callable[[], float]

    def send(self, make: Callable[[HubProtocol], Request], *, within: float) -> Outcome:
        """What becomes of the request that *make* makes, in *within* seconds and never beyond the session's end.

        Raises:
            HubUnreachable: when there is no answer.
        """
        protocol = self.protocol
        timeout = max(min(within, self.deadline() - self.clock.now()), 0.001)
        response = self.http.send(make(protocol), timeout=timeout)
        result = protocol.understood(response, wall=self.clock.wall())
        if result.verdict is Verdict.LOCKED_OUT and protocol is not self.protocol:
            # The key was changed while this was under way: its refusal says nothing of the new one.
            return attrs.evolve(result, verdict=Verdict.AGAIN)
        return result

    def note(self, spool: Spool, line: bytes) -> None:
        """Write *line* down, if there is room: without it something is sent twice later, which is harmless."""
        try:
            spool.append(line)
        except OSError as exc:
            self.tally.blame(f"note not kept: {exc.strerror}")


class HeartbeatErrand:
    """Says that the run is alive, and adopts the name that the HUB gives it."""

    has_more = True  # there is always a next one

    def __init__(self, route: Route, *, agent: str, within: float) -> None:
        self._route = route
        self._agent = agent
        self._within = within
        self.agent_id: str | None = None

    def run(self) -> Outcome:
        """One heartbeat."""
        self._route.tally.add("heartbeats", "logged")
        result = self._route.send(
            lambda hub: hub.heartbeat(self._route.model_id, agent=self._agent, agent_id=self.agent_id),
            within=self._within,
        )
        if result.verdict is Verdict.DELIVERED:
            self._route.tally.add("heartbeats", "delivered")
            given = result.data.get("agentId") if isinstance(result.data, dict) else None
            self.agent_id = given if isinstance(given, str) and given else self.agent_id
        return result


class MetricsErrand:
    """Sends what the journals hold, oldest run first, in whole epochs."""

    def __init__(self, route: Route, readers: list[BacklogReader], *, within: float) -> None:
        self._route = route
        self._readers = readers
        self._within = within
        self._most = _MOST_EPOCHS
        self.has_more = False

    def run(self) -> Outcome | None:
        """One metrics call, if anything waits."""
        self._tidy()
        self.has_more = True
        for reader in self._readers:
            batch = reader.batch(most=self._most)
            while batch.is_cut and not batch.records:
                batch = reader.batch(most=self._most)
            if batch.records:
                break
        else:
            self.has_more = False
            return None
        model_id, epochs = self._route.model_id, batch.epochs
        result = self._route.send(lambda hub: hub.post_metrics(model_id, epochs), within=self._within)
        if result.verdict in {Verdict.AGAIN, Verdict.LOCKED_OUT}:
            return result
        if result.is_divisible and len(batch.epochs) > 1:
            # One of them may be the culprit, or all together are too large: the halves go apart.
            self._most = len(batch.epochs) // 2
            return result
        is_delivered = result.verdict is Verdict.DELIVERED
        if not is_delivered:
            reason = f"status {result.status}: {result.message}"
            for epoch in batch.epochs:
                self._route.note(reader.spool, aside_line(epoch, reason))
            self._route.log.warning("metrics.refused", epochs=sorted(batch.epochs), reason=reason)
        self._route.note(reader.spool, sent_line(batch.end))
        reader.settle(batch, delivered=is_delivered)
        self._route.tally.add("metrics", "delivered" if is_delivered else "refused", batch.records)
        if is_delivered:
            self._most = min(self._most * 2, _MOST_EPOCHS)
        self.has_more = batch.is_cut or reader is not self._readers[-1]
        return result

    def _tidy(self) -> None:
        for reader in self._readers:
            if reader.is_worth_rewriting:
                try:
                    reader.rewrite()
                except OSError as exc:  # no room for a second journal: the first one does
                    self._route.tally.blame(f"journal not rewritten: {exc.strerror}")


@attrs.frozen(eq=False)
class Upload:
    """A checkpoint and the spool that it lies in; where it could not be kept there, its file is not ours to remove."""

    spool: Spool
    checkpoint: Checkpoint
    is_ours: bool = True


class CheckpointErrand:
    """Sends checkpoints, and gives up those that a newer one supersedes."""

    def __init__(self, route: Route, filesystem: Filesystem, uploads: list[Upload], *, within: float) -> None:
        self._route = route
        self._filesystem = filesystem
        self._within = within
        self._lock = threading.Lock()
        self._uploads: list[Upload] = []
        self._under_way: Upload | None = None
        self._refused: Upload | None = None
        self._snapshots: dict[str, int] = {}
        self.progress: Progress = Silence()
        for upload in uploads:
            self.offer(upload)

    @property
    def has_more(self) -> bool:
        """Whether a checkpoint waits."""
        return bool(self._uploads)

    @property
    def held(self) -> int:
        """Bytes of all snapshots that lie in the outbox: those that wait, and those that were refused."""
        return sum(self._snapshots.values())

    @property
    def givable(self) -> int:
        """Bytes of those that :meth:`give_up_oldest` would give up, one after the other."""
        with self._lock:
            uploads = [*filter(self._is_givable, self._uploads), *([self._refused] if self._refused else [])]
        return sum(upload.checkpoint.size for upload in uploads)

    def _is_givable(self, upload: Upload) -> bool:
        return upload.checkpoint.kind is Kind.EPOCH and upload is not self._under_way

    def give_up_oldest(self) -> bool:
        """Make room: give up the oldest epoch checkpoint that is not under way; whether there was one."""
        with self._lock:
            refused, self._refused = self._refused, None
            lost = None
            if refused is None:
                lost = next(filter(self._is_givable, self._uploads), None)
                self._uploads = [u for u in self._uploads if u is not lost]
        if refused is not None:
            self._remove(refused)
        elif lost is not None:
            self._route.tally.blame("checkpoint given up to make room")
            self._end(lost, "lost", "given up")
        return refused is not None or lost is not None

    def offer(self, upload: Upload) -> None:
        """*upload* waits from now, and those that it supersedes do not."""
        with self._lock:
            path = upload.checkpoint.path
            if path not in self._snapshots:  # offered again behind an interrupt
                self._uploads.append(upload)
            if upload.is_ours:
                # A new dictionary, since whoever logs adds up the old one without the lock.
                self._snapshots = {**self._snapshots, path: upload.checkpoint.size}
        self._give_up_superseded()

    def _give_up_superseded(self) -> None:
        with self._lock:
            kept: list[Upload] = []
            for upload in reversed(self._uploads):
                # What is under way may arrive yet; if it does not, the next run gives it up.
                is_old = any(newer.checkpoint.supersedes(upload.checkpoint) for newer in kept)
                if not is_old or upload is self._under_way:
                    kept.append(upload)
            given_up = [upload for upload in self._uploads if upload not in kept]
            self._uploads = kept[::-1]
        for upload in given_up:
            self._end(upload, "superseded", "superseded")

    def abandon_unkept(self) -> None:
        """Count as lost what waits and is in no outbox: nobody will ever send it."""
        with self._lock:
            unkept = [upload for upload in self._uploads if not upload.is_ours]
            self._uploads = [upload for upload in self._uploads if upload.is_ours]
        for _ in unkept:
            self._route.tally.add("checkpoints", "lost")
            self._route.tally.blame("checkpoint neither kept nor delivered")

    def run(self) -> Outcome | None:
        """One upload, if one waits."""
        self._give_up_superseded()
        with self._lock:
            self._under_way = self._uploads[0] if self._uploads else None
        try:
            return None if self._under_way is None else self._send(self._under_way)
        finally:
            with self._lock:
                self._under_way = None

    def _send(self, upload: Upload) -> Outcome | None:
        checkpoint = upload.checkpoint
        if self._filesystem.size(checkpoint.path) != checkpoint.size:
            self._route.log.warning("checkpoint.gone", path=checkpoint.path, epoch=checkpoint.epoch)
            self._finish(upload, "lost", "its snapshot is gone")
            return None
        self.progress.begin(checkpoint.size)

        def read() -> BinaryIO:
            reader = self._filesystem.open(checkpoint.path)
            return cast("BinaryIO", CountedReader(reader, self.progress, self._check_time))

        model_id = self._route.model_id
        result = self._route.send(lambda hub: hub.upload(model_id, checkpoint, read), within=self._within)
        if result.verdict is Verdict.DELIVERED:
            self._route.tally.final_delivered |= checkpoint.kind is Kind.FINAL
            self._finish(upload, "delivered", "delivered")
        elif result.verdict is Verdict.REFUSED:
            reason = f"status {result.status}: {result.message}"
            self._route.log.warning("checkpoint.refused", epoch=checkpoint.epoch, reason=reason)
            self._finish(upload, "refused", reason)
        return result

    def _check_time(self) -> None:
        # The session may have been told to end while this upload was under way.
        if self._route.clock.now() >= self._route.deadline():
            raise TimeoutError("the session ends")

    def _finish(self, upload: Upload, column: str, how: str) -> None:
        with self._lock:
            is_counted = upload not in self._uploads  # abandoned while it was under way
            self._uploads = [u for u in self._uploads if u is not upload]
        if not is_counted:
            self._end(upload, column, how)

    def _end(self, upload: Upload, column: str, how: str) -> None:
        self._route.note(upload.spool, checkpoint_end_line(upload.checkpoint.number, how))
        self._route.tally.add("checkpoints", column)
        if column != "refused":
            self._remove(upload)
        elif upload.checkpoint.kind is Kind.EPOCH:
            # What was refused stays, for its owner to look at: the newest, since they may all be refused.
            with self._lock:
                older, self._refused = self._refused, upload
            if older is not None:
                self._remove(older)

    def _remove(self, upload: Upload) -> None:
        if not upload.is_ours:
            return
        with self._lock:
            self._snapshots = {p: size for p, size in self._snapshots.items() if p != upload.checkpoint.path}
        with contextlib.suppress(OSError):  # on a disk gone read-only: the trainer need not know
            self._filesystem.remove(upload.checkpoint.path)
