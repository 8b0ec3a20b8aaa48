"""The page of what is promised names tests that exist, for every row."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "delivery.md").read_text("utf-8")
ROWS = re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.MULTILINE)


def functions(name: str) -> set[str]:
    """The tests in the files of this *name*."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob(name):
        tree = ast.parse(path.read_text("utf-8"))
        found |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return found


def test_there_are_33_rows() -> None:
    assert [str(number) for number in range(1, 34)] == [number for number, _ in ROWS]


@pytest.mark.parametrize(("number", "row"), ROWS, ids=[number for number, _ in ROWS])
def test_a_row_is_shown_by_a_test_or_a_benchmark_that_is_there(number: str, row: str) -> None:
    named = re.findall(r"`(test_\w+\.py)(?:::(\w+))?`", row)
    measured = [
        name for names in re.findall(r"benchmarks? (`\w+`(?: and `\w+`)*)", row) for name in names.split("`")[1::2]
    ]
    assert named or measured
    for file, test in named:
        assert functions(file), f"there is no {file}"
        assert not test or test in functions(file), f"{file} has no {test}"
    for question in measured:
        assert (ROOT / "benchmarks" / "questions" / f"{question}.py").exists(), f"there is no benchmark {question}"


def test_nothing_is_left_to_be_filled_in() -> None:
    assert "@" not in PAGE
