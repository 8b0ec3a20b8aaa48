"""What the workers of metrics and checkpoints do, and the way to the HUB that all three share.

The one rule: an errand writes down that something is settled only after the HUB has said so. A crash in between sends
it a second time, which is harmless, and never loses it.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ....domain.checkpoint import Kind
from ....domain.client.journal import aside_line, sent_line
from ....domain.client.outcome import Outcome, Verdict
from ....domain.client.protocol import HubProtocol
from ....domain.ports.clock import Clock
from ....domain.ports.filesystem import Filesystem
from ....domain.ports.http import Http, Reader, Request
from ....domain.ports.outbox import Sealed, Spool
from ...exchange import exchange
from ...log import EventLogger
from ...outbox.backlog_reader import BacklogReader
from ..report import Tally
from ..upload_progress import CountedReader, Meter
from ..upload_queue import Upload, UploadQueue

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
    log: EventLogger
    tally: Tally
    deadline: Callable[[], float]

    def send(self, make: Callable[[HubProtocol], Request], *, within: float) -> Outcome:
        """What becomes of the request that *make* makes, in *within* seconds and never beyond the session's end.

        Raises:
            HubUnreachable: when there is no answer.
            InvalidAdapter: when ``http`` breaks its port.
        """
        protocol = self.protocol
        timeout = max(min(within, self.deadline() - self.clock.now()), 0.001)
        response = exchange(self.http, make(protocol), timeout=timeout)
        result = protocol.understood(response, wall=self.clock.wall())
        if result.verdict is Verdict.LOCKED_OUT and protocol is not self.protocol:
            # The key was changed while this was under way: its refusal says nothing of the new one.
            return attrs.evolve(result, verdict=Verdict.AGAIN)
        return result

    def note(self, spool: Spool, line: bytes) -> None:
        """Write *line* down, if there is room: without it something is sent twice later, which is harmless."""
        try:
            spool.append(line)
        except Sealed:
            pass  # the journal is judged already
        except OSError as exc:
            self.tally.blame(f"note not kept: {exc.strerror}")


class MetricsErrand:
    """Sends what the journals hold, oldest run first, in whole epochs: with what was delivered by any run before."""

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
        for number, reader in enumerate(self._readers):
            older = self._readers[:number]
            batch = reader.batch(most=self._most, older=older)
            while batch.is_cut and not batch.records:
                batch = reader.batch(most=self._most, older=older)
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


class CheckpointErrand:
    """Sends the checkpoints of *uploads*, one a run."""

    def __init__(self, route: Route, filesystem: Filesystem, uploads: UploadQueue, *, within: float) -> None:
        self._route = route
        self._filesystem = filesystem
        self._uploads = uploads
        self._within = within
        self.meter = Meter()

    @property
    def has_more(self) -> bool:
        """Whether a checkpoint waits."""
        return self._uploads.is_waiting

    def run(self) -> Outcome | None:
        """One upload, if one waits."""
        upload = self._uploads.take()
        try:
            return None if upload is None else self._send(upload)
        finally:
            self._uploads.put_back()

    def _send(self, upload: Upload) -> Outcome | None:
        checkpoint = upload.checkpoint
        # An earlier version took empty files too.
        if checkpoint.size == 0 or self._filesystem.size(checkpoint.path) != checkpoint.size:
            self._route.log.warning("checkpoint.gone", path=checkpoint.path, epoch=checkpoint.epoch)
            self._uploads.end(upload, "lost", "gone")
            return None
        self.meter.begin(checkpoint.size)

        def read() -> Reader:
            reader = self._filesystem.open(checkpoint.path)
            return CountedReader(reader, self.meter, self._check_time)

        model_id = self._route.model_id
        result = self._route.send(lambda hub: hub.upload(model_id, checkpoint, read), within=self._within)
        if result.verdict is Verdict.DELIVERED:
            self._route.tally.final_delivered |= checkpoint.kind is Kind.FINAL
            self._uploads.end(upload, "delivered", "delivered")
        elif result.verdict is Verdict.REFUSED:
            reason = f"status {result.status}: {result.message}"
            self._route.log.warning("checkpoint.refused", epoch=checkpoint.epoch, reason=reason)
            self._uploads.end(upload, "refused", reason)
        return result

    def _check_time(self) -> None:
        # The session may have been told to end while this upload was under way.
        if self._route.clock.now() >= self._route.deadline():
            raise TimeoutError("the session ends")
