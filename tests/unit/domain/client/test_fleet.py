"""Many clients at once: what they met together they do not meet again together."""

import random
from collections import Counter

import attrs
import pytest

from hubport.domain.client.backoff import Backoff
from hubport.domain.client.outcome import Outcome, Verdict
from hubport.domain.client.pacing import HOLD_JITTER, LEAST_GAP, Pacer, Upstream

DELIVERED = Outcome(Verdict.DELIVERED, 200)
SILENCE = Outcome.unreachable("connection refused")
BUSY = Outcome(Verdict.RETRY, 503, "later")
TOLD = Outcome(Verdict.RETRY, 429, "too many")

MODEL = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"


def names(count: int, *, apart: int) -> list[str]:
    """Spools as sessions name them, begun *apart* nanoseconds from each other."""
    rng = random.Random(1)
    return [
        f"/state/outbox/https_hub/{MODEL}.{0x18EA59D419482612 + n * apart:016x}-{rng.getrandbits(32):08x}"
        for n in range(count)
    ]


def pacer(name: str, kind: str, every: float, *, jitter: float = 0.0) -> Pacer:
    link = Upstream(Backoff(seed=f"{name}:link", floor=LEAST_GAP), hold_jitter=HOLD_JITTER)
    return Pacer(every, link, Backoff(seed=f"{name}:{kind}", floor=min(every, LEAST_GAP)), jitter=jitter)


def first_after(pacer: Pacer, outcome: Outcome, until: float) -> float:
    """When *lane*, which meets *outcome* from 0 on, sends for the first time after *until*."""
    now = 0.0
    while True:
        pacer.offer()
        assert pacer.due is not None
        now = max(now, pacer.due)
        assert pacer.begin(now)
        if now >= until:
            return now
        pacer.settle(outcome, now=now, more=True)


def fullest(instants: list[float], *, width: float) -> int:
    """How many lie in the fullest stretch of *width* seconds, wherever it begins."""
    ordered = sorted(instants)
    return max(sum(first <= other < first + width for other in ordered[n:]) for n, first in enumerate(ordered))


@pytest.mark.parametrize("outage", [60, 300, 3600])
@pytest.mark.parametrize("outcome", [SILENCE, BUSY], ids=["silence", "503"])
@pytest.mark.parametrize("apart", [0, 1000, 10**6])
def test_a_hundred_clients_that_met_an_outage_are_spread(outcome: Outcome, outage: float, apart: int) -> None:
    """Less than 5 % of them come back in one 100 ms."""
    back = [first_after(pacer(name, "metrics", 3.0), outcome, outage) for name in names(100, apart=apart)]
    bins = Counter(int(instant * 10) for instant in back)

    assert max(bins.values()) < 5


@pytest.mark.parametrize("seconds", [5, 30, 600])
def test_a_hundred_clients_that_were_told_when_to_come_back_are_spread(seconds: float) -> None:
    """Never before, and not all of them in the moment that was named."""
    told = attrs.evolve(TOLD, hold=seconds)
    back = [first_after(pacer(name, "metrics", 3.0), told, seconds) for name in names(100, apart=0)]

    assert min(back) >= seconds
    assert max(back) <= seconds + HOLD_JITTER
    assert max(Counter(int(instant * 10) for instant in back).values()) < 5
    assert fullest(back, width=1.0) < 25


# Heartbeats that do not beat as one


def beats(pacer: Pacer, count: int) -> list[float]:
    """When a lane beats that nothing holds up."""
    found: list[float] = []
    pacer.offer()
    for _ in range(count):
        assert pacer.due is not None
        found.append(max(pacer.due, 0.0))
        assert pacer.begin(found[-1])
        pacer.settle(DELIVERED, now=found[-1] + 0.01, more=True)
    return found


@pytest.mark.parametrize("apart", [0, 1, 10**9])
def test_a_thousand_runs_that_began_together_are_spread_evenly(apart: int) -> None:
    """Over the half of an interval behind the first; and so they stay."""
    runs = [beats(pacer(name, "heartbeat", 300.0, jitter=0.5), 6) for name in names(1000, apart=apart)]
    assert {0.0} == {run[0] for run in runs}
    for beat in range(1, 6):
        tenths = Counter(int((run[beat] - 300.0 * beat) // 15) for run in runs)
        assert set(tenths) <= set(range(10))
        assert 65 <= min(tenths.values()) <= max(tenths.values()) <= 135, tenths  # 100 each, 3.7 standard deviations
        assert fullest([run[beat] for run in runs], width=1.0) < 25


def test_a_thousand_runs_that_an_outage_held_up_together_are_spread_anew() -> None:
    """What they had in common was the end of the outage."""
    seconds: list[float] = []
    for name in names(1000, apart=0):
        run = pacer(name, "heartbeat", 300.0, jitter=0.5)
        back = first_after(run, SILENCE, 600)
        run.settle(DELIVERED, now=back, more=True)
        assert run.due is not None
        seconds.append(run.due - back)
    tenths = Counter(int((gap - 300) // 15) for gap in seconds)

    assert 65 <= min(tenths.values()) <= max(tenths.values()) <= 135, tenths
