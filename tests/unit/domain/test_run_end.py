from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.run_end import CLOSED, LONGEST_ERROR, EndKind, RunEnd

_SAID = st.sampled_from(["closed", "failed", "ValueError"])
json_values = st.recursive(
    _SAID | st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_SAID, inner, max_size=2),
    max_leaves=3,
)


class ZählerFehler(Exception):  # noqa: PLC2401
    """A class of a trainer's own, with a name of its own language."""


@pytest.mark.parametrize(
    "exception", [None, KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError], ids=str
)
def test_what_asks_for_an_end_is_no_failure(exception: type[BaseException] | None) -> None:
    assert CLOSED == RunEnd.of(exception)
    assert {"state": "closed"} == CLOSED.fields()


@pytest.mark.parametrize("exception", [ValueError, MemoryError, ZählerFehler])
def test_of_an_exception_its_class_is_told(exception: type[Exception]) -> None:
    assert {"state": "failed", "error": exception.__name__} == RunEnd.of(exception).fields()


@pytest.mark.parametrize("name", ["E" * (LONGEST_ERROR + 1), "no key: 1234", ""], ids=["long", "text", "empty"])
def test_a_class_whose_name_is_none_is_not_told(name: str) -> None:
    assert {"state": "failed"} == RunEnd.of(type(name, (Exception,), {})).fields()


@pytest.mark.parametrize("end", [CLOSED, RunEnd(EndKind.FAILED), RunEnd(EndKind.FAILED, "ValueError")], ids=str)
def test_what_is_said_is_understood(end: RunEnd) -> None:
    assert end == RunEnd.from_body({"agent": "x", "agentId": None} | end.fields())


@given(state=json_values, error=json_values)
def test_any_value_is_an_end_or_none(state: object, error: object) -> None:
    end = RunEnd.from_body({"state": state, "error": error})

    assert end is None or end.error is None or end.error.isidentifier()
