"""Two texts of one epoch, merged by name: nothing is lost, and nothing changes that comes again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.hub.epoch_text import LONGEST, EpochTooLarge, merge, merged

names = st.text(max_size=3)
values = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.floats(), max_size=2)
)
objects = st.dictionaries(names, values, max_size=4).map(json.dumps)
texts = objects | st.text(max_size=8) | st.lists(values, max_size=2).map(json.dumps)


def read(text: str) -> Any:
    """With NaN, which is not equal to itself, as text."""
    return json.loads(text, parse_constant=str)


@given(objects, objects)
def test_of_each_name_the_newest_value_counts(older: str, newer: str) -> None:
    assert {**read(older), **read(newer)} == read(merged(older, newer))


@given(st.lists(texts, min_size=1, max_size=4))
def test_what_comes_again_changes_nothing(posts: list[str]) -> None:
    held: str | None = None
    for text in posts:
        held = merged(held, text)
        assert held == merged(held, text)


@given(objects, objects, objects)
def test_in_how_many_posts_they_come_makes_no_difference(first: str, second: str, third: str) -> None:
    apart = merged(merged(first, second), third)
    together = merged(first, merged(second, third))
    assert read(apart) == read(together)


@given(texts)
def test_the_first_text_is_kept_to_the_letter(text: str) -> None:
    assert text == merged(None, text)


@pytest.mark.parametrize("other", ["", "no JSON", "[1]", "5", "null", '{"a": 1', '"text"', "[" * 100_000])
def test_what_has_no_names_replaces_and_is_replaced(other: str) -> None:
    assert other == merged('{"a": 1}', other)
    assert '{"a": 1}' == merged(other, '{"a": 1}')


def test_an_integer_that_python_does_not_read_costs_no_other_name() -> None:
    assert {"a": 1, "b": None} == read(merged('{"a": 1}', f'{{"b": {"9" * 5000}}}'))
    assert {"a": 1, "b": None} == read(merged(f'{{"b": {"9" * 5000}}}', '{"a": 1}'))


@pytest.mark.parametrize(("older", "newer"), [("1", "1.0"), ("true", "1"), ("0.0", "-0.0"), ("null", "NaN")])
def test_values_that_are_equal_to_python_are_two(older: str, newer: str) -> None:
    assert f'{{"a": {newer}}}' == merged(f'{{"a": {older}}}', f'{{"a": {newer}}}')


def test_text_that_is_nested_too_deep_to_be_written_again_is_no_error() -> None:
    deep = '{"a": ' * 900 + "1" + "}" * 900
    for texts_ in (('{"b": 1}', deep), (deep, '{"b": 1}'), ('{"b": 1}', deep * 200)):
        assert isinstance(merged(*texts_), str)


def test_an_epoch_that_grows_too_large_is_refused_and_nothing_is_put() -> None:
    held = {0: json.dumps({"a": "x" * (LONGEST - 20)})}
    with pytest.raises(EpochTooLarge, match="epoch 0 ") as caught:
        merge(held, {1: "{}", 0: '{"b": "0123456789"}'})

    assert 0 == caught.value.epoch
    assert [0] == list(held)


def test_an_epoch_that_was_as_large_before_may_change() -> None:
    """By values of the same length; and what came in one post is as large as a post may be."""
    large = json.dumps({"a": "x" * LONGEST, "b": 1})
    held: dict[int, str] = {}
    merge(held, {0: large})
    merge(held, {0: '{"b": 2}'})

    assert read(held[0])["b"] == 2
