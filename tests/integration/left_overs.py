"""What trainers leave behind them: spools of every kind, made by real processes that end in real ways."""

from __future__ import annotations

import contextlib
import io
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from hubport.app.cli.main import main
from hubport.testing.lab import Child, Refuse, Status
from tests.integration.conftest import TrainerSandbox

HOUR = "3600"


def outcome(child: Child) -> tuple[int, list[str], list[str]]:
    """Its exit status, what it has said, and what it has complained of."""
    said = child.rest()
    return child.end(), said, child.stderr.splitlines()


def statuses(site: TrainerSandbox) -> list[dict[str, Any]]:
    """What ``hubport status --json`` says, for the sake of speed in this process."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        for name in ("ULTRALYTICS_HUB_API", "HUBPORT_STATE_DIR"):
            patch.setenv(name, site.environment()[name])
        assert 0 == main(["status", "--json"])
    found: list[dict[str, Any]] = json.loads(said.getvalue())
    return found


def training(site: TrainerSandbox, how: str, *, exit_timeout: str = "0.2") -> Child:
    """A trainer whose first epoch is delivered, and whose two others and second checkpoint wait for an hour."""
    (site.folder / "last.pt").write_bytes(b"weights")
    child = site.start(
        "trains",
        site.folder,
        how,
        HUBPORT_METRICS_INTERVAL=HOUR,
        HUBPORT_CHECKPOINT_INTERVAL=HOUR,
        HUBPORT_EXIT_TIMEOUT=exit_timeout,
    )
    assert "delivered" == child.line()
    child.say("log")
    assert "ready" == child.line()
    return child


def killed(site: TrainerSandbox) -> str:
    """A run that was killed with two epochs and a checkpoint waiting: its model."""
    training(site, "end").kill()
    site.lab.hear_out()  # what it has sent last is in the ledger from here on
    return site.model_id


def closed_in_an_outage(site: TrainerSandbox) -> str:
    child = training(site, "close")
    site.lab.always(Refuse())
    child.say("close")
    assert 0 == child.end()
    site.lab.heal()
    return site.model_id


def is_unauthorized(site: TrainerSandbox) -> str:
    child = training(site, "close")
    site.lab.always(Status(401))
    child.say("close")
    assert 0 == child.end()
    site.lab.heal()
    return site.model_id


def refused(site: TrainerSandbox) -> str:
    """A run whose two epochs the HUB has refused, and whose checkpoint it has taken."""
    child = training(site, "close", exit_timeout="60")
    site.hub.refuse(422, "not like this", on="metrics")
    child.say("close")
    assert 0 == child.end()
    site.hub.heal()
    return site.model_id


def killed_behind_the_last_delivery(site: TrainerSandbox) -> str:
    (site.folder / "last.pt").write_bytes(b"weights")
    child = site.start("trains", site.folder, "end")
    assert "delivered" == child.line()
    child.signal(signal.SIGKILL)
    child.end()
    return site.model_id


def another_model(site: TrainerSandbox) -> None:
    """What comes next is of another model of the same HUB."""
    site.model_id = site.hub.create_model(epochs=3).id


def tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file below *folder*, with all that a look might change."""
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.stat()
        found[str(path)] = (stat.st_mtime_ns, stat.st_mode, path.read_bytes() if path.is_file() else b"")
    return found
