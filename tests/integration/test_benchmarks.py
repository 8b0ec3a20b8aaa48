"""The benchmarks still run: every program of them once, at the smallest size, without the peers.

No time is looked at. What is compared is that each question has its section, and each section a row for hubport and for
everybody who was to be measured beside it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.integration.adapters.child_process import unmeasured

ROOT = Path(__file__).parent.parent.parent

STATES = ["hubport, HUB up", "hubport, HUB refuses connections", "hubport, HUB never answers"]
LOGGERS = ["neptune-scale", "wandb", "trackio", "tensorboardX", "hub-sdk", "ultralytics 8.0.100"]
CALLS = ["bare `json.dumps` and append", *STATES, *LOGGERS]
OLD_CLIENTS = ["hub-sdk", "ultralytics 8.0.100"]
PHASES = [
    "the first minute",
    "steady state",
    "outage of 10 minutes",
    "the minute after it",
    "429 with Retry-After 30, 5 minutes",
    "the minute after that",
    "steady state again",
]
FORMS = [
    "line",
    "line with a checksum",
    "line with a checksum, fsync",
    "SQLite, WAL, synchronous off",
    "SQLite, WAL, synchronous normal",
    "SQLite, WAL, synchronous full",
]
SERVERS = ["hubport serve", "uvicorn and multipart, bare", "mlflow server"]
EXPECTED: Mapping[str, Sequence[Sequence[str]]] = {
    "What does a log call cost the training thread?": [CALLS, CALLS],
    "Which form of outbox keeps a record at which price?": [FORMS],
    "What survives kill -9?": [["hubport", "bare append", "neptune-scale", "wandb", "trackio", "tensorboardX"]],
    "How long does a checkpoint hold the training thread?": [
        ["hubport, the first", "hubport, one that supersedes another", *OLD_CLIENTS, "requests"]
    ],
    "How many threads and processes does a client add?": [
        ["hubport", *OLD_CLIENTS, "neptune-scale", "wandb", "trackio", "tensorboardX"]
    ],
    "What does an outage cost in memory?": [
        ["hubport, HUB refuses connections", "hubport, HUB never answers", *OLD_CLIENTS]
    ],
    "How long does an end take when the HUB is dead?": [["hubport", *OLD_CLIENTS]] * 3,
    "What does an import cost?": [
        [
            "hubport",
            "hubport, then `hubport.connect`",
            "requests",
            "hub-sdk",
            "wandb",
            "trackio",
            "tensorboardX",
            "neptune-scale",
        ]
    ],
    "How does a fleet arrive at the HUB?": [PHASES] * 2,
    "How long does a day of training take a test?": [["120 epochs of a minute"]],
    "What does a HUB of one's own take?": [
        ["the disk alone, 1 at once", *[f"{name}, {n} at once" for n in (1, 16) for name in SERVERS]],
        ["the disk alone", *SERVERS],
    ],
}
UPLOADS = "What does an upload cost in memory and time?"


def benchmarks(*arguments: str, into: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--scale", "smoke", "--into", str(into), *arguments]
    environment = os.environ | unmeasured()
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert 0 == ended.returncode, ended.stderr


def sections(page: str) -> dict[str, list[list[str]]]:
    """The first cells of each table of each section, without those of goals."""
    found = {}
    for section in page.split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        tables = re.findall(
            r"(?m)^\|(?!.*\|---).*\n\|---.*\n((?:\|.*\n)+)", re.sub(r"\| goal \|(?:.*\n)+?\n", "", text)
        )
        found[title] = [[row.split(" | ")[0].removeprefix("| ") for row in table.splitlines()] for table in tables]
    return found


@pytest.mark.slow
def test_each_question_is_asked_and_answered(tmp_path: Path) -> None:
    """In one test, since tests of one module run in several processes, and each of those would measure anew."""
    benchmarks("--without-peers", into=tmp_path)
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    answers = json.loads((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))["answers"]

    every_question_has_its_rows(page)
    assert "| wandb | not asked for |" in page

    # Nothing acknowledged is lost when the process is killed.
    ((acknowledged, kept),) = answers["kill"]["raw"]["lives"]["hubport"]
    assert acknowledged > 0
    assert kept >= acknowledged

    # A fleet delivers what it has logged, but for what is under way.
    for fleet in answers["fleet"]["raw"]["fleets"]:
        assert fleet["logged"] - fleet["sessions"] <= fleet["delivered"] <= fleet["logged"]

    # The page can be drawn again without measuring.
    (tmp_path / "benchmarks.md").unlink()
    benchmarks("--draw", into=tmp_path)
    assert page == (tmp_path / "benchmarks.md").read_text(encoding="utf-8")


def every_question_has_its_rows(page: str) -> None:
    found = sections(page)
    (uploads,) = found.pop(UPLOADS)
    assert {"hubport, the request", "hubport, `upload_checkpoint` and `flush`", "requests", "curl"} < set(uploads)
    about = {title: found.pop(title) for title in ("Goals", "The machine")}
    assert ["processor", "cores", "memory", "kernel", "file system", "Python"] == about["The machine"][0]
    assert {title: [[*table] for table in tables] for title, tables in EXPECTED.items()} == found
