"""When each key was used last, written down behind the requests' backs.

The one rule: no request waits for it, and a key costs at most one write a minute.
"""

from __future__ import annotations

import queue
import threading
from functools import partial

import attrs

from ...domain.errors import HubportError
from ...domain.hub.api_key import ApiKey
from ...domain.hub.ports.store import Repository
from ...domain.ports.clock import Clock
from ..log import logger

EVERY = 60.0
_END_WITHIN = 5.0


class KeyUsageRecorder:
    """Notes uses of the keys in *repository* by a thread of its own, which the first use starts."""

    def __init__(self, repository: Repository[ApiKey], clock: Clock) -> None:
        self._repository = repository
        self._clock = clock
        self._lock = threading.Lock()
        self._noted: dict[str, float] = {}
        self._queue: queue.SimpleQueue[tuple[str, float] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def note(self, key: ApiKey) -> None:
        """*key* is being used now."""
        now = self._clock.now()
        if now < self._noted.get(key.id, 0.0):
            return
        wall = self._clock.wall()
        with self._lock:
            if now < self._noted.get(key.id, 0.0):  # another thread was first
                return
            self._noted[key.id] = now + EVERY
            # Another server over the same store may have written it a moment ago. (What lies in the future is wrong.)
            if key.last_used is not None and 0 <= wall - key.last_used < EVERY:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_all, name="hubport-key-uses", daemon=True)
                self._thread.start()
        self._queue.put((key.id, wall))

    def close(self) -> None:
        """Write what is still to be written; for five seconds at most, since it is only for people to look at."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join(_END_WITHIN)

    def _write_all(self) -> None:
        while (use := self._queue.get()) is not None:
            which, at = use
            try:
                self._repository.update(which, partial(_used, at=at))
            except KeyError:
                pass  # deleted meanwhile
            except (HubportError, OSError) as exc:
                logger().warning("keys.use_not_written", key=which, cause=str(exc))


def _used(key: ApiKey, *, at: float) -> ApiKey:
    return attrs.evolve(key, last_used=at)
