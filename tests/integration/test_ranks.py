"""A real training over two ranks: gloo over loopback, data loaders in each, and one session that reports.

Needs torch, in an environment of its own: ``make torch``.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from hubport.testing.lab import Child
from tests.integration.conftest import TrainerSandbox

_TORCH = Path(__file__).parents[2] / ".venv-torch"
_SCRIPT = Path(__file__).with_name("children") / "ranks.py"


@pytest.fixture(scope="module")
def python() -> str:
    """The interpreter that has torch. That there can be none is a reason to skip, and that nobody has tried is not."""
    if (_TORCH / ".installed").exists():
        return str(_TORCH / "bin" / "python")
    if not (_TORCH / ".tried").exists():
        pytest.fail(f"{_TORCH.name}, the environment of the trainings over two ranks, is missing: run `make torch`")
    pytest.skip(f"torch cannot be installed here: {(_TORCH / '.why-not').read_text().strip()}")


def trained(site: TrainerSandbox, python: str, kind: str, start: str, *, by_torchrun: bool) -> list[dict[str, Any]]:
    """What each of two ranks says at its end."""
    meeting = site.folder / "store"
    children: list[Child] = []
    for rank in range(2):
        of_torchrun = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
        children.append(
            site.command(
                [python, str(_SCRIPT), site.model_id, str(rank), str(meeting), kind, start],
                **(of_torchrun if by_torchrun else {}),
                HUBPORT_METRICS_INTERVAL="0",
                HUBPORT_CHECKPOINT_INTERVAL="0",
                GLOO_SOCKET_IFNAME="lo",
                OMP_NUM_THREADS="1",
            )
        )
    said = ["\n".join(child.rest()) for child in children]
    assert [0, 0] == [child.end() for child in children], "\n".join(child.stderr for child in children)
    for child in children:
        assert "Traceback" not in child.stderr, child.stderr
    assert 1 == sum(child.stderr.count("session.disabled") for child in children)
    return [json.loads(text) for text in said]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "start", "by_torchrun"),
    [("session", "fork", True), ("session", "spawn", False), ("drop-in", "fork", False)],
    ids=["session, forked loaders", "session, spawned loaders, ranks of torch alone", "drop-in"],
)
def test_of_two_ranks_one_reports_and_neither_hangs(
    site: TrainerSandbox,
    python: str,
    kind: str,
    start: str,
    by_torchrun: bool,  # noqa: FBT001
) -> None:
    first, second = trained(site, python, kind, start, by_torchrun=by_torchrun)

    assert (False, 3) == (first["is_disabled"], first["threads"])
    assert (True, 0) == (second["is_disabled"], second["threads"])
    assert first["is_complete"]
    assert 12 == first["metrics"]["logged"] == first["metrics"]["delivered"]
    assert 0 == second["metrics"]["logged"] + second["checkpoints"]["logged"] + second["heartbeats"]["sent"]
    # The last batch of each epoch is of 12, 13, 14 and 15, on both ranks; rank 1 would have said one more.
    assert {epoch: {"mean": 13.5} for epoch in range(3)} == site.hub.metrics(site.model_id)
    weights = hashlib.sha256((site.folder / "rank-0.pt").read_bytes()).hexdigest()
    assert weights == site.hub.checkpoints(site.model_id)[-1].sha256
    assert "trained" == site.hub.model(site.model_id).status
    kinds = [entry.kind for entry in site.lab.ledger]
    # The second heartbeat is the last one, which says the end.
    assert (1, 2, 2) == (kinds.count("auth"), kinds.count("model"), kinds.count("heartbeat"))
    assert {"auth", "model", "heartbeat", "metrics", "upload"} == set(kinds)
    assert [] == site.spools()
