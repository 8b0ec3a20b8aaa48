"""The architecture page names files and names that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
ROWS: list[tuple[str, str, str]] = re.findall(r"^\| ([^|]+) \| `(src/[^`]+)` \| `([^`]+)` \|$", PAGE, re.MULTILINE)
QUESTIONS = [what for what, _, _ in ROWS if what.endswith("?")]
STEPS = [what for what, _, _ in ROWS if not what.endswith("?")]


def names(nodes: list[ast.stmt], prefix: str = "") -> set[str]:
    """The classes, functions and methods that *nodes* define, methods as ``Class.method``."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(prefix + node.name)
        if isinstance(node, ast.ClassDef):
            found |= names(node.body, f"{prefix}{node.name}.")
    return found


def test_there_are_ten_questions_and_nine_steps() -> None:
    assert 10 == len(QUESTIONS)
    assert [str(number) for number in range(1, 10)] == [step.partition(".")[0] for step in STEPS]


@pytest.mark.parametrize(("what", "path", "name"), ROWS, ids=[what for what, _, _ in ROWS])
def test_the_file_of_a_row_is_there_and_defines_the_name(what: str, path: str, name: str) -> None:
    file = ROOT / path
    assert file.is_file(), f"there is no {path}"
    assert name in names(ast.parse(file.read_text("utf-8")).body), f"{path} defines no {name}"


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w/]+\.py)`", PAGE))))
def test_a_file_in_the_text_is_there(path: str) -> None:
    assert [] != [*(ROOT / "src").rglob(path), *ROOT.glob(path)]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:domain|adapters|app|testing)(?:/\w+)*)`", PAGE))))
def test_a_folder_in_the_text_is_there(path: str) -> None:
    assert (ROOT / "src" / path).is_dir()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([A-Z][a-z]\w+(?:\.\w+)?)`", PAGE)) - {"SimpleQueue.put"}))
def test_a_class_in_the_text_is_defined_and_holds_the_name(name: str) -> None:
    owner, _, inside = name.partition(".")
    sources = (file.read_text("utf-8") for file in (ROOT / "src").rglob("*.py"))
    homes = [source for source in sources if re.search(rf"^class {owner}\b", source, re.MULTILINE)]
    assert [] != homes, f"there is no class {owner}"
    assert any(re.search(rf"\b{inside}\b", source) for source in homes), f"{owner} has no {inside}"


def tree() -> list[str]:
    """The folders in the picture of the tree. Those of one line are siblings; the indent says below which folder."""
    (picture,) = re.findall(r"^```text\nsrc/\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    folders: list[str] = []
    above: list[str] = []
    for line in picture.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2 - 1
        found = re.findall(r"(\w+)/", line)
        folders += ["/".join([*above[:depth], name]) for name in found]
        above = [*above[:depth], *found[:1]]
    return folders


def test_the_picture_of_the_tree_shows_folders_that_are_there() -> None:
    shown = tree()
    assert {"domain/client", "app/delivery/senders", "adapters/web/pages"} <= set(shown)
    assert [] == [folder for folder in shown if not (ROOT / "src" / folder).is_dir()]
