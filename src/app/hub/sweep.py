"""What a crash has left among a HUB's files, taken away behind the requests' backs.

The one rule: only what is surely nobody's goes. A file whose model or dataset this store has never heard of may belong
to a HUB over another store, and stays.
"""

from __future__ import annotations

import threading

from ...domain.errors import HubportError
from ...domain.hub.api.handlers.attachments import holders
from ...domain.hub.ports.blobs import Blobs
from ...domain.hub.ports.store import HubStore
from ..log import logger

#: Seconds. An upload lasts minutes; what nobody has touched for a day nobody will.
OLD = 86_400.0
_END_WITHIN = 5.0


class _StoppedError(Exception):
    """The HUB is being stopped."""


class BlobSweeper:
    """One sweep of *blobs* by what *store* knows, in a thread of its own."""

    def __init__(self, store: HubStore, blobs: Blobs) -> None:
        self._store = store
        self._blobs = blobs
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hubport-sweep", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Give up what is not done yet: the next start does it."""
        self._stopping.set()
        self._thread.join(_END_WITHIN)

    def is_wanted(self, blob: str) -> bool:
        """Whether a model or a dataset holds *blob*, in the trash too, or nobody knows whose it is."""
        if self._stopping.is_set():
            raise _StoppedError
        found = holders(self._store, blob.partition("/")[2])
        return not found or any(blob == file.blob for item in found for file in item.files)

    def _run(self) -> None:
        try:
            swept = self._blobs.sweep(self.is_wanted, older_than=OLD)
        except _StoppedError:
            return
        except (HubportError, OSError) as exc:
            logger().warning("blobs.not_swept", cause=str(exc))
            return
        if swept:
            logger().info("blobs.swept", files=swept)
