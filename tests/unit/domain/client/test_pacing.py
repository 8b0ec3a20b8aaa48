import math
import random
from collections.abc import Callable

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubport.domain.client.backoff import Backoff
from hubport.domain.client.outcome import Outcome, Verdict
from hubport.domain.client.pacing import LEAST_GAP, Pacer, Upstream

DELIVERED = Outcome(Verdict.DELIVERED, 200)
REJECTED = Outcome(Verdict.REJECTED, 422, "no")
RETRY = Outcome(Verdict.RETRY, 503, "later")
HELD = Outcome(Verdict.RETRY, 429, "too many", hold=100.0)
SILENCE = Outcome.unreachable("connection refused")
UNAUTHORIZED = Outcome(Verdict.UNAUTHORIZED, 401, "who are you?")

# Longer than the rounding of any sum here, and far shorter than any interval.
TINY = 1e-6


def a_pacer(
    upstream: Upstream | None = None, *, interval: float = 10.0, floor: float = LEAST_GAP, seed: str = "run"
) -> Pacer:
    return Pacer(interval, upstream or Upstream(), Backoff(seed=seed, floor=floor))


def sent(pacer: Pacer, at: float, outcome: Outcome = DELIVERED, *, took: float = 0.0, more: bool = False) -> bool:
    """One message at the instant *at*, settled *took* seconds later."""
    pacer.offer()
    assert pacer.begin(at)
    return pacer.settle(outcome, now=at + took, more=more)


# What one lane does


def test_nothing_offered_is_nothing_sent() -> None:
    pacer = a_pacer()

    assert pacer.due is None
    assert not pacer.begin(1e9)


def test_the_first_message_goes_at_once() -> None:
    pacer = a_pacer()
    pacer.offer()

    assert -math.inf == pacer.due
    assert pacer.begin(-1e9)


def test_one_message_takes_all_that_was_offered_before() -> None:
    pacer = a_pacer()
    for _ in range(5):
        pacer.offer()

    assert pacer.begin(0)
    assert pacer.due is None
    assert not pacer.begin(1e9)


def test_what_is_offered_while_a_message_is_under_way_waits_for_the_next() -> None:
    pacer = a_pacer(interval=10)
    pacer.offer()
    pacer.begin(0)
    pacer.offer()
    pacer.settle(DELIVERED, now=1, more=False)

    assert 10 == pacer.due


def test_what_is_left_over_waits_without_being_offered() -> None:
    pacer = a_pacer(interval=10)
    sent(pacer, 0, more=True)

    assert 10 == pacer.due


@pytest.mark.parametrize("outcome", [DELIVERED, REJECTED])
@pytest.mark.parametrize("took", [0, 4, 9.5])
def test_the_pace_counts_from_start_to_start(outcome: Outcome, took: float) -> None:
    pacer = a_pacer(interval=10)
    sent(pacer, 100, outcome, took=took)
    pacer.offer()

    assert not pacer.begin(110 - TINY)
    assert pacer.begin(110)


def test_a_message_that_took_longer_than_the_pace_is_followed_at_once() -> None:
    pacer = a_pacer(interval=10)
    sent(pacer, 100, took=50)
    pacer.offer()

    assert pacer.begin(150)


def test_after_failures_the_backoff_counts_from_the_end() -> None:
    pacer = a_pacer(interval=900)
    now = 0.0
    for failures in range(1, 12):
        sent(pacer, now, RETRY, took=5, more=True)
        expected = now + 5 + pacer.backoff.delay(failures)

        assert expected == pacer.due
        now = expected


@pytest.mark.parametrize("outcome", [DELIVERED, REJECTED])
def test_a_clear_answer_ends_the_failures(outcome: Outcome) -> None:
    pacer = a_pacer(interval=10)
    sent(pacer, 0, RETRY)
    sent(pacer, 1000, outcome)
    sent(pacer, 2000, RETRY)

    assert 1 == pacer.failures
    pacer.offer()
    assert 2000 + pacer.backoff.delay(1) == pacer.due


def test_a_refusal_of_one_message_holds_up_no_other() -> None:
    pacer = a_pacer(interval=0)
    sent(pacer, 0, REJECTED, more=True)

    assert 0 == pacer.due


def test_a_hold_is_kept_to_the_second() -> None:
    pacer = a_pacer()
    sent(pacer, 0, HELD, took=5, more=True)

    assert not pacer.begin(105 - TINY)
    assert pacer.begin(105)


def test_a_shorter_hold_does_not_end_a_longer_one() -> None:
    upstream = Upstream()
    upstream.learn(HELD, started=0, now=0)
    upstream.learn(attrs.evolve(HELD, hold=1.0), started=0, now=1)
    upstream.learn(DELIVERED, started=0, now=2)

    assert 100 == upstream.not_before


def test_locked_out_means_never_again() -> None:
    pacer = a_pacer()
    sent(pacer, 0, UNAUTHORIZED, more=True)

    assert pacer.waiting
    assert pacer.due is None
    assert not pacer.begin(1e12)
    pacer.begin_drain()
    assert not pacer.begin(1e12)
    pacer.end_drain()
    assert not pacer.begin(1e12)


def test_a_heartbeat_of_a_day_is_a_day_of_heartbeats() -> None:
    pacer = a_pacer(interval=300)
    pacer.offer()
    starts = [
        second for second in range(86_400) if pacer.begin(second) and not pacer.settle(DELIVERED, now=second, more=True)
    ]

    assert list(range(0, 86_400, 300)) == starts


# In a hurry


@pytest.mark.parametrize("outcome", [DELIVERED, REJECTED, RETRY, SILENCE])
def test_in_a_hurry_neither_pace_nor_our_own_backoff_counts(outcome: Outcome) -> None:
    pacer = a_pacer(interval=900)
    sent(pacer, 0, outcome)
    pacer.offer()
    pacer.begin_drain()

    assert pacer.begin(0)


def test_in_a_hurry_a_hold_still_counts() -> None:
    pacer = a_pacer()
    sent(pacer, 0, HELD, more=True)
    pacer.begin_drain()

    assert not pacer.begin(100 - TINY)
    assert pacer.begin(100)


def test_in_a_hurry_one_message_follows_the_other() -> None:
    pacer = a_pacer(interval=900)
    pacer.begin_drain()
    for _ in range(100):
        sent(pacer, 0)


def test_in_a_hurry_a_new_failure_backs_off_from_the_beginning() -> None:
    pacer = a_pacer()
    sent(pacer, 0, RETRY)
    sent(pacer, 100, RETRY)
    pacer.begin_drain()
    sent(pacer, 100, RETRY, more=True)

    assert 100 + pacer.backoff.delay(1) == pacer.due


def test_a_message_that_was_under_way_when_the_hurry_began_is_followed_at_once() -> None:
    pacer = a_pacer(interval=900)
    pacer.offer()
    pacer.begin(0)
    pacer.begin_drain()
    pacer.settle(DELIVERED, now=1, more=True)

    assert pacer.begin(1)


def test_after_the_hurry_the_pace_is_the_old_one() -> None:
    pacer = a_pacer(interval=900)
    sent(pacer, 0)
    pacer.begin_drain()
    sent(pacer, 5)
    pacer.end_drain()
    pacer.offer()

    assert not pacer.begin(905 - TINY)
    assert pacer.begin(905)


def test_after_the_hurry_the_next_message_is_paced_again() -> None:
    pacer = a_pacer(interval=900)
    pacer.begin_drain()
    pacer.end_drain()
    sent(pacer, 0, more=True)

    assert 900 == pacer.due


def test_in_a_hurry_an_outage_is_met_as_if_for_the_first_time() -> None:
    upstream = Upstream(Backoff(seed="link"))
    pacer = a_pacer(upstream)
    for now in (0.0, 100.0, 200.0):
        sent(pacer, now, SILENCE)
    pacer.begin_drain()
    sent(pacer, 300, SILENCE, more=True)

    assert 1 == upstream.failures
    assert 300 + upstream.backoff.delay(1) == upstream.not_before


def test_after_the_hurry_a_backoff_that_began_in_it_goes_on() -> None:
    pacer = a_pacer(interval=900)
    pacer.begin_drain()
    sent(pacer, 0, RETRY, more=True)
    due = pacer.due
    pacer.end_drain()

    assert due == pacer.due


def test_strolling_where_nobody_hurried_changes_nothing() -> None:
    for outcome in (DELIVERED, REJECTED, RETRY, SILENCE, HELD):
        pacer = a_pacer(interval=10)
        sent(pacer, 0, outcome, more=True)
        due = pacer.due
        pacer.end_drain()

        assert due == pacer.due


def test_strolling_before_the_first_message_holds_nothing_up() -> None:
    pacer = a_pacer(interval=900)
    pacer.begin_drain()
    pacer.end_drain()
    pacer.offer()

    assert pacer.begin(0)


def test_while_one_of_two_still_waits_for_the_end_there_is_no_pace() -> None:
    pacer = a_pacer(interval=900)
    pacer.begin_drain()
    pacer.begin_drain()
    pacer.end_drain()
    sent(pacer, 0)
    sent(pacer, 0)
    pacer.end_drain()
    sent(pacer, 900, more=True)

    assert 1800 == pacer.due


# Beginning again


def test_beginning_again_offers_and_does_not_wait_for_the_pace() -> None:
    pacer = a_pacer(interval=300)
    sent(pacer, 0)
    pacer.resume_at_once()

    assert LEAST_GAP == pacer.due


def test_beginning_again_before_the_first_message_sends_it_at_once() -> None:
    pacer = a_pacer(interval=300)
    pacer.resume_at_once()

    assert pacer.begin(0)


def test_beginning_again_after_a_failure_tries_again_at_once_but_for_the_least_gap() -> None:
    pacer = a_pacer(interval=300)
    for _ in range(8):
        sent(pacer, pacer.due or 0, RETRY, more=True)
    pacer.resume_at_once()

    assert pacer.started + LEAST_GAP == pacer.due


def test_beginning_again_does_not_go_before_what_the_link_allows() -> None:
    for outcome in (HELD, SILENCE):
        pacer = a_pacer()
        sent(pacer, 0, outcome)
        pacer.resume_at_once()

        assert max(LEAST_GAP, pacer.upstream.not_before) == pacer.due


def test_beginning_again_delays_nobody_in_a_hurry() -> None:
    pacer = a_pacer(interval=300)
    sent(pacer, 0)
    pacer.begin_drain()
    pacer.resume_at_once()

    assert pacer.begin(0)


def test_beginning_again_while_a_message_is_under_way_leaves_the_pace_as_it_was() -> None:
    pacer = a_pacer(interval=300)
    pacer.offer()
    pacer.begin(0)
    pacer.resume_at_once()
    pacer.settle(DELIVERED, now=1, more=False)

    assert 300 == pacer.due


# Spread

SPREAD = 0.5


def gap(pacer: Pacer, outcome: Outcome = DELIVERED, *, took: float = 0.0) -> float:
    """From the start of a message that ends with *outcome* to when the next one is due."""
    pacer.offer()
    assert pacer.due is not None
    start = max(pacer.due, pacer.started + 1e4 if pacer.failures else 0.0, 0.0)
    sent(pacer, start, outcome, took=took, more=True)
    assert pacer.due is not None
    return pacer.due - start


@pytest.mark.parametrize("interval", [3.0, 300.0, 900.0])
def test_the_first_gap_is_longer_by_up_to_the_spread_and_all_others_are_exact(interval: float) -> None:
    for seed in range(200):
        pacer = attrs.evolve(a_pacer(interval=interval, seed=f"run {seed}"), jitter=SPREAD)
        first, *others = [gap(pacer) for _ in range(10)]

        assert interval <= first <= interval * (1 + SPREAD)
        assert others == pytest.approx([interval] * 9)


@pytest.mark.parametrize("outcome", [RETRY, SILENCE, HELD])
@pytest.mark.parametrize("failures", [1, 2, 7])
def test_the_gap_after_failures_is_drawn_anew(outcome: Outcome, failures: int) -> None:
    pacer = attrs.evolve(a_pacer(interval=300), jitter=SPREAD)
    drawn = [gap(pacer)]
    for _ in range(3):
        assert 300 == gap(pacer)
        for _ in range(failures):
            gap(pacer, outcome)
        drawn.append(gap(pacer))
    assert 300 == gap(pacer)

    assert all(300 <= one <= 450 for one in drawn)
    assert 4 == len(set(drawn))


def test_a_first_message_that_fails_leaves_the_first_gap_for_the_one_that_does_not() -> None:
    pacer = attrs.evolve(a_pacer(interval=300), jitter=SPREAD)
    gap(pacer, RETRY)
    first = gap(pacer)

    assert 300 < first <= 450
    assert 300 == gap(pacer)


@pytest.mark.parametrize("outcome", [REJECTED, DELIVERED])
def test_a_refusal_is_an_answer_like_any_other(outcome: Outcome) -> None:
    pacer = attrs.evolve(a_pacer(interval=300), jitter=SPREAD)

    assert 300 < gap(pacer, outcome) <= 450
    assert 300 == gap(pacer, outcome)


def test_without_a_spread_every_gap_is_exact() -> None:
    pacer = a_pacer(interval=300)
    assert 300 == gap(pacer)
    gap(pacer, RETRY)

    assert [300, 300] == [gap(pacer), gap(pacer)]


def test_the_same_run_is_spread_the_same_each_time_and_others_are_not() -> None:
    def first(seed: str) -> float:
        return gap(attrs.evolve(a_pacer(interval=300, seed=seed), jitter=SPREAD))

    assert first("run 1") == first("run 1")
    assert 50 == len({first(f"run {seed}") for seed in range(50)})


def test_a_spread_gap_counts_from_start_to_start() -> None:
    quick, slow = (attrs.evolve(a_pacer(interval=300), jitter=SPREAD) for _ in range(2))

    assert gap(quick) == gap(slow, took=100)


def test_in_a_hurry_nothing_is_spread() -> None:
    pacer = attrs.evolve(a_pacer(interval=300), jitter=SPREAD)
    pacer.begin_drain()
    sent(pacer, 0, more=True)

    assert pacer.begin(0)


# One link, many lanes


def test_silence_that_one_lane_meets_holds_all() -> None:
    upstream = Upstream(Backoff(seed="link"))
    first, second = a_pacer(upstream), a_pacer(upstream)
    sent(first, 0, SILENCE, took=5)
    second.offer()

    assert 5 + upstream.backoff.delay(1) == second.due
    assert not second.begin(second.due - TINY)


def test_a_hold_that_one_lane_meets_holds_all() -> None:
    upstream = Upstream()
    first, second = a_pacer(upstream), a_pacer(upstream)
    sent(first, 0, HELD, took=5)
    second.offer()

    assert 105 == second.due


def test_a_key_that_is_not_taken_from_one_lane_is_offered_by_none() -> None:
    upstream = Upstream()
    first, second = a_pacer(upstream), a_pacer(upstream)
    sent(first, 0, UNAUTHORIZED)
    second.offer()

    assert second.due is None


def test_trouble_with_one_kind_of_message_is_not_the_others() -> None:
    upstream = Upstream()
    first, second = a_pacer(upstream), a_pacer(upstream)
    for outcome in (RETRY, REJECTED, DELIVERED):
        sent(first, first.due or 0, outcome, more=True)
        second.offer()

        assert -math.inf == second.due


@pytest.mark.parametrize("outcome", [DELIVERED, REJECTED, RETRY, UNAUTHORIZED])
def test_any_answer_ends_the_silence(outcome: Outcome) -> None:
    upstream = Upstream()
    for now in (0.0, 1000.0, 2000.0):
        upstream.learn(SILENCE, started=now, now=now)
    upstream.learn(outcome, started=2000, now=2001)

    assert 0 == upstream.failures
    assert -math.inf == upstream.retry_at


def test_a_lane_that_met_an_outage_late_goes_on_as_soon_as_another_is_answered() -> None:
    upstream = Upstream(Backoff(seed="link"))
    early, late = a_pacer(upstream), a_pacer(upstream)
    sent(early, 0, SILENCE)
    sent(early, 100, SILENCE)
    sent(late, 200, SILENCE, more=True)
    sent(early, 1000, RETRY)

    assert late.begin(1000)


def test_messages_that_were_under_way_together_count_as_one_failure() -> None:
    upstream = Upstream(Backoff(seed="link"))
    pacers = [a_pacer(upstream) for _ in range(3)]
    for pacer in pacers:
        pacer.offer()
        pacer.begin(0)
    told = [pacer.settle(SILENCE, now=10, more=True) for pacer in pacers]

    assert [True, False, False] == told
    assert 1 == upstream.failures
    assert {10 + upstream.backoff.delay(1)} == {pacer.due for pacer in pacers}


def test_an_upload_that_an_outage_cut_short_keeps_its_own_floor() -> None:
    upstream = Upstream(Backoff(seed="link", first=0.001, cap=0.001))
    pacer = a_pacer(upstream, floor=3)
    sent(pacer, 0, SILENCE, more=True)

    assert not pacer.begin(3 - TINY)
    assert pacer.begin(3)


def test_the_others_are_told_when_they_may_send_at_another_time_and_only_then() -> None:
    upstream = Upstream()
    told: list[tuple[Outcome, bool]] = [
        (DELIVERED, False),
        (REJECTED, False),
        (RETRY, False),
        (SILENCE, True),
        (DELIVERED, True),
        (HELD, True),
        (HELD, False),
        (UNAUTHORIZED, True),
        (UNAUTHORIZED, False),
    ]

    assert told == [(outcome, upstream.learn(outcome, started=1e6, now=1e6)) for outcome, _ in told]


def test_an_outage_of_a_day_costs_about_a_try_every_half_minute() -> None:
    upstream = Upstream(Backoff(seed="link"))
    pacer = a_pacer(upstream, interval=3)
    now, tries = 0.0, 0
    while now < 86_400:
        pacer.offer()
        due = pacer.due
        assert due is not None
        now = max(now, due)
        assert pacer.begin(now)
        pacer.settle(SILENCE, now=now, more=True)
        tries += 1

    assert 86_400 / 40 < tries < 86_400 / 20


# Whatever happens, in whatever order


@attrs.define
class Seen:
    """What an onlooker knows of one lane, and from it the earliest instant at which it may start again."""

    pacer: Pacer
    is_under_way: bool = False
    has_something: bool = False
    last_start: float = -math.inf
    least_gap: float = 0.0


class Onlooker:
    """Plays random events on lanes that share a link, and checks each start against what it has seen itself."""

    def __init__(self, rng: random.Random, *, drains: bool, intervals: tuple[float, ...] = ()) -> None:
        self.rng = rng
        self.drains = drains
        self.lockouts = 0.0 if intervals else 0.02
        self.now = rng.choice([0.0, 1e6])
        self.upstream = Upstream(Backoff(seed=str(rng.random())))
        self.seen = [
            Seen(a_pacer(self.upstream, interval=interval, floor=min(interval, LEAST_GAP), seed=f"{rng.random()}"))
            for interval in intervals or rng.choices([0.0, 3.0, 10.0, 300.0, 900.0], k=3)
        ]
        for seen in self.seen:
            seen.pacer.jitter = rng.choice([0.0, 0.5])
        self.held_until = -math.inf
        self.is_locked_out = False
        self.starts = 0
        self.events: list[Callable[[], None]] = [
            self.pass_time,
            self.offer,
            self.begin,
            self.begin_when_due,
            self.settle,
            self.resume_at_once,
        ]

    def play(self, count: int) -> None:
        for _ in range(count):
            if self.drains and self.rng.random() < 0.02:
                self.rng.choice([self.begin_drain, self.end_drain])()
            else:
                self.rng.choice(self.events)()

    def pass_time(self) -> None:
        self.now += self.rng.choice(
            [0.0, self.rng.expovariate(10), self.rng.expovariate(0.3), self.rng.expovariate(0.01)]
        )

    def offer(self) -> None:
        seen = self.rng.choice(self.seen)
        seen.pacer.offer()
        seen.has_something = True

    def resume_at_once(self) -> None:
        if self.rng.random() < 0.1:
            seen = self.rng.choice(self.seen)
            seen.pacer.resume_at_once()
            seen.has_something = True
            if not seen.is_under_way:
                seen.least_gap = min(seen.least_gap, seen.pacer.backoff.floor)

    def begin(self) -> None:
        seen = self.rng.choice(self.seen)
        if seen.is_under_way:
            return
        due = seen.pacer.due
        has_begun = seen.pacer.begin(self.now)
        assert has_begun == (due is not None and due <= self.now)
        assert (due is None) == (not seen.has_something or self.is_locked_out)
        if not has_begun:
            return
        self.starts += 1
        assert seen.has_something
        assert not self.is_locked_out
        assert self.now >= self.held_until
        assert self.now - seen.last_start >= seen.least_gap - TINY
        seen.is_under_way, seen.has_something, seen.last_start = True, False, self.now

    def begin_when_due(self) -> None:
        """Time jumps to when something is due, as a worker sleeps; it is never further than something asks for."""
        dues = [s.pacer.due for s in self.seen if not s.is_under_way and s.pacer.due is not None]
        if not dues:
            return
        longest = max(
            Backoff().cap + LEAST_GAP, self.held_until - self.now, *(s.pacer.interval * 1.5 for s in self.seen)
        )
        assert max(dues) <= self.now + longest + TINY
        self.now = max(self.now, min(dues))
        self.begin()

    def settle(self) -> None:
        seen = self.rng.choice(self.seen)
        if not seen.is_under_way:
            return
        outcome = self.rng.choices(
            [DELIVERED, REJECTED, RETRY, attrs.evolve(HELD, hold=self.rng.uniform(0, 3600)), SILENCE, UNAUTHORIZED],
            weights=[40, 5, 15, 2, 30, self.lockouts],
        )[0]
        more = self.rng.random() < 0.5
        seen.pacer.settle(outcome, now=self.now, more=more)
        seen.is_under_way = False
        seen.has_something = seen.has_something or more
        self.held_until = max(self.held_until, self.now + (outcome.hold if outcome.hold is not None else -math.inf))
        self.is_locked_out = self.is_locked_out or outcome is UNAUTHORIZED
        if outcome.verdict is Verdict.RETRY:
            seen.least_gap = seen.pacer.backoff.floor
        else:
            seen.least_gap = 0.0 if seen.pacer._drains else seen.pacer.interval

    def begin_drain(self) -> None:
        for seen in self.seen:
            seen.pacer.begin_drain()
            seen.least_gap = 0.0

    def end_drain(self) -> None:
        for seen in self.seen:
            seen.pacer.end_drain()
            # With the last of those who hurried the pace is back.
            if not seen.pacer._drains and not seen.is_under_way and not seen.pacer.failures:
                seen.least_gap = max(seen.least_gap, seen.pacer.interval)


@pytest.mark.parametrize("drains", [False, True], ids=["pacing", "draining"])
@settings(max_examples=100)
@given(seed=st.integers(0, 2**32))
def test_no_start_comes_too_early_and_none_too_late_whatever_happens(seed: int, drains: bool) -> None:  # noqa: FBT001
    onlooker = Onlooker(random.Random(seed), drains=drains)
    onlooker.play(600)

    assert onlooker.starts > 0


@pytest.mark.parametrize("drains", [False, True], ids=["pacing", "draining"])
def test_the_intervals_of_3_900_and_300_seconds_hold_in_100_000_random_events(drains: bool) -> None:  # noqa: FBT001
    """Through bursts, retries, outages and new beginnings: none is too early, and none too late."""
    onlooker = Onlooker(random.Random(15), drains=drains, intervals=(3.0, 900.0, 300.0))
    onlooker.play(100_000)

    assert onlooker.starts > 5_000


events = st.lists(
    st.tuples(
        st.sampled_from([DELIVERED, REJECTED, RETRY, SILENCE]),
        st.floats(0, 100).map(lambda x: round(x, 3)),
        st.floats(0, 1000).map(lambda x: round(x, 3)),
    ),
    max_size=30,
)


@given(interval=st.sampled_from([0, 3, 10, 900]), events=events)
def test_after_each_outcome_the_next_start_keeps_its_distance(
    interval: float, events: list[tuple[Outcome, float, float]]
) -> None:
    """The same for one lane, in sequences that shrink to the shortest that fails."""
    pacer = a_pacer(interval=interval, floor=min(interval, LEAST_GAP))
    now, start, gap = 0.0, -math.inf, 0.0
    for outcome, took, idle in events:
        pacer.offer()
        assert pacer.due is not None
        now = max(now + idle, pacer.due)
        assert now - start >= gap - TINY
        assert pacer.begin(now)
        start, now = now, now + took
        pacer.settle(outcome, now=now, more=False)
        gap = pacer.backoff.floor if outcome.verdict is Verdict.RETRY else interval


@given(
    st.lists(st.sampled_from([DELIVERED, REJECTED, RETRY, SILENCE, HELD]), max_size=30), st.sampled_from([0, 3, 900])
)
def test_nothing_that_the_hub_says_keeps_a_lane_from_sending_for_ever(outcomes: list[Outcome], interval: float) -> None:
    pacer = a_pacer(interval=interval)
    now = 0.0
    for outcome in outcomes:
        pacer.offer()
        due = pacer.due
        assert due is not None
        assert due <= now + max(interval, LEAST_GAP + 60, 100)
        now = max(now, due)
        sent(pacer, now, outcome)
