"""Tables on terminals of any width."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.app.cli.tables import table, terminal_columns
from hubport.domain.terminal_text import width

ROWS = [
    ("ID", "NAME", "STATE"),
    ("Ab3Cd5Ef7Gh9Ij1Kl2Mn", "n" * 190, "training"),
    ("Bb3Cd5Ef7Gh9Ij1Kl2Mn", "世界" * 40, "new"),
]


def test_what_is_no_terminal_gets_every_character(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())

    assert "n" * 190 in table(ROWS)
    assert "世界" * 40 in table(ROWS)


@pytest.mark.parametrize("columns", [60, 80, 200, 1000])
def test_a_row_is_one_line_of_the_terminal(columns: int) -> None:
    lines = table(ROWS, columns=columns).splitlines()

    assert columns >= max(map(width, lines))
    assert [row[0] for row in ROWS] == [line[: len(row[0])] for row, line in zip(ROWS, lines, strict=True)]
    assert ["STATE", "training", "new"] == [line.split()[-1] for line in lines]


def test_a_terminal_is_used_to_its_edge() -> None:
    assert 80 == max(map(width, table(ROWS, columns=80).splitlines()))


def test_what_fits_is_not_cut() -> None:
    rows = [("a", "b" * 61)]

    assert f"a  {'b' * 61}" == table(rows, columns=80) == table(rows, columns=64)


def test_a_terminal_that_is_too_narrow_still_gets_whole_ids() -> None:
    assert "Ab3Cd5Ef7Gh9Ij1Kl2Mn  nnnnnnn…  training" in table(ROWS, columns=10)


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), min_size=1), st.integers(1, 200))
def test_any_text_is_a_line_and_moves_no_column(rows: list[tuple[str, str, str]], columns: int) -> None:
    lines = table(rows, columns=columns).split("\n")

    assert len(rows) == len(lines)
    ids = max(width(line) for line in table([(row[0],) for row in rows]).split("\n"))
    assert max(columns, ids + 2 * (2 + 8)) >= max(map(width, lines))


def test_a_stdout_that_is_closed_or_not_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    for stdout in (None, closed):
        monkeypatch.setattr(sys, "stdout", stdout)
        assert terminal_columns() is None
