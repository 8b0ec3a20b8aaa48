"""Sends checkpoints."""

from __future__ import annotations

from ....domain.checkpoint import CheckpointKind
from ....domain.client.outcome import Outcome, Verdict
from ....domain.ports.filesystem import Filesystem
from ....domain.ports.http import Reader
from ..upload_progress import CountedReader, Meter
from ..upload_queue import Upload, UploadQueue
from .hub_endpoint import HubEndpoint


class CheckpointSender:
    """Sends the checkpoints of *uploads*, one a run."""

    def __init__(self, endpoint: HubEndpoint, filesystem: Filesystem, uploads: UploadQueue, *, timeout: float) -> None:
        self._endpoint = endpoint
        self._filesystem = filesystem
        self._uploads = uploads
        self._timeout = timeout
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
            self._endpoint.log.warning("checkpoint.gone", path=checkpoint.path, epoch=checkpoint.epoch)
            self._uploads.end(upload, "lost", "gone")
            return None
        self.meter.begin(checkpoint.size)

        def read() -> Reader:
            reader = self._filesystem.open(checkpoint.path)
            return CountedReader(reader, self.meter, self._check_time)

        model_id = self._endpoint.model_id
        result = self._endpoint.send(lambda hub: hub.upload(model_id, checkpoint, read), timeout=self._timeout)
        if result.verdict is Verdict.DELIVERED:
            self._endpoint.counters.final_delivered |= checkpoint.kind is CheckpointKind.FINAL
            self._uploads.end(upload, "delivered", "delivered")
        elif result.verdict is Verdict.REJECTED:
            reason = f"status {result.status}: {result.message}"
            self._endpoint.log.warning("checkpoint.refused", epoch=checkpoint.epoch, reason=reason)
            self._uploads.end(upload, "refused", reason)
        return result

    def _check_time(self) -> None:
        # The session may have been told to end while this upload was under way.
        if self._endpoint.clock.now() >= self._endpoint.deadline():
            raise TimeoutError("the session ends")
