import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.hub import rate_limit
from hubport.domain.hub.rate_limit import RateLimiter


def spent(bucket: RateLimiter, who: str, now: float, times: int) -> int:
    return sum(bucket.acquire(who, now) is None for _ in range(times))


def test_all_of_it_may_be_spent_at_once() -> None:
    assert 10 == spent(RateLimiter(10, 60.0), "a", 0.0, 50)


def test_it_fills_at_a_steady_rate_up_to_its_rim() -> None:
    bucket = RateLimiter(10, 60.0)
    spent(bucket, "a", 0.0, 10)

    assert 2 == spent(bucket, "a", 12.0, 50)
    assert 10 == spent(bucket, "a", 10_000.0, 50)


def test_each_has_its_own() -> None:
    bucket = RateLimiter(1, 60.0)

    assert [1, 1] == [spent(bucket, who, 0.0, 5) for who in "ab"]


def test_a_refusal_says_when_to_come_back_in_all_four_headers() -> None:
    bucket = RateLimiter(10, 60.0)
    spent(bucket, "a", 1000.5, 10)

    assert {
        "x-ratelimit-limit": "10",
        "x-ratelimit-remaining": "0",
        "retry-after": "6",
        "x-ratelimit-reset": "1007",
    } == bucket.acquire("a", 1000.5)


@given(st.integers(1, 50), st.floats(0.5, 100), st.lists(st.floats(0, 20), max_size=60))
def test_whoever_waits_as_long_as_he_was_told_is_let_in(calls: int, seconds: float, pauses: list[float]) -> None:
    bucket, now = RateLimiter(calls, seconds), 1e9
    for pause in pauses:
        now += pause
        refusal = bucket.acquire("a", now)
        if refusal is not None:
            assert now + int(refusal["retry-after"]) <= int(refusal["x-ratelimit-reset"]) + 1
            now += int(refusal["retry-after"])
            assert bucket.acquire("a", now) is None


@given(st.lists(st.floats(0, 5), min_size=1, max_size=200))
def test_in_no_time_more_is_spent_than_the_rim_and_what_flowed_in(pauses: list[float]) -> None:
    bucket, now, let_in = RateLimiter(5, 10.0), 0.0, 0
    for pause in pauses:
        now += pause
        let_in += bucket.acquire("a", now) is None

    assert let_in <= 5 + now * 0.5 + 1e-6


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    bucket = RateLimiter(2, 1.0)
    bucket.acquire("a", 100.0)

    assert bucket.acquire("a", 50.0) is None
    assert bucket.acquire("a", 50.0) is not None


class Then(float):
    """A time at which another thread is served in the middle of the work."""

    def __sub__(self, other: float) -> float:
        self.other()
        return float(self) - other

    def other(self) -> None:
        raise NotImplementedError


def test_of_two_that_ask_at_the_same_moment_no_one_finds_a_full_bucket() -> None:
    """However the threads interleave: at worst a call is not counted."""
    bucket, between = RateLimiter(10, 1e9), []

    class Busy(Then):
        def other(self) -> None:
            between.append(bucket.acquire("a", 0.0))

    spent(bucket, "a", 0.0, 10)

    assert bucket.acquire("a", Busy(0.0)) is not None
    assert between[0] is not None
    assert 0 == spent(bucket, "a", 0.0, 50)


def test_it_remembers_a_bounded_number_of_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "_MOST", 3)
    bucket = RateLimiter(1, 1e9)
    for who in ("a", "b", "a", "c", "d"):
        bucket.acquire(who, 0.0)

    assert bucket.acquire("a", 0.0) is not None  # was seen later than b, who is forgotten
    assert bucket.acquire("b", 0.0) is None
