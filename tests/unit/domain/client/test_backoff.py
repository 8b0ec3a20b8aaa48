import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubport.domain.client.backoff import LONGEST_RETRY_AFTER, Backoff, retry_after

NOW = datetime(1994, 11, 6, 8, 49, 27, tzinfo=timezone.utc).timestamp()

backoffs = st.builds(
    Backoff,
    seed=st.text(max_size=20),
    first=st.floats(0.01, 100),
    cap=st.floats(0.01, 3600),
    floor=st.floats(0, 100),
)


@pytest.fixture(params=["UTC0", "JST-9", "EST5"])
def time_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Another place on earth."""
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    if before is None:
        monkeypatch.delenv("TZ")
    else:
        monkeypatch.setenv("TZ", before)
    time.tzset()


# How long


@given(backoffs, st.integers(1, 10**6))
def test_the_delay_lies_between_floor_and_floor_plus_bound(backoff: Backoff, failures: int) -> None:
    assert backoff.floor <= backoff.delay(failures) <= backoff.floor + backoff.bound(failures)


@given(backoffs, st.integers(1, 10**6))
def test_the_bound_never_shrinks_and_never_passes_the_cap(backoff: Backoff, failures: int) -> None:
    assert backoff.bound(failures) <= backoff.bound(failures + 1) <= backoff.cap


@given(backoffs)
def test_the_bound_doubles_from_the_first_until_the_cap(backoff: Backoff) -> None:
    for n in range(1, 12):
        assert min(backoff.cap, backoff.first * 2 ** (n - 1)) == backoff.bound(n)


def test_the_bounds_of_a_session_are_these() -> None:
    assert [2, 4, 8, 16, 32, 60, 60] == [Backoff().bound(n) for n in range(1, 8)]
    assert 60 == Backoff().bound(10**9)


@given(backoffs, st.integers(1, 10**6))
def test_the_same_run_waits_the_same_each_time(backoff: Backoff, failures: int) -> None:
    twin = Backoff(seed=backoff.seed, first=backoff.first, cap=backoff.cap, floor=backoff.floor)

    assert twin.delay(failures) == backoff.delay(failures)


@pytest.mark.parametrize("name", ["{}", "run-{:03d}", "0198c7a2{:04x}-deadbeef:metrics", "/var/hub/{:08x}:heartbeat"])
@pytest.mark.parametrize("failures", [4, 5, 6, 7, 10, 20])
def test_runs_that_failed_together_do_not_come_back_together(name: str, failures: int) -> None:
    """A hundred runs over 16 s or more: fewer than five in any tenth of a second."""
    delays = [Backoff(seed=name.format(run), floor=3).delay(failures) for run in range(100)]
    bins = Counter(int(delay * 10) for delay in delays)

    assert max(bins.values()) < 5


@pytest.mark.parametrize("failures", [1, 2, 3, 6])
def test_the_draw_covers_the_whole_range(failures: int) -> None:
    delays = sorted(Backoff(seed=f"run-{run}").delay(failures) for run in range(1000))
    bound = Backoff().bound(failures)

    for tenth in range(10):
        share = sum(bound * tenth / 10 <= delay < bound * (tenth + 1) / 10 for delay in delays)
        assert 60 < share < 140


def test_one_run_draws_anew_after_each_failure() -> None:
    backoff = Backoff(seed="run")

    assert 20 == len({round(backoff.delay(n) / backoff.bound(n), 6) for n in range(1, 21)})


# What the server asks for


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        (" ", None),
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("0007", 7),
        ("3600", 3600),
        ("3601", 3600),
        (str(10**9), 3600),
        (str(10**30), 3600),
        ("9" * 10_000, 3600),
        ("-1", 0),
        ("-" + "9" * 10_000, 0),
        ("1.5", None),
        ("+5", None),
        ("5 s", None),
        ("5,6", None),
        ("0x10", None),
        ("1e3", None),
        ("1_000", None),
        ("nan", None),
        ("inf", None),
        ("-", None),
        ("soon", None),
        ("\u0665", None),
        ("\uff15", None),
        ("²", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 10),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 10),
        ("Sun, 06 Nov 1994 09:49:37 +0100", 10),
        ("Sun, 06 Nov 1994 08:49:27 GMT", 0),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
        ("Sun, 06 Nov 9994 08:49:37 GMT", 3600),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 99999 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 +9999", None),
        ("Sun, 06 Nov", None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_seconds_and_dates_are_understood_and_nothing_else(value: str | None, expected: float | None) -> None:
    assert expected == retry_after(value, wall=NOW)


@pytest.mark.parametrize("value", ["--5", "---", "-" * 30 + "5", "--" + "9" * 30])
def test_more_than_one_minus_says_nothing(value: str) -> None:
    assert retry_after(value, wall=NOW) is None


@pytest.mark.parametrize(
    "value",
    ["Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 -0000", "Sun, 06 Nov 1994 08:49:37"],
    ids=["asctime", "minus zero", "no zone"],
)
def test_a_date_without_a_zone_is_universal_time_wherever_we_are(value: str, time_zone: str) -> None:
    """RFC 9110, 5.6.7: an asctime date is in UTC."""
    assert 10 == retry_after(value, wall=NOW)


@given(st.integers(-(10**5), 10**5), st.integers(-12, 12))
def test_a_date_is_that_many_seconds_away(seconds: int, hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    date = format_datetime(datetime.fromtimestamp(NOW + seconds, tz=zone))

    assert min(max(seconds, 0), LONGEST_RETRY_AFTER) == retry_after(date, wall=NOW)


def test_a_date_counts_from_the_fraction_of_the_second_that_it_is() -> None:
    assert pytest.approx(9.5) == retry_after("Sun, 06 Nov 1994 08:49:37 GMT", wall=NOW + 0.5)


words = st.sampled_from(
    [
        "Sun",
        "Monday",
        "06",
        "6-Nov-94",
        "Nov",
        "1994",
        "08:49:37",
        "8.49",
        "GMT",
        "-0000",
        "+9999",
        ",",
        ":",
        "-",
        "(",
        "9",
    ]
)


@given(
    st.text()
    | st.text("0123456789-+.: ,eE")
    | st.lists(words, max_size=8).map(" ".join)
    | st.lists(words, max_size=8).map("".join),
    st.floats(0, 1e11),
)
@example("--0", 0.0)
@example("Sun, 06 Nov 1994 08:49:37 -2400", 0.0)
def test_whatever_it_says_is_at_most_an_hour_or_nothing(value: str, wall: float) -> None:
    hold = retry_after(value, wall=wall)

    assert hold is None or 0 <= hold <= LONGEST_RETRY_AFTER
