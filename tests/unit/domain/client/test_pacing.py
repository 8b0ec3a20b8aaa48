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


def a_lane(link: Upstream | None = None, *, every: float = 10.0, floor: float = LEAST_GAP, seed: str = "run") -> Pacer:
    return Pacer(every, link or Upstream(), Backoff(seed=seed, floor=floor))


def sent(lane: Pacer, at: float, outcome: Outcome = DELIVERED, *, took: float = 0.0, more: bool = False) -> bool:
    """One message at the instant *at*, settled *took* seconds later."""
    lane.offer()
    assert lane.begin(at)
    return lane.settle(outcome, now=at + took, more=more)


# What one lane does


def test_nothing_offered_is_nothing_sent() -> None:
    lane = a_lane()

    assert lane.due is None
    assert not lane.begin(1e9)


def test_the_first_message_goes_at_once() -> None:
    lane = a_lane()
    lane.offer()

    assert -math.inf == lane.due
    assert lane.begin(-1e9)


def test_one_message_takes_all_that_was_offered_before() -> None:
    lane = a_lane()
    for _ in range(5):
        lane.offer()

    assert lane.begin(0)
    assert lane.due is None
    assert not lane.begin(1e9)


def test_what_is_offered_while_a_message_is_under_way_waits_for_the_next() -> None:
    lane = a_lane(every=10)
    lane.offer()
    lane.begin(0)
    lane.offer()
    lane.settle(DELIVERED, now=1, more=False)

    assert 10 == lane.due


def test_what_is_left_over_waits_without_being_offered() -> None:
    lane = a_lane(every=10)
    sent(lane, 0, more=True)

    assert 10 == lane.due


@pytest.mark.parametrize("outcome", [DELIVERED, REJECTED])
@pytest.mark.parametrize("took", [0, 4, 9.5])
def test_the_pace_counts_from_start_to_start(outcome: Outcome, took: float) -> None:
    lane = a_lane(every=10)
    sent(lane, 100, outcome, took=took)
    lane.offer()

    assert not lane.begin(110 - TINY)
    assert lane.begin(110)


def test_a_message_that_took_longer_than_the_pace_is_followed_at_once() -> None:
    lane = a_lane(every=10)
    sent(lane, 100, took=50)
    lane.offer()

    assert lane.begin(150)


def test_after_failures_the_backoff_counts_from_the_end() -> None:
    lane = a_lane(every=900)
    now = 0.0
    for failures in range(1, 12):
        sent(lane, now, RETRY, took=5, more=True)
        expected = now + 5 + lane.backoff.delay(failures)

        assert expected == lane.due
        now = expected


@pytest.mark.parametrize("outcome", [DELIVERED, REJECTED])
def test_a_clear_answer_ends_the_failures(outcome: Outcome) -> None:
    lane = a_lane(every=10)
    sent(lane, 0, RETRY)
    sent(lane, 1000, outcome)
    sent(lane, 2000, RETRY)

    assert 1 == lane.failures
    lane.offer()
    assert 2000 + lane.backoff.delay(1) == lane.due


def test_a_refusal_of_one_message_holds_up_no_other() -> None:
    lane = a_lane(every=0)
    sent(lane, 0, REJECTED, more=True)

    assert 0 == lane.due


def test_a_hold_is_kept_to_the_second() -> None:
    lane = a_lane()
    sent(lane, 0, HELD, took=5, more=True)

    assert not lane.begin(105 - TINY)
    assert lane.begin(105)


def test_a_shorter_hold_does_not_end_a_longer_one() -> None:
    link = Upstream()
    link.learn(HELD, started=0, now=0)
    link.learn(attrs.evolve(HELD, hold=1.0), started=0, now=1)
    link.learn(DELIVERED, started=0, now=2)

    assert 100 == link.not_before


def test_locked_out_means_never_again() -> None:
    lane = a_lane()
    sent(lane, 0, UNAUTHORIZED, more=True)

    assert lane.waiting
    assert lane.due is None
    assert not lane.begin(1e12)
    lane.hurry()
    assert not lane.begin(1e12)
    lane.stroll()
    assert not lane.begin(1e12)


def test_a_heartbeat_of_a_day_is_a_day_of_heartbeats() -> None:
    lane = a_lane(every=300)
    lane.offer()
    starts = [
        second for second in range(86_400) if lane.begin(second) and not lane.settle(DELIVERED, now=second, more=True)
    ]

    assert list(range(0, 86_400, 300)) == starts


# In a hurry


@pytest.mark.parametrize("outcome", [DELIVERED, REJECTED, RETRY, SILENCE])
def test_in_a_hurry_neither_pace_nor_our_own_backoff_counts(outcome: Outcome) -> None:
    lane = a_lane(every=900)
    sent(lane, 0, outcome)
    lane.offer()
    lane.hurry()

    assert lane.begin(0)


def test_in_a_hurry_a_hold_still_counts() -> None:
    lane = a_lane()
    sent(lane, 0, HELD, more=True)
    lane.hurry()

    assert not lane.begin(100 - TINY)
    assert lane.begin(100)


def test_in_a_hurry_one_message_follows_the_other() -> None:
    lane = a_lane(every=900)
    lane.hurry()
    for _ in range(100):
        sent(lane, 0)


def test_in_a_hurry_a_new_failure_backs_off_from_the_beginning() -> None:
    lane = a_lane()
    sent(lane, 0, RETRY)
    sent(lane, 100, RETRY)
    lane.hurry()
    sent(lane, 100, RETRY, more=True)

    assert 100 + lane.backoff.delay(1) == lane.due


def test_a_message_that_was_under_way_when_the_hurry_began_is_followed_at_once() -> None:
    lane = a_lane(every=900)
    lane.offer()
    lane.begin(0)
    lane.hurry()
    lane.settle(DELIVERED, now=1, more=True)

    assert lane.begin(1)


def test_after_the_hurry_the_pace_is_the_old_one() -> None:
    lane = a_lane(every=900)
    sent(lane, 0)
    lane.hurry()
    sent(lane, 5)
    lane.stroll()
    lane.offer()

    assert not lane.begin(905 - TINY)
    assert lane.begin(905)


def test_after_the_hurry_the_next_message_is_paced_again() -> None:
    lane = a_lane(every=900)
    lane.hurry()
    lane.stroll()
    sent(lane, 0, more=True)

    assert 900 == lane.due


def test_in_a_hurry_an_outage_is_met_as_if_for_the_first_time() -> None:
    link = Upstream(Backoff(seed="link"))
    lane = a_lane(link)
    for now in (0.0, 100.0, 200.0):
        sent(lane, now, SILENCE)
    lane.hurry()
    sent(lane, 300, SILENCE, more=True)

    assert 1 == link.failures
    assert 300 + link.backoff.delay(1) == link.not_before


def test_after_the_hurry_a_backoff_that_began_in_it_goes_on() -> None:
    lane = a_lane(every=900)
    lane.hurry()
    sent(lane, 0, RETRY, more=True)
    due = lane.due
    lane.stroll()

    assert due == lane.due


def test_strolling_where_nobody_hurried_changes_nothing() -> None:
    for outcome in (DELIVERED, REJECTED, RETRY, SILENCE, HELD):
        lane = a_lane(every=10)
        sent(lane, 0, outcome, more=True)
        due = lane.due
        lane.stroll()

        assert due == lane.due


def test_strolling_before_the_first_message_holds_nothing_up() -> None:
    lane = a_lane(every=900)
    lane.hurry()
    lane.stroll()
    lane.offer()

    assert lane.begin(0)


def test_while_one_of_two_still_waits_for_the_end_there_is_no_pace() -> None:
    lane = a_lane(every=900)
    lane.hurry()
    lane.hurry()
    lane.stroll()
    sent(lane, 0)
    sent(lane, 0)
    lane.stroll()
    sent(lane, 900, more=True)

    assert 1800 == lane.due


# Beginning again


def test_beginning_again_offers_and_does_not_wait_for_the_pace() -> None:
    lane = a_lane(every=300)
    sent(lane, 0)
    lane.begin_again()

    assert LEAST_GAP == lane.due


def test_beginning_again_before_the_first_message_sends_it_at_once() -> None:
    lane = a_lane(every=300)
    lane.begin_again()

    assert lane.begin(0)


def test_beginning_again_after_a_failure_tries_again_at_once_but_for_the_least_gap() -> None:
    lane = a_lane(every=300)
    for _ in range(8):
        sent(lane, lane.due or 0, RETRY, more=True)
    lane.begin_again()

    assert lane.started + LEAST_GAP == lane.due


def test_beginning_again_does_not_go_before_what_the_link_allows() -> None:
    for outcome in (HELD, SILENCE):
        lane = a_lane()
        sent(lane, 0, outcome)
        lane.begin_again()

        assert max(LEAST_GAP, lane.link.not_before) == lane.due


def test_beginning_again_delays_nobody_in_a_hurry() -> None:
    lane = a_lane(every=300)
    sent(lane, 0)
    lane.hurry()
    lane.begin_again()

    assert lane.begin(0)


def test_beginning_again_while_a_message_is_under_way_leaves_the_pace_as_it_was() -> None:
    lane = a_lane(every=300)
    lane.offer()
    lane.begin(0)
    lane.begin_again()
    lane.settle(DELIVERED, now=1, more=False)

    assert 300 == lane.due


# Spread

SPREAD = 0.5


def gap(lane: Pacer, outcome: Outcome = DELIVERED, *, took: float = 0.0) -> float:
    """From the start of a message that ends with *outcome* to when the next one is due."""
    lane.offer()
    assert lane.due is not None
    start = max(lane.due, lane.started + 1e4 if lane.failures else 0.0, 0.0)
    sent(lane, start, outcome, took=took, more=True)
    assert lane.due is not None
    return lane.due - start


@pytest.mark.parametrize("every", [3.0, 300.0, 900.0])
def test_the_first_gap_is_longer_by_up_to_the_spread_and_all_others_are_exact(every: float) -> None:
    for seed in range(200):
        lane = attrs.evolve(a_lane(every=every, seed=f"run {seed}"), spread=SPREAD)
        first, *others = [gap(lane) for _ in range(10)]

        assert every <= first <= every * (1 + SPREAD)
        assert others == pytest.approx([every] * 9)


@pytest.mark.parametrize("outcome", [RETRY, SILENCE, HELD])
@pytest.mark.parametrize("failures", [1, 2, 7])
def test_the_gap_after_failures_is_drawn_anew(outcome: Outcome, failures: int) -> None:
    lane = attrs.evolve(a_lane(every=300), spread=SPREAD)
    drawn = [gap(lane)]
    for _ in range(3):
        assert 300 == gap(lane)
        for _ in range(failures):
            gap(lane, outcome)
        drawn.append(gap(lane))
    assert 300 == gap(lane)

    assert all(300 <= one <= 450 for one in drawn)
    assert 4 == len(set(drawn))


def test_a_first_message_that_fails_leaves_the_first_gap_for_the_one_that_does_not() -> None:
    lane = attrs.evolve(a_lane(every=300), spread=SPREAD)
    gap(lane, RETRY)
    first = gap(lane)

    assert 300 < first <= 450
    assert 300 == gap(lane)


@pytest.mark.parametrize("outcome", [REJECTED, DELIVERED])
def test_a_refusal_is_an_answer_like_any_other(outcome: Outcome) -> None:
    lane = attrs.evolve(a_lane(every=300), spread=SPREAD)

    assert 300 < gap(lane, outcome) <= 450
    assert 300 == gap(lane, outcome)


def test_without_a_spread_every_gap_is_exact() -> None:
    lane = a_lane(every=300)
    assert 300 == gap(lane)
    gap(lane, RETRY)

    assert [300, 300] == [gap(lane), gap(lane)]


def test_the_same_run_is_spread_the_same_each_time_and_others_are_not() -> None:
    def first(seed: str) -> float:
        return gap(attrs.evolve(a_lane(every=300, seed=seed), spread=SPREAD))

    assert first("run 1") == first("run 1")
    assert 50 == len({first(f"run {seed}") for seed in range(50)})


def test_a_spread_gap_counts_from_start_to_start() -> None:
    quick, slow = (attrs.evolve(a_lane(every=300), spread=SPREAD) for _ in range(2))

    assert gap(quick) == gap(slow, took=100)


def test_in_a_hurry_nothing_is_spread() -> None:
    lane = attrs.evolve(a_lane(every=300), spread=SPREAD)
    lane.hurry()
    sent(lane, 0, more=True)

    assert lane.begin(0)


# One link, many lanes


def test_silence_that_one_lane_meets_holds_all() -> None:
    link = Upstream(Backoff(seed="link"))
    first, second = a_lane(link), a_lane(link)
    sent(first, 0, SILENCE, took=5)
    second.offer()

    assert 5 + link.backoff.delay(1) == second.due
    assert not second.begin(second.due - TINY)


def test_a_hold_that_one_lane_meets_holds_all() -> None:
    link = Upstream()
    first, second = a_lane(link), a_lane(link)
    sent(first, 0, HELD, took=5)
    second.offer()

    assert 105 == second.due


def test_a_key_that_is_not_taken_from_one_lane_is_offered_by_none() -> None:
    link = Upstream()
    first, second = a_lane(link), a_lane(link)
    sent(first, 0, UNAUTHORIZED)
    second.offer()

    assert second.due is None


def test_trouble_with_one_kind_of_message_is_not_the_others() -> None:
    link = Upstream()
    first, second = a_lane(link), a_lane(link)
    for outcome in (RETRY, REJECTED, DELIVERED):
        sent(first, first.due or 0, outcome, more=True)
        second.offer()

        assert -math.inf == second.due


@pytest.mark.parametrize("outcome", [DELIVERED, REJECTED, RETRY, UNAUTHORIZED])
def test_any_answer_ends_the_silence(outcome: Outcome) -> None:
    link = Upstream()
    for now in (0.0, 1000.0, 2000.0):
        link.learn(SILENCE, started=now, now=now)
    link.learn(outcome, started=2000, now=2001)

    assert 0 == link.failures
    assert -math.inf == link.retry_at


def test_a_lane_that_met_an_outage_late_goes_on_as_soon_as_another_is_answered() -> None:
    link = Upstream(Backoff(seed="link"))
    early, late = a_lane(link), a_lane(link)
    sent(early, 0, SILENCE)
    sent(early, 100, SILENCE)
    sent(late, 200, SILENCE, more=True)
    sent(early, 1000, RETRY)

    assert late.begin(1000)


def test_messages_that_were_under_way_together_count_as_one_failure() -> None:
    link = Upstream(Backoff(seed="link"))
    lanes = [a_lane(link) for _ in range(3)]
    for lane in lanes:
        lane.offer()
        lane.begin(0)
    told = [lane.settle(SILENCE, now=10, more=True) for lane in lanes]

    assert [True, False, False] == told
    assert 1 == link.failures
    assert {10 + link.backoff.delay(1)} == {lane.due for lane in lanes}


def test_an_upload_that_an_outage_cut_short_keeps_its_own_floor() -> None:
    link = Upstream(Backoff(seed="link", first=0.001, cap=0.001))
    lane = a_lane(link, floor=3)
    sent(lane, 0, SILENCE, more=True)

    assert not lane.begin(3 - TINY)
    assert lane.begin(3)


def test_the_others_are_told_when_they_may_send_at_another_time_and_only_then() -> None:
    link = Upstream()
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

    assert told == [(outcome, link.learn(outcome, started=1e6, now=1e6)) for outcome, _ in told]


def test_an_outage_of_a_day_costs_about_a_try_every_half_minute() -> None:
    link = Upstream(Backoff(seed="link"))
    lane = a_lane(link, every=3)
    now, tries = 0.0, 0
    while now < 86_400:
        lane.offer()
        due = lane.due
        assert due is not None
        now = max(now, due)
        assert lane.begin(now)
        lane.settle(SILENCE, now=now, more=True)
        tries += 1

    assert 86_400 / 40 < tries < 86_400 / 20


# Whatever happens, in whatever order


@attrs.define
class Seen:
    """What an onlooker knows of one lane, and from it the earliest instant at which it may start again."""

    lane: Pacer
    is_under_way: bool = False
    has_something: bool = False
    last_start: float = -math.inf
    least_gap: float = 0.0


class Onlooker:
    """Plays random events on lanes that share a link, and checks each start against what it has seen itself."""

    def __init__(self, rng: random.Random, *, hurries: bool, intervals: tuple[float, ...] = ()) -> None:
        self.rng = rng
        self.hurries = hurries
        self.lockouts = 0.0 if intervals else 0.02
        self.now = rng.choice([0.0, 1e6])
        self.link = Upstream(Backoff(seed=str(rng.random())))
        self.seen = [
            Seen(a_lane(self.link, every=every, floor=min(every, LEAST_GAP), seed=f"{rng.random()}"))
            for every in intervals or rng.choices([0.0, 3.0, 10.0, 300.0, 900.0], k=3)
        ]
        for seen in self.seen:
            seen.lane.spread = rng.choice([0.0, 0.5])
        self.held_until = -math.inf
        self.is_locked_out = False
        self.starts = 0
        self.events: list[Callable[[], None]] = [
            self.pass_time,
            self.offer,
            self.begin,
            self.begin_when_due,
            self.settle,
            self.begin_again,
        ]

    def play(self, count: int) -> None:
        for _ in range(count):
            if self.hurries and self.rng.random() < 0.02:
                self.rng.choice([self.hurry, self.stroll])()
            else:
                self.rng.choice(self.events)()

    def pass_time(self) -> None:
        self.now += self.rng.choice(
            [0.0, self.rng.expovariate(10), self.rng.expovariate(0.3), self.rng.expovariate(0.01)]
        )

    def offer(self) -> None:
        seen = self.rng.choice(self.seen)
        seen.lane.offer()
        seen.has_something = True

    def begin_again(self) -> None:
        if self.rng.random() < 0.1:
            seen = self.rng.choice(self.seen)
            seen.lane.begin_again()
            seen.has_something = True
            if not seen.is_under_way:
                seen.least_gap = min(seen.least_gap, seen.lane.backoff.floor)

    def begin(self) -> None:
        seen = self.rng.choice(self.seen)
        if seen.is_under_way:
            return
        due = seen.lane.due
        has_begun = seen.lane.begin(self.now)
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
        dues = [s.lane.due for s in self.seen if not s.is_under_way and s.lane.due is not None]
        if not dues:
            return
        longest = max(Backoff().cap + LEAST_GAP, self.held_until - self.now, *(s.lane.every * 1.5 for s in self.seen))
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
        seen.lane.settle(outcome, now=self.now, more=more)
        seen.is_under_way = False
        seen.has_something = seen.has_something or more
        self.held_until = max(self.held_until, self.now + (outcome.hold if outcome.hold is not None else -math.inf))
        self.is_locked_out = self.is_locked_out or outcome is UNAUTHORIZED
        if outcome.verdict is Verdict.RETRY:
            seen.least_gap = seen.lane.backoff.floor
        else:
            seen.least_gap = 0.0 if seen.lane.hurries else seen.lane.every

    def hurry(self) -> None:
        for seen in self.seen:
            seen.lane.hurry()
            seen.least_gap = 0.0

    def stroll(self) -> None:
        for seen in self.seen:
            seen.lane.stroll()
            # With the last of those who hurried the pace is back.
            if not seen.lane.hurries and not seen.is_under_way and not seen.lane.failures:
                seen.least_gap = max(seen.least_gap, seen.lane.every)


@pytest.mark.parametrize("hurries", [False, True], ids=["strolling", "hurrying"])
@settings(max_examples=100)
@given(seed=st.integers(0, 2**32))
def test_no_start_comes_too_early_and_none_too_late_whatever_happens(seed: int, hurries: bool) -> None:  # noqa: FBT001
    onlooker = Onlooker(random.Random(seed), hurries=hurries)
    onlooker.play(600)

    assert onlooker.starts > 0


@pytest.mark.parametrize("hurries", [False, True], ids=["strolling", "hurrying"])
def test_the_intervals_of_3_900_and_300_seconds_hold_in_100_000_random_events(hurries: bool) -> None:  # noqa: FBT001
    """Through bursts, retries, outages and new beginnings: none is too early, and none too late."""
    onlooker = Onlooker(random.Random(15), hurries=hurries, intervals=(3.0, 900.0, 300.0))
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


@given(every=st.sampled_from([0, 3, 10, 900]), events=events)
def test_after_each_outcome_the_next_start_keeps_its_distance(
    every: float, events: list[tuple[Outcome, float, float]]
) -> None:
    """The same for one lane, in sequences that shrink to the shortest that fails."""
    lane = a_lane(every=every, floor=min(every, LEAST_GAP))
    now, start, gap = 0.0, -math.inf, 0.0
    for outcome, took, idle in events:
        lane.offer()
        assert lane.due is not None
        now = max(now + idle, lane.due)
        assert now - start >= gap - TINY
        assert lane.begin(now)
        start, now = now, now + took
        lane.settle(outcome, now=now, more=False)
        gap = lane.backoff.floor if outcome.verdict is Verdict.RETRY else every


@given(
    st.lists(st.sampled_from([DELIVERED, REJECTED, RETRY, SILENCE, HELD]), max_size=30), st.sampled_from([0, 3, 900])
)
def test_nothing_that_the_hub_says_keeps_a_lane_from_sending_for_ever(outcomes: list[Outcome], every: float) -> None:
    lane = a_lane(every=every)
    now = 0.0
    for outcome in outcomes:
        lane.offer()
        due = lane.due
        assert due is not None
        assert due <= now + max(every, LEAST_GAP + 60, 100)
        now = max(now, due)
        sent(lane, now, outcome)
