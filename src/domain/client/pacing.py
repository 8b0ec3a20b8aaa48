"""When the next message of one kind may go, as pure state over ``now``.

The one rule: everything that decides *when* a running session sends lives in this file; *what* is sent does not. The
requests of ``connect`` itself are paced by ``handshake.py``.

A :class:`Pacer` paces one kind of message. Pacers never wait for each other. They share one :class:`Upstream`, which
knows of an outage or a rate limit as soon as one of them has met it.
"""

from __future__ import annotations

import math

import attrs

from .backoff import Backoff
from .outcome import Outcome, Verdict

#: No two calls of a kind come closer than this, retries included: the protocol's pace for metrics, in seconds.
LEAST_GAP = 3.0
#: What the HUB asks us to wait is longer by up to so many seconds, as sessions have it.
HOLD_JITTER = 10.0


@attrs.define
class Upstream:
    """The way to the HUB, as all pacers see it."""

    backoff: Backoff = attrs.field(factory=Backoff)
    failures: int = 0
    retry_at: float = -math.inf
    """Our own backoff: a last try before the end may ignore it."""
    held_until: float = -math.inf
    """What the HUB asked for: nothing may ignore it."""
    is_unauthorized: bool = False
    hold_jitter: float = 0.0
    """What the HUB asks for is longer by up to so many seconds, drawn for each run."""

    def learn(self, outcome: Outcome, *, started: float, now: float) -> bool:
        """Take note of *outcome*, of a request that began at *started*; whether pacers may send at another time now."""
        before = self.not_before
        if outcome.verdict is Verdict.UNAUTHORIZED:
            self.is_unauthorized = True
        if outcome.hold is not None:
            # The HUB says the same to all who are too many: without a draw they would come back as one.
            jitter = self.hold_jitter * self.backoff.draw(f"hold {now}")
            self.held_until = max(self.held_until, now + outcome.hold + jitter)
        if not outcome.is_silence:
            self.failures, self.retry_at = 0, -math.inf
        elif started >= self.retry_at:
            # Requests that were under way when another pacer met the outage say nothing new.
            self.failures += 1
            self.retry_at = now + self.backoff.delay(self.failures)
        return self.not_before != before

    def begin_drain(self) -> None:
        """Forget our own backoff, not what the HUB asked for."""
        self.failures, self.retry_at = 0, -math.inf

    @property
    def not_before(self) -> float:
        """The earliest instant at which any pacer may send."""
        return math.inf if self.is_unauthorized else max(self.retry_at, self.held_until)


@attrs.define
class Pacer:
    """At most one message under way, *interval* seconds from start to start. What comes meanwhile goes together."""

    interval: float
    upstream: Upstream
    backoff: Backoff = attrs.field(factory=Backoff)
    waiting: bool = False
    """Whether something was offered that no request has taken yet."""
    failures: int = 0
    jitter: float = 0.0
    """The first gap, and the one after failures, is longer by up to this part of ``interval``, drawn for each run."""
    _drains: int = 0
    """How many wait for the end: while somebody does, pacing is suspended."""
    started: float = -math.inf
    _not_before: float = -math.inf
    _draws: int = 0
    _is_last: bool = False

    def offer(self) -> None:
        """There is something to send."""
        self.waiting = True

    @property
    def due(self) -> float | None:
        """When to send; ``None`` when there is nothing to send, or nothing may be sent with this key."""
        if not self.waiting or self.upstream.is_unauthorized:
            return None
        return max(self._not_before, self.upstream.not_before)

    def begin(self, now: float) -> bool:
        """Whether to send at *now*; if so the sender takes all that was offered before this call."""
        due = self.due
        if due is None or now < due:
            return False
        self.waiting = False
        self.started = now
        return True

    def settle(self, outcome: Outcome, *, now: float, more: bool) -> bool:
        """Take note of what became of the request; *more* when there is something left to send.

        Returns whether it changes when the other pacers may send.
        """
        concerns_others = self.upstream.learn(outcome, started=self.started, now=now)
        self.waiting = self.waiting or more
        if outcome.verdict is Verdict.RETRY:
            self.failures += 1
            gap = self.backoff.delay(self.failures)
            # The upstream paces an outage: its backoff is shared, and it is shorter for a pacer that met it late.
            self._not_before = self.started + self.backoff.floor if outcome.is_silence else now + gap
        else:
            gap = self._jittered_interval() if self.failures or not self._draws else self.interval
            self.failures = 0
            self._not_before = -math.inf if self._drains or self._is_last else self.started + gap
        return concerns_others

    def _jittered_interval(self) -> float:
        """A gap of this run's own: what began together, or was held up together, does not go on together."""
        self._draws += 1
        return self.interval * (1.0 + self.jitter * self.backoff.draw(f"gap {self._draws}"))

    def begin_drain(self) -> None:
        """Suspend the pace and our own backoff: somebody waits for the end."""
        self._drains += 1
        self.failures = 0
        self._not_before = -math.inf
        self.upstream.begin_drain()

    def offer_last(self) -> None:
        """Offer the last message: without the pace, also where another one is under way; after failures with it."""
        self.waiting = self._is_last = True
        self.failures = 0
        self._not_before = -math.inf

    def resume_at_once(self) -> None:
        """Offer the next message as if it were the first: not before the least gap, but without the pace."""
        self.waiting, self._is_last = True, False
        self._not_before = min(self._not_before, self.started + self.backoff.floor)

    def end_drain(self) -> None:
        """One of those who hurried does not wait any more; with the last of them the pace is back."""
        self._drains = max(self._drains - 1, 0)
        if not self._drains and not self.failures:
            self._not_before = self.started + self.interval
