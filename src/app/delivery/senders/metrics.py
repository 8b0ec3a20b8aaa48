"""Sends metrics."""

from __future__ import annotations

from ....domain.client.batch import Batch
from ....domain.client.journal import rejected_line, sent_line
from ....domain.client.outcome import Outcome, Verdict
from ...outbox.backlog_reader import BacklogReader
from .hub_endpoint import HubEndpoint

#: Epochs in one metrics call at the most.
_MOST_EPOCHS = 500


class MetricsSender:
    """Sends what the journals hold, oldest run first, in whole epochs: with what was delivered by any run before."""

    def __init__(self, endpoint: HubEndpoint, readers: list[BacklogReader], *, timeout: float) -> None:
        self._endpoint = endpoint
        self._readers = readers
        self._timeout = timeout
        self._most = _MOST_EPOCHS
        self._oldest = 0
        self.has_more = False

    def run(self) -> Outcome | None:
        """One metrics call, if anything waits."""
        self._tidy()
        found = self._next_batch()
        self.has_more = found is not None
        if found is None:
            return None
        reader, batch = found
        model_id, epochs = self._endpoint.model_id, batch.epochs
        result = self._endpoint.send(lambda hub: hub.post_metrics(model_id, epochs), timeout=self._timeout)
        if result.verdict in {Verdict.RETRY, Verdict.UNAUTHORIZED}:
            return result
        if result.is_divisible and len(batch.epochs) > 1:
            # One of them may be the culprit, or all together are too large: the halves go apart.
            self._most = len(batch.epochs) // 2
            return result
        is_delivered = result.verdict is Verdict.DELIVERED
        if not is_delivered:
            reason = f"status {result.status}: {result.message}"
            for epoch in batch.epochs:
                self._endpoint.note(reader.spool, rejected_line(epoch, reason))
            self._endpoint.log.warning("metrics.refused", epochs=sorted(batch.epochs), reason=reason)
        self._endpoint.note(reader.spool, sent_line(batch.end))
        reader.settle(batch, delivered=is_delivered)
        self._endpoint.counters.add("metrics", "delivered" if is_delivered else "refused", batch.records)
        if is_delivered:
            self._most = min(self._most * 2, _MOST_EPOCHS)
        self.has_more = batch.is_cut or reader is not self._readers[-1]
        return result

    def _next_batch(self) -> tuple[BacklogReader, Batch] | None:
        while self._oldest < len(self._readers):
            reader, older = self._readers[self._oldest], self._readers[: self._oldest]
            batch = reader.batch(most=self._most, older=older)
            while batch.is_cut and not batch.records:
                batch = reader.batch(most=self._most, older=older)
            if batch.records:
                return reader, batch
            if reader is self._readers[-1]:
                break
            # Its run is dead and adds nothing. Looked at again for each call, many such runs would take minutes.
            self._oldest += 1
        return None

    def _tidy(self) -> None:
        for reader in self._readers:
            if reader.needs_compaction:
                try:
                    reader.compact()
                except OSError as exc:  # no room for a second journal: the first one does
                    self._endpoint.counters.count_failure(f"journal not rewritten: {exc.strerror}")
