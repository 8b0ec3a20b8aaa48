"""Names say the field's words: what had a private name once does not get it back."""

from __future__ import annotations

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
