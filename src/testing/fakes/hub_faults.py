"""What can go wrong between a client and a HUB, on demand.

The one rule: a fault lasts for *seconds* of the clock (real time without one), for a number of *calls*, or until
:meth:`HubFaults.heal`, and meets one kind of request (*on*) or every kind.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import attrs

from ...domain.errors import HubUnreachable
from ...domain.hub.api.messages import envelope
from ...domain.ports.clock import Clock
from ...domain.ports.http import Request, Response

_KINDS = (("/upload", "upload"), ("/metrics", "read"), ("/auth", "auth"))


def kind_of(request: Request) -> str:
    """``auth``, ``model``, ``metrics``, ``upload``, ``heartbeat``, ``create``, ``read`` or ``file``."""
    path = request.path.partition("?")[0]
    if path.startswith("/files/"):
        return "file"
    if path.startswith("/v1/agent/heartbeat/"):
        return "heartbeat"
    if path == "/v1/models":
        return "create"
    for end, kind in _KINDS:
        if path.endswith(end):
            return kind
    return "model" if request.method == "GET" else "metrics"


@attrs.define
class Fault:
    """Something that goes wrong: ``play`` gets the client's time-out and answers, raises, or lets the HUB answer."""

    play: Callable[[float], Response | None]
    until: float | None
    calls: int | None
    on: str | None
    when: Callable[[Request], bool] | None = None
    is_after: bool = False
    """Whether it comes after the HUB has done what was asked."""

    def meets(self, request: Request, now: float) -> bool:
        """Whether it is *request* that it happens to, which counts as one of its calls."""
        if self.is_over(now) or (self.on is not None and self.on != kind_of(request)):
            return False
        if self.when is not None and not self.when(request):
            return False
        if self.calls is not None:
            self.calls -= 1
        return True

    def is_over(self, now: float) -> bool:
        """Whether it meets nobody any more."""
        return (self.until is not None and now >= self.until) or (self.calls is not None and self.calls <= 0)


class HubFaults:
    """The part of a fake HUB that fails when it is told to; the first fault that meets a request is played."""

    def __init__(self, clock: Clock | None, root: str) -> None:
        self.root = root
        self._clock = clock
        self._faults: list[Fault] = []
        self._guard = threading.Lock()

    def down(self, *, seconds: float | None = None, calls: int | None = None, on: str | None = None) -> None:
        """Give no answer."""

        def play(_: float) -> Response | None:
            raise HubUnreachable(self.root, "the fake HUB is down")

        self._add(Fault(play, self._until(seconds), calls, on))

    def slow(self, by: float, *, seconds: float | None = None, calls: int | None = None, on: str | None = None) -> None:
        """Answer *by* seconds later; to a client with less patience, not at all."""

        def play(timeout: float) -> Response | None:
            self._wait(min(by, timeout))
            if by > timeout:
                raise HubUnreachable(self.root, f"no answer within {timeout:g} s")
            return None

        self._add(Fault(play, self._until(seconds), calls, on))

    def refuse(
        self,
        status: int,
        message: str = "refused by the test",
        *,
        when: Callable[[Request], bool] | None = None,
        seconds: float | None = None,
        calls: int | None = None,
        on: str | None = None,
    ) -> None:
        """Answer with *status* and do nothing, where *when* is given for the requests that it holds of."""
        self._add(Fault(lambda _: envelope(status, message), self._until(seconds), calls, on, when))

    def rate_limit(
        self,
        retry_after: float,
        *,
        stripped: bool = False,
        seconds: float | None = None,
        calls: int | None = None,
        on: str | None = None,
    ) -> None:
        """Answer 429 with its four headers; *stripped*, as a proxy would leave them, without."""

        def play(_: float) -> Response:
            headers = {
                "x-ratelimit-limit": "100",
                "x-ratelimit-remaining": "0",
                "retry-after": str(int(retry_after)),
                "x-ratelimit-reset": str(int(self.wall() + retry_after)),
            }
            return envelope(429, "too many requests", headers=None if stripped else headers)

        self._add(Fault(play, self._until(seconds), calls, on))

    def garble(
        self,
        body: bytes = b"<html>Welcome to the hotel's network</html>",
        *,
        status: int = 200,
        seconds: float | None = None,
        calls: int | None = None,
        on: str | None = None,
    ) -> None:
        """Answer what no HUB would."""
        answer = Response(status, {"content-type": "text/html"}, body)
        self._add(Fault(lambda _: answer, self._until(seconds), calls, on))

    def lose_answers(self, *, seconds: float | None = None, calls: int | None = None, on: str | None = None) -> None:
        """Do what is asked, and then give no answer."""

        def play(_: float) -> Response | None:
            raise HubUnreachable(self.root, "the fake HUB lost its answer")

        self._add(Fault(play, self._until(seconds), calls, on, is_after=True))

    def heal(self) -> None:
        """End every fault."""
        with self._guard:
            self._faults.clear()

    def met(self, request: Request, now: float) -> Fault | None:
        """The fault that happens to *request*."""
        with self._guard:
            self._faults = [fault for fault in self._faults if not fault.is_over(now)]
            return next((fault for fault in self._faults if fault.meets(request, now)), None)

    def now(self) -> float:
        """The clock's time, or the real one."""
        return time.monotonic() if self._clock is None else self._clock.now()

    def wall(self) -> float:
        """The clock's date, or the real one."""
        return time.time() if self._clock is None else self._clock.wall()

    def _add(self, fault: Fault) -> None:
        with self._guard:
            self._faults.append(fault)

    def _until(self, seconds: float | None) -> float | None:
        return None if seconds is None else self.now() + seconds

    def _wait(self, seconds: float) -> None:
        if self._clock is None:
            threading.Event().wait(seconds)
            return
        alarm = self._clock.alarm()
        try:
            until = self._clock.now() + seconds
            while self._clock.now() < until:
                alarm.wait(until)
        finally:
            alarm.retire()
