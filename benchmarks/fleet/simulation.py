"""Many sessions and one HUB, in virtual time.

The one rule: each session is hubport's own code from the trainer's call to the request. Only its threads are not
started: this file steps each worker by hand when its lane is due, as its thread would.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Mapping
from typing import Any

import attrs

from benchmarks.fleet.world import CountingHub, MemoryOutbox, VirtualClock, Weather
from hubport.app.delivery import spools
from hubport.app.delivery.counters import DeliveryCounters
from hubport.app.delivery.delivery import Delivery
from hubport.app.delivery.recorder import Recorder
from hubport.app.delivery.workers import Worker
from hubport.app.log import logger
from hubport.app.settings import Settings
from hubport.domain.checkpoint import CheckpointKind
from hubport.domain.client.credentials import Credentials
from hubport.domain.client.protocol import HubProtocol
from hubport.testing import FakeFilesystem

EPOCH = 60.0
CHECKPOINT_EVERY = 5
"""Epochs from one checkpoint to the next."""
EPOCH_VARIES = 0.01
"""Each epoch takes so much more or less than :data:`EPOCH`, as a part of it, drawn anew."""


@attrs.define(eq=False)
class Member:
    """One session of the fleet."""

    recorder: Recorder
    workers: tuple[Worker, ...]
    draw: random.Random
    epoch: int = 0
    planned: float | None = None
    """When it is looked at next; an older plan for it is void."""

    def train(self) -> None:
        """The end of an epoch: metrics, and now and then a checkpoint."""
        self.recorder.log_metrics(self.epoch, {"train/loss": 1 / (self.epoch + 1)})
        if self.epoch % CHECKPOINT_EVERY == 0:
            self.recorder.keep("last.pt", self.epoch, CheckpointKind.EPOCH)
        self.epoch += 1

    def step(self, now: float) -> None:
        """What the threads would do now."""
        for worker in self.workers:
            due = worker.pacer.due
            if due is not None and due <= now:
                worker.step()

    @property
    def due(self) -> float | None:
        """When one of the threads would wake up."""
        return min((due for worker in self.workers if (due := worker.pacer.due) is not None), default=None)

    def epoch_takes(self) -> float:
        """Seconds of the next epoch."""
        return EPOCH * self.draw.uniform(1 - EPOCH_VARIES, 1 + EPOCH_VARIES)


class Simulation:
    """*numbers* are the sessions of the fleet that are simulated here; each is the same wherever it is simulated."""

    def __init__(self, numbers: range, weather: Weather, settings: Mapping[str, Any]) -> None:
        self.clock = VirtualClock()
        self.hub = CountingHub(self.clock, weather)
        self._settings = Settings(api_root="http://127.0.0.1:9", web_root="http://127.0.0.1:9", **settings)
        self._filesystem = FakeFilesystem({"last.pt": b"weights"})
        self._protocol = HubProtocol(Credentials("b0" * 21))
        self._log = logger()
        self._serial = itertools.count()
        self._heap: list[tuple[float, int, str, Any]] = []
        self.members: list[Member] = []
        for number in numbers:
            draw = random.Random(number)
            self._push(draw.random(), "start", (number, draw))

    def run(self, seconds: float) -> None:
        """Go on until *seconds* after the start."""
        while self._heap and self._heap[0][0] < seconds:
            now, _, what, subject = heapq.heappop(self._heap)
            if what == "look" and subject.planned != now:
                continue
            self.clock.time = now
            member = self._start(*subject) if what == "start" else subject
            if what == "epoch":
                member.train()
            if what != "look":
                self._push(now + member.epoch_takes(), "epoch", member)
            member.step(now)
            due = member.due
            member.planned = None if due is None else max(due, now)
            if member.planned is not None:
                self._push(member.planned, "look", member)

    def _start(self, number: int, draw: random.Random) -> Member:
        """What ``Connector.start`` does, without threads; the heartbeat goes at once."""
        model_id, counters = f"{number:020d}", DeliveryCounters()
        reader = spools.open_spool(model_id, self._settings, MemoryOutbox(draw))
        delivery = Delivery(
            model_id,
            self._protocol,
            self._settings,
            http=self.hub,
            clock=self.clock,
            filesystem=self._filesystem,
            readers=[reader],
            counters=counters,
            log=self._log,
        )
        limit = self._settings.outbox_limit
        recorder = Recorder(reader.spool, delivery, self._filesystem, limit=limit, strict=False, log=self._log)
        delivery.heartbeats.pacer.offer()
        member = Member(recorder, (delivery.heartbeats, delivery.metrics, delivery.checkpoints), draw)
        self.members.append(member)
        return member

    def _push(self, at: float, what: str, subject: Any) -> None:
        heapq.heappush(self._heap, (at, next(self._serial), what, subject))
