"""Text from elsewhere does nothing to a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.terminal_text import sanitize, width


@pytest.mark.parametrize("text", ["yolov8n.pt", "héllo 世界", "metrics/mAP50-95(B)", "e\u0301", "", "a b", "π ≈ 3"])
def test_what_people_write_stays(text: str) -> None:
    assert text == sanitize(text)


@pytest.mark.parametrize(
    "char", ["\x1b", "\0", "\n", "\r", "\t", "\x7f", "\x9b", "\u202e", "\u2066", "\u200b", "\u2028", "\ud800", "\ufeff"]
)
def test_what_moves_a_cursor_or_turns_the_direction_is_replaced(char: str) -> None:
    assert "a\N{REPLACEMENT CHARACTER}b" == sanitize(f"a{char}b")


@given(st.text())
def test_nothing_hidden_is_left(text: str) -> None:
    shown = sanitize(text)
    assert len(text) == len(shown)
    assert not {unicodedata.category(char)[0] for char in shown} & {"C"}
    shown.encode()


def test_width_is_in_columns() -> None:
    assert (4, 4, 1, 0) == (width("abcd"), width("世界"), width("e\u0301"), width(""))
