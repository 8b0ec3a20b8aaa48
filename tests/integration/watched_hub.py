"""A HUB that a test can wait for, and that can keep its clients waiting.

The one rule: a test never asks again and again. Whoever waits is woken by each request that begins or ends.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from hubport import HubUnreachable
from hubport.domain.ports.http import Request, Response
from hubport.testing import FakeHub

#: Real seconds after which something that should have happened counts as hung. No test is faster or slower by it.
GUARD = 60.0


class WatchedHub(FakeHub):
    """A :class:`FakeHub` whose requests ring. ``held`` counts by kind the requests that wait for :meth:`release`."""

    def __init__(self) -> None:
        super().__init__(seed=1)
        self.held: Counter[str] = Counter()
        self._rung = threading.Condition()
        self._holds: Callable[[str], bool] = _nothing
        self._drops = False

    def send(self, request: Request, *, timeout: float) -> Response:
        """Receive *request*, once the test lets it in."""
        kind = _kind(request)
        with self._rung:
            if self._holds(kind):
                self.held[kind] += 1
                self._rung.notify_all()
                self._rung.wait_for(lambda: self._drops or not self._holds(kind))
                self.held[kind] -= 1
                self._rung.notify_all()
                if self._drops:
                    raise HubUnreachable(self.root, "dropped by the test")
        try:
            return super().send(request, timeout=timeout)
        finally:
            with self._rung:
                self._rung.notify_all()

    def hold(self, *kinds: str) -> None:
        """From now take requests and give no answer: of *kinds*, or of every kind."""
        with self._rung:
            self._holds = (lambda kind: kind in kinds) if kinds else _everything

    def release(self) -> None:
        """Answer those who wait, and whoever comes."""
        with self._rung:
            self._holds = _nothing
            self._rung.notify_all()

    def drop(self) -> None:
        """Forget those who wait, as a HUB does that is killed, and answer whoever comes."""
        with self._rung:
            self._drops, self._holds = True, _everything
            self._rung.notify_all()
            assert self._rung.wait_for(lambda: not self.held.total(), GUARD), "a held request does not go away"
            self._drops, self._holds = False, _nothing

    def wait_until(self, condition: Callable[[], Any]) -> None:
        """Return when *condition* holds; it is looked at after each request that began to wait, or was answered."""
        with self._rung:
            assert self._rung.wait_for(condition, GUARD), "what the test waits for did not arrive"


def _nothing(_: str) -> bool:
    return False


def _everything(_: str) -> bool:
    return True


def _kind(request: Request) -> str:
    if request.method != "POST":
        return "read"
    return next((kind for kind in ("auth", "upload", "heartbeat") if kind in request.path), "metrics")
