"""The rules in the pages' modules, asked in the browser that runs them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.integration.hub.browser import PagesHub


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    hub = PagesHub()
    page = chromium.new_page()
    page.goto(hub.url)
    yield page
    page.close()
    hub.go()


def _call(page: Page, module: str, function: str, *arguments: Any) -> Any:
    # `Infinity` is no JSON; as a text of JavaScript it is.
    code = f"import('/static/{module}.js').then((module) => module.{function}(...{json.dumps(arguments)}))"
    return page.evaluate(code)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-3, "-3"),
        (3157200, "3,157,200"),
        (0.5, "0.5000"),
        (0.123456, "0.1235"),
        (12.3456, "12.35"),
        (9999.4567, "9999"),
        (12345.678, "12346"),
        (0.0001234, "0.0001234"),
        (0.00001234, "1.234e-5"),
        (1234567.8, "1.235e6"),
        (-1e300, "-1.000e300"),
        (None, "–"),
        ("0.5", "–"),
    ],
)
def test_a_metric_is_shown_in_four_digits(page: Page, value: object, shown: str) -> None:
    assert shown == _call(page, "format", "number", value)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KB"),
        (6_534_387, "6.2 MB"),
        (1024**2 - 1, "1.0 MB"),
        (5 << 50, "5120.0 TB"),
    ],
)
def test_a_size_is_shown_in_its_unit(page: Page, size: int, shown: str) -> None:
    assert shown == _call(page, "format", "bytes", size)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-158_000_000, "in the future"),
        (-5, "just now"),
        (9, "just now"),
        (59, "59 s ago"),
        (3599, "59 min ago"),
        (90_000, "25 h ago"),
        (200_000, "2 days ago"),
    ],
)
def test_how_long_ago_is_told_roughly(page: Page, seconds: float, shown: str) -> None:
    assert shown == _call(page, "format", "ago", seconds)


@pytest.mark.parametrize(
    ("epoch", "shown"),
    [(0, "0"), (2**53 - 1, "9007199254740991"), (2**53 + 1, "≈ 9.007e15"), (2**63 - 1, "≈ 9.223e18")],
)
def test_an_epoch_that_no_page_can_read_to_the_digit_is_shown_roughly(page: Page, epoch: int, shown: str) -> None:
    assert shown == _call(page, "format", "epochNumber", epoch)


def test_epochs_that_are_one_number_to_a_page_are_two_points(page: Page) -> None:
    """In their order: steps of some trainers are nanoseconds, which have 19 digits."""
    epochs = {str(2**63 - 1 - back): {"loss": back} for back in (0, 1, 2)}
    code = f"""import('/static/series.js').then(({{ Epochs }}) => {{
        const epochs = new Epochs();
        epochs.take({json.dumps(epochs)});
        return epochs.points("loss").map(([_, value]) => value);
    }})"""
    assert [2, 1, 0] == page.evaluate(code)


@pytest.mark.parametrize(
    ("low", "high", "count", "whole", "ticks"),
    [
        (0, 1, 5, False, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-1, 1, 4, False, [-1, -0.5, 0, 0.5, 1]),
        (0, 99, 5, True, [0, 20, 40, 60, 80]),
        (0, 2, 5, True, [0, 1, 2]),
        (7, 7, 5, True, [7]),
        (0.001, 0.0017, 5, False, [0.001, 0.0012, 0.0014, 0.0016]),
    ],
)
def test_ticks_are_round_and_within(  # noqa: PLR0917 - a table
    page: Page,
    low: float,
    high: float,
    count: int,
    whole: bool,  # noqa: FBT001
    ticks: list[float],
) -> None:
    assert pytest.approx(ticks) == _call(page, "series", "ticks", low, high, count, whole)


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0, 0.2, 0.4], ["0.0", "0.2", "0.4"]),
        ([0, 500, 1000], ["0", "500", "1000"]),
        ([0, 1e6, 2e6], ["0", "1e6", "2e6"]),
        ([0.0002, 0.0004], ["2e-4", "4e-4"]),
        ([7], ["7"]),
    ],
)
def test_labels_have_the_digits_that_tell_ticks_apart(page: Page, ticks: list[float], labels: list[str]) -> None:
    assert labels == _call(page, "format", "tickLabels", ticks)


def test_few_points_are_drawn_as_they_are_with_gaps(page: Page) -> None:
    points = [[0, 1], [1, None], [2, 2], [5, 3], [6, None], [7, None]]
    assert [[[0, 1]], [[2, 2], [5, 3]]] == _call(page, "series", "runs", points, 100)


def test_many_points_keep_their_extremes_their_ends_and_their_gaps(page: Page) -> None:
    points: list[list[Any]] = [[epoch, math.sin(epoch)] for epoch in range(10_000)]
    points[5_000][1], points[7_000][1] = 50, -50
    for epoch in range(8_000, 8_500):
        points[epoch][1] = None
    runs = _call(page, "series", "runs", points, 100)
    drawn = [tuple(point) for run in runs for point in run]
    assert len(drawn) <= 400
    assert {(0, 0), (5_000, 50), (7_000, -50), (9_999, points[-1][1])} <= set(drawn)
    assert sorted(drawn) == drawn
    assert 2 == len(runs)
    assert (7_999, 8_500) == (runs[0][-1][0], runs[1][0][0])


@pytest.mark.parametrize(("epoch", "place"), [(-5, 0), (0, 0), (4, 0), (6, 1), (10, 1), (99, 2)])
def test_the_nearest_point_is_found(page: Page, epoch: float, place: int) -> None:
    assert place == _call(page, "series", "nearest", [[0, 1], [10, 1], [20, 1]], epoch)
