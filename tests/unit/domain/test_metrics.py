from __future__ import annotations

import fractions
import json
import math
from collections.abc import Callable
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hubport.domain.errors import InvalidMetrics
from hubport.domain.metrics import (
    EpochValues,
    Scalar,
    epoch_number,
    flag,
    from_text,
    json_safe,
    merged,
    sanitize,
    to_text,
)
from tests.unit.domain.strategies import mappings, scalars, strict_json

NAN, INF = math.nan, math.inf
PLAIN_TYPES = {float, int, str, bool, type(None)}


class TensorLike:
    """A scalar by duck typing, as torch's and jax's are: all that is known of it is ``item()``."""

    def __init__(self, *values: Any) -> None:
        self._values = values

    def item(self) -> Any:
        if len(self._values) != 1:
            raise RuntimeError(f"a Tensor with {len(self._values)} elements cannot be converted to Scalar")
        return self._values[0]

    def __repr__(self) -> str:
        """The same in every process, so that tests are called the same everywhere."""
        return f"TensorLike{self._values}"


class Floating:
    """A scalar that knows ``float()`` alone, as TensorFlow's do."""

    def __float__(self) -> float:
        return 0.25

    def __repr__(self) -> str:
        return "Floating()"


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


class Name(str, Enum):
    LOSS = "train/loss"


class Level(IntEnum):
    HIGH = 3


class Hostile:
    """A value, or a name, whose own code raises whatever it likes."""

    def __index__(self) -> int:
        raise OSError("the device is gone")

    __float__ = __bool__ = item = __index__

    def __repr__(self) -> str:
        return "Hostile()"


class HostileMapping(dict[str, object]):
    def items(self) -> Any:
        yield "loss", 0.5
        raise KeyError("the file behind it is closed")


class SlyFloat(float):
    def __repr__(self) -> str:
        return "SlyFloat"


class SlyInt(int):
    def __repr__(self) -> str:
        return "SlyInt"


# What is taken


@given(mappings)
def test_what_json_can_hold_passes_as_it_is(values: dict[str, Scalar]) -> None:
    safe = json_safe(values)

    assert values == safe
    assert list(values) == list(safe)
    assert [type(value) for value in values.values()] == [type(value) for value in safe.values()]


@pytest.mark.parametrize("value", [NAN, INF, -INF, np.float32(NAN), np.float16(INF), np.float64(-INF)], ids=repr)
def test_what_is_no_number_becomes_null(value: float) -> None:
    assert {"x": None} == json_safe({"x": value})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, 0.5),
        (-0.0, -0.0),
        (5e-324, 5e-324),
        (1.7976931348623157e308, 1.7976931348623157e308),
        (0, 0),
        (2**1000, 2**1000),
        (-(2**1000), -(2**1000)),
        (True, True),
        (False, False),
        (None, None),
        ("a note", "a note"),
        (SlyFloat(0.5), 0.5),
        (SlyInt(5), 5),
        (Level.HIGH, 3),
        (Decimal("0.25"), 0.25),
        (Decimal("NaN"), None),
        (Decimal("Infinity"), None),
        (fractions.Fraction(1, 4), 0.25),
        (Floating(), 0.25),
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.float16(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.longdouble("1e4000"), None),
        (np.int8(-5), -5),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.str_("text"), "text"),
        (np.array(0.5), 0.5),
        (np.array([0.5]), 0.5),
        (np.array([[7]]), 7),
        (TensorLike(0.5), 0.5),
        (TensorLike(3), 3),
        (TensorLike(True), True),
        (TensorLike(NAN), None),
        (TensorLike(INF), None),
        (TensorLike(np.float32(0.5)), 0.5),
        (TensorLike("text"), "text"),
    ],
    ids=repr,
)
def test_a_number_of_any_make_becomes_a_plain_one(value: object, expected: Scalar) -> None:
    safe = json_safe({"x": value})["x"]

    assert expected == safe
    assert type(expected) is type(safe)
    assert str(expected) == str(safe)  # and the sign of zero


@given(hnp.arrays(st.sampled_from(["f2", "f4", "f8", "i1", "i8", "u8", "?"]), shape=()))
def test_every_numpy_scalar_becomes_its_own_value(array: Any) -> None:
    scalar = array[()]
    safe = json_safe({"x": scalar, "y": array})

    assert (None if not math.isfinite(scalar) else scalar) == safe["x"]
    assert safe["x"] == safe["y"]
    assert {type(safe["x"])} <= PLAIN_TYPES


@pytest.mark.parametrize("make", [Text, np.str_], ids=["subclass", "numpy"])
def test_text_of_another_class_is_the_text_it_holds(make: Callable[[str], str]) -> None:
    safe = json_safe({make("loss"): make("note")})

    assert {"loss": "note"} == safe
    assert [(str, str)] == [(type(name), type(value)) for name, value in safe.items()]


def test_a_name_out_of_an_enumeration_is_its_value() -> None:
    """As `json` writes it: ``{"train/loss": ...}``, and not ``{"Name.LOSS": ...}``."""
    assert ["train/loss"] == list(json_safe({Name.LOSS: 0.5}))
    assert "train/loss" == json_safe({"x": Name.LOSS})["x"]


def test_any_mapping_will_do() -> None:
    assert {"x": 0.5} == json_safe(MappingProxyType({"x": 0.5}))


def test_the_callers_mapping_is_neither_changed_nor_kept() -> None:
    values: dict[str, object] = {"x": NAN}
    safe = json_safe(values)
    values["x"] = 1

    assert {"x": None} == safe


# What is refused


NOT_METRICS: dict[str, object] = {
    "a nested mapping": {"nested": 0.5},
    "a list": [0.5],
    "a tuple": (0.5,),
    "a set": {0.5},
    "an object": object(),
    "a function": json_safe,
    "a range": range(3),
    "a class": np.float32,
    "a complex number": 0.5 + 1j,
    "a complex number of numpy": np.complex64(0.5),
    "an array of two": np.array([0.5, 0.5]),
    "an array of none": np.array([]),
    "a matrix": np.array([[1, 2], [3, 4]]),
    "a date": np.datetime64("2026-01-01"),
    "a tensor of none": TensorLike(),
    "a tensor of two": TensorLike(0.5, 0.5),
    "a tensor of a list": TensorLike([0.5]),
    "a tensor of a mapping": TensorLike({"nested": 0.5}),
    "a signalling NaN": Decimal("sNaN"),
    "a huge fraction": fractions.Fraction(10**400),
    "an integer beyond a double": 2**1024,
    "an integer beyond a double below zero": -(2**1024),
    "an integer that Python does not print": 10**5000,
    "a huge integer of another class": SlyInt(10**400),
    "a tensor of a huge integer": TensorLike(10**400),
    "a value of a device that is gone": Hostile(),
}


@pytest.mark.parametrize("value", NOT_METRICS.values(), ids=NOT_METRICS)
def test_what_is_no_number_or_text_is_a_type_error_that_names_the_metric(value: object) -> None:
    with pytest.raises(InvalidMetrics) as caught:
        json_safe({"fine": 1, "train/loss": value})

    assert isinstance(caught.value, TypeError)
    assert "train/loss" == caught.value.name
    assert str(caught.value).startswith("train/loss: ")


@pytest.mark.parametrize(
    "value",
    [b"0.5", b"nan", bytearray(b"0.5"), memoryview(b"0.5"), np.bytes_(b"0.5")],
    ids=["bytes", "bytes of nan", "bytearray", "memoryview", "numpy"],
)
def test_bytes_are_neither_number_nor_text(value: object) -> None:
    with pytest.raises(InvalidMetrics, match=r"^train/loss: "):
        json_safe({"train/loss": value})


@pytest.mark.parametrize("name", [1, None, 0.5, ("a",), b"loss", frozenset({"loss"})], ids=repr)
def test_a_name_that_is_no_text_is_a_type_error_that_shows_it(name: Any) -> None:
    with pytest.raises(InvalidMetrics) as caught:
        json_safe({name: 0.5})

    assert isinstance(caught.value, TypeError)
    assert repr(name) == caught.value.name


@pytest.mark.parametrize("values", [None, 0.5, "loss", [("loss", 0.5)], {"loss"}], ids=repr)
def test_what_is_no_mapping_is_refused(values: Any) -> None:
    with pytest.raises(InvalidMetrics, match="a mapping of names to numbers is needed"):
        json_safe(values)


anything = st.one_of(
    scalars,
    st.floats(),
    st.integers(),
    st.binary(max_size=4),
    st.complex_numbers(),
    st.decimals(),
    st.fractions(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    st.builds(TensorLike, st.floats()),
    st.builds(TensorLike, st.floats(), st.floats()),
    hnp.arrays(hnp.scalar_dtypes(), shape=hnp.array_shapes(min_dims=0, max_dims=1, max_side=2)),
    st.from_type(type),
)


@given(st.dictionaries(st.text(max_size=5), anything, max_size=3))
def test_whatever_is_logged_is_strict_json_or_an_error_of_ours(values: dict[str, object]) -> None:
    try:
        safe = json_safe(values)
    except InvalidMetrics as refused:
        assert refused.name in values  # noqa: PT017 - either way is fine, and this holds for one of them
        return
    assert {type(value) for value in safe.values()} <= PLAIN_TYPES
    assert safe == strict_json(to_text(safe))


@given(st.dictionaries(st.text(max_size=5), anything, max_size=5))
def test_a_bad_value_costs_that_value_alone(values: dict[str, object]) -> None:
    safe, errors = sanitize(values)

    assert set(values) == set(safe) | {error.name for error in errors}
    assert len(values) == len(safe) + len(errors)
    for name, value in safe.items():
        assert {name: value} == json_safe({name: values[name]})


@pytest.mark.parametrize("name", [1, None, ("a",), Hostile()], ids=repr)
def test_a_bad_name_costs_its_value_alone(name: Any) -> None:
    safe, (error,) = sanitize({"loss": 0.5, name: 1.0})

    assert {"loss": 0.5} == safe
    assert repr(name) == error.name


def test_a_mapping_that_breaks_half_way_costs_what_comes_after() -> None:
    safe, (error,) = sanitize(HostileMapping())

    assert {"loss": 0.5} == safe
    assert "HostileMapping cannot be read: KeyError" == error.problem
    with pytest.raises(InvalidMetrics, match="HostileMapping cannot be read: KeyError"):
        json_safe(HostileMapping())


@pytest.mark.parametrize("values", [None, 0.5, "loss", [("loss", 0.5)]], ids=repr)
def test_nothing_is_left_of_what_is_no_mapping(values: object) -> None:
    safe, (error,) = sanitize(values)

    assert {} == safe
    assert error.problem.startswith("a mapping of names to numbers is needed")


# Flags


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), (0, False), (np.bool_(True), True), (np.array([0]), False)]
)
def test_what_is_true_or_false_is_a_flag(value: object, *, expected: bool) -> None:
    assert expected is flag("is_best", value)


@pytest.mark.parametrize("value", [np.array([True, False]), Hostile()], ids=repr)
def test_what_is_neither_true_nor_false_is_no_flag(value: object) -> None:
    with pytest.raises(InvalidMetrics, match=r"^is_best: true or false is needed"):
        flag("is_best", value)


# Epochs


@pytest.mark.parametrize(
    "epoch",
    [
        0,
        5,
        np.int64(5),
        np.uint8(5),
        np.array(5),
        SlyInt(5),
        Level.HIGH,
        0.0,
        3.0,
        np.float32(1),
        np.array([5.0]),
        TensorLike(3.0),
        Decimal(3),
    ],
    ids=repr,
)
def test_a_whole_number_of_any_make_is_an_epoch(epoch: Any) -> None:
    expected = epoch.item() if hasattr(epoch, "item") else epoch
    assert int(expected) == epoch_number(epoch)
    assert int is type(epoch_number(epoch))


@pytest.mark.parametrize("epoch", [-1, np.int64(-1), SlyInt(-5), -3.0], ids=repr)
def test_epochs_count_from_zero(epoch: Any) -> None:
    with pytest.raises(InvalidMetrics, match="count from 0"):
        epoch_number(epoch)


@pytest.mark.parametrize(
    "epoch", [1.5, "1", None, [1], b"1", np.float32(1.5), np.array([1, 2]), NAN, INF, Hostile()], ids=repr
)
def test_what_is_no_whole_number_is_no_epoch(epoch: Any) -> None:
    with pytest.raises(InvalidMetrics, match=r"^epoch: ") as caught:
        epoch_number(epoch)

    assert isinstance(caught.value, TypeError)


def test_an_epoch_fits_into_63_bits() -> None:
    assert 2**63 - 1 == epoch_number(2**63 - 1) == epoch_number(SlyInt(2**63 - 1))
    for epoch in (2**63, SlyInt(2**63)):
        with pytest.raises(InvalidMetrics, match="to 9223372036854775807"):
            epoch_number(epoch)


@pytest.mark.parametrize("epoch", [10**5000, -(10**5000)], ids=["huge", "hugely negative"])
def test_an_epoch_that_python_refuses_to_print_is_refused_by_name(epoch: int) -> None:
    """It could be neither written into the journal nor sent."""
    with pytest.raises(InvalidMetrics, match=r"^epoch: "):
        epoch_number(epoch)


# Text of trainers

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def null_for_what_is_no_number(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [null_for_what_is_no_number(v) for v in value]
    if isinstance(value, dict):
        return {k: null_for_what_is_no_number(v) for k, v in value.items()}
    return value


@given(json_values)
def test_text_of_a_trainer_becomes_strict_json(value: Any) -> None:
    text = from_text(json.dumps(value))

    assert null_for_what_is_no_number(value) == strict_json(text)


@given(json_values, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_clean_text_stays_byte_for_byte(value: Any, indent: int | str | None, in_ascii: bool) -> None:  # noqa: FBT001
    text = json.dumps(null_for_what_is_no_number(value), indent=indent, ensure_ascii=in_ascii)

    assert text == from_text(text)


@pytest.mark.parametrize(
    "text",
    [
        '{ "a" : 1.50 ,\n"b":1E5}',
        '{"a":1,"a":2}',
        '{"note":"NaN and Infinity, 1e999"}',
        '{"NaN":0.10000000000000000555}',
        '"\\u00e4"',
        "0.1",
        "null",
        "",
        "no JSON",
        "{'a': 1}",
        '{"a": NaN',
        "nan",
        '{"a": 1} NaN',
        "\ufeff{}",
        "[" * 100_000,
        f'{{"a": {10**308}}}',
    ],
    ids=lambda text: text[:20],
)
def test_text_without_nan_and_text_that_is_no_json_stay(text: str) -> None:
    assert text == from_text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NaN", "null"),
        ('{"a": NaN, "b": [Infinity, -Infinity], "c": {"d": NaN}}', '{"a": null, "b": [null, null], "c": {"d": null}}'),
        ('{"a": 1e999, "b": -1e999, "c": 1e-999}', '{"a": null, "b": null, "c": 0.0}'),
        (f'{{"a": NaN, "b": {10**307}}}', f'{{"a": null, "b": {10**307}}}'),
        (f'{{"a": {10**400}, "b": -{10**400}}}', '{"a": null, "b": null}'),
    ],
    ids=["alone", "everywhere", "floats too large", "a large integer", "integers too large"],
)
def test_nan_and_infinities_in_text_become_null(text: str, expected: str) -> None:
    assert expected == from_text(text)


def test_an_integer_beyond_pythons_patience_does_not_let_nan_through() -> None:
    text = from_text(f'{{"a": NaN, "b": {"1" * 5000}}}')

    assert "NaN" not in text


# Merging


@given(mappings, mappings, mappings)
def test_merging_mappings_is_associative(a: EpochValues, b: EpochValues, c: EpochValues) -> None:
    assert merged(merged(a, b), c) == merged(a, merged(b, c))


@given(st.text(), st.text(), st.text())
def test_merging_texts_is_associative(a: EpochValues, b: EpochValues, c: EpochValues) -> None:
    assert c == merged(merged(a, b), c) == merged(a, merged(b, c))


@given(mappings, mappings)
def test_mappings_add_up_and_the_newest_wins_for_a_name(older: dict[str, Scalar], newer: dict[str, Scalar]) -> None:
    both = merged(older, newer)

    assert isinstance(both, dict)
    assert older.keys() | newer.keys() == both.keys()
    assert {name: newer.get(name, older.get(name)) for name in both} == both


@given(mappings, mappings)
def test_merging_changes_neither(older: dict[str, Scalar], newer: dict[str, Scalar]) -> None:
    before = (dict(older), dict(newer))
    merged(older, newer)

    assert before == (older, newer)


@given(st.none() | mappings | st.text(), mappings | st.text())
def test_text_replaces_and_is_replaced(older: EpochValues | None, newer: EpochValues) -> None:
    assume(not (isinstance(older, dict) and isinstance(newer, dict)))

    assert newer == merged(older, newer)


# Text for the wire


@given(mappings)
@example({"\u2028": "\ud800"})
def test_the_text_for_the_wire_is_strict_json_in_ascii(values: dict[str, Scalar]) -> None:
    text = to_text(values)

    assert values == strict_json(text)
    assert text.isascii()


@given(st.text())
def test_text_is_sent_as_it_is(text: str) -> None:
    assert text == to_text(text)
