"""What surrounds a fleet: one virtual clock, one HUB, one outbox, all of them as light as they can be.

The one rule: nothing decides *when* something is sent but hubport's own code. The clock only says what time it is, and
the HUB only counts and answers.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable

import attrs

from hubport.domain.errors import HubUnreachable
from hubport.domain.ports.clock import Alarm, Clock
from hubport.domain.ports.http import Http, Request, Response
from hubport.domain.ports.outbox import Outbox, Spool, SpoolInfo

BINS_A_SECOND = 10


class _NoAlarm(Alarm):
    """Nobody waits: the simulation looks at each lane itself, after everything that happens to its session."""

    def wait(self, until: float | None) -> None:
        raise AssertionError("a thread was started")

    def ring(self) -> None:
        pass

    def retire(self) -> None:
        pass


@attrs.define
class VirtualClock(Clock):
    """Shows the *time* that the simulation sets."""

    time: float = 0.0

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return 1_700_000_000.0 + self.time

    def alarm(self) -> Alarm:
        return _NoAlarm()


@attrs.frozen
class Weather:
    """When the HUB is down, and when it answers 429, in seconds from the start; both from and to."""

    outage: tuple[float, float]
    limited: tuple[float, float]
    retry_after: int = 30


@attrs.define
class CountingHub(Http):
    """Counts what arrives by kind in bins of a tenth of a second, answers at once, and keeps nothing."""

    clock: VirtualClock
    weather: Weather
    bins: dict[str, Counter[int]] = attrs.field(factory=dict)
    epochs: int = 0
    """How many epochs it has taken."""

    def send(self, request: Request, *, timeout: float) -> Response:
        now = self.clock.time
        kind = _kind(request)
        self.bins.setdefault(kind, Counter())[int(now * BINS_A_SECOND)] += 1
        if self.weather.outage[0] <= now < self.weather.outage[1]:
            raise HubUnreachable("http://127.0.0.1", "refused")
        if self.weather.limited[0] <= now < self.weather.limited[1]:
            return _slow_down(self.weather.retry_after)
        if kind == "metrics":
            self.epochs += len(request.json["metrics"])
        if request.file is not None:
            with contextlib.closing(request.file.open()) as reader:
                reader.read(request.file.size)
        return _YES

    def close(self) -> None:
        pass


def _kind(request: Request) -> str:
    if request.file is not None:
        return "upload"
    return "heartbeat" if request.path.startswith("/v1/agent/") else "metrics"


def _answer(status: int, **headers: str) -> Response:
    body = json.dumps({"success": status == 200, "message": "", "data": {"agentId": "agent"}}).encode()
    return Response(status, {"content-type": "application/json"} | headers, body)


_YES = _answer(200)


def _slow_down(seconds: int) -> Response:
    return _answer(429, **{"retry-after": str(seconds)})


@attrs.define
class MemorySpool(Spool):
    """A journal in memory, for one thread and for ever."""

    spool_name: str
    journal: bytearray = attrs.field(factory=bytearray)

    @property
    def name(self) -> str:
        return self.spool_name

    @property
    def folder(self) -> str:
        return self.spool_name

    @property
    def size(self) -> int:
        return len(self.journal)

    def append(self, line: bytes) -> None:
        self.journal += line

    def read(self, start: int, limit: int) -> bytes:
        return bytes(self.journal[start : start + limit])

    def compact(self, make: Callable[[], bytes]) -> None:
        self.journal = bytearray(make())

    def seal(self) -> None:
        pass

    def release(self, *, keep: bool) -> None:
        pass


@attrs.define
class MemoryOutbox(Outbox):
    """Names its spools as the one on disk does, by age and a random part, from which each run draws its waits."""

    draw: random.Random
    _numbers: itertools.count[int] = attrs.field(factory=itertools.count)

    def open(self, model_id: str) -> MemorySpool:
        return MemorySpool(f"{model_id}.{next(self._numbers):016x}-{self.draw.getrandbits(32):08x}")

    def claim_orphans(
        self, model_id: str, *, by_force: bool = False, wanted: Callable[[SpoolInfo], bool] | None = None
    ) -> list[Spool]:
        return []

    def list_spools(self) -> list[SpoolInfo]:
        return []
