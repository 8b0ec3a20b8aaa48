"""Names say the field's words: what had a private name once does not get it back."""

from __future__ import annotations

import ast
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Names that meant something here alone, and what the field says.
OLD_NAMES = {
    "Allowance": "RateLimiter",
    "Asked": "HubRequest",
    "Connector": "SessionFactory",
    "Convoy": "RequestBatcher",
    "Crew": "WorkerGroup",
    "Errand": "Sender",
    "Intake": "Recorder",
    "Lane": "Pacer",
    "PartingTransport": "LingeringTransport",
    "Premises": "HubContext",
    "Puts": "MetricsStatements",
    "Refusal": "ApiError",
    "Shelf": "Repository",
    "SignalHold": "SignalDrain",
    "Surroundings": "HubEnvironment",
    "Tally": "DeliveryCounters",
    "Troubles": "FailureLog",
    "WholeDraft": "HashingBlob",
    "bury": "reap",
    "crew": "group",
    "errand": "sender",
    "forget_lock": "clear_unauthorized",
    "hurry": "begin_drain",
    "is_bystander": "is_disabled",
    "lane": "pacer",
    "left_over": "claim_orphans",
    "locked_out": "is_unauthorized",
    "metrics_every": "metrics_interval",
    "premises": "context",
    "request_within": "request_timeout",
    "shelf": "repository",
    "stroll": "end_drain",
    "tally": "counters",
    "until_gone": "wait_disconnected",
}


@pytest.mark.parametrize("path", sorted(ROOT.glob("src/**/*.py")), ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_no_name_is_one_that_has_to_be_learned(path: Path) -> None:
    with path.open("rb") as file:
        names = {token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.NAME}
    assert {} == {name: OLD_NAMES[name] for name in sorted(names & OLD_NAMES.keys())}


def test_modules_are_small() -> None:
    """A concept is missing where one is long."""
    sizes = sorted(len(path.read_text("utf-8").splitlines()) for path in ROOT.glob("src/**/*.py"))
    assert sizes[len(sizes) // 2] <= 90
    assert sizes[-1] <= 300


def stale_names(path: Path) -> list[str]:
    """What docstrings call *a parameter*, where neither the function nor its class has one of that name."""
    found: list[str] = []

    def known(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> set[str]:
        names: set[str] = set()
        for one in ast.walk(node):
            if isinstance(one, ast.arg):
                names.add(one.arg)
            elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                names.add(one.target.id)
        return names

    def visit(node: ast.AST, outer: set[str]) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            outer = outer | known(node)
            called = re.findall(r"(?<![*\w])\*([a-z_]\w*)\*(?![*\w])", ast.get_docstring(node) or "")
            found.extend(f"{path.name}:{node.lineno} *{name}*" for name in called if name not in outer)
        for child in ast.iter_child_nodes(node):
            visit(child, outer)

    visit(ast.parse(path.read_text("utf-8")), set())
    return found


@pytest.mark.parametrize("path", sorted(ROOT.glob("src/**/*.py")), ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_docstrings_speak_of_parameters_that_are_there(path: Path) -> None:
    assert [] == stale_names(path)
