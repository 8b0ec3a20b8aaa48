"""What does an import cost?

The one rule: fresh interpreters, compiled bytecode, and the clients in turn, so that all of them meet the same caches.
"""

from __future__ import annotations

import subprocess
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.bench import Bench
from benchmarks.figures import Spread, number
from benchmarks.peers import HUB_SDK, HUBPORT, NEPTUNE, REQUESTS, TENSORBOARDX, TRACKIO, WANDB, Peer
from benchmarks.process import ChildFailed
from benchmarks.table import Goal, Section, Table

NAME = "imports"
FIRST_USE = "hubport, then `hubport.connect`"
IMPORTS: tuple[tuple[str, Peer, str], ...] = (
    ("hubport", HUBPORT, "import hubport"),
    ("requests", REQUESTS, "import requests"),
    (FIRST_USE, HUBPORT, "import hubport; hubport.connect"),
    ("hub-sdk", HUB_SDK, "import hub_sdk"),
    ("wandb", WANDB, "import wandb"),
    ("trackio", TRACKIO, "import trackio"),
    ("tensorboardX", TENSORBOARDX, "import tensorboardX"),
    ("neptune-scale", NEPTUNE, "import neptune_scale"),
)
CODE = "import time; started = time.perf_counter(); {}; print(time.perf_counter() - started)"


def measure(bench: Bench) -> dict[str, Any]:
    """Milliseconds of each import."""
    for peer in {peer for _, peer, _ in IMPORTS if peer.environment and bench.why_not(peer) is None}:
        # What cannot be compiled is some package's test of just that.
        subprocess.run(
            [peer.python, "-m", "compileall", "-q", peer.python.parent.parent / "lib"], capture_output=True, check=False
        )
    found: dict[str, list[float]] = defaultdict(list)
    for number_ in range(bench.scale.import_rounds + 1):
        for name, peer, statement in IMPORTS:
            took = bench.attempt(peer, partial(_import, peer, statement))
            if took is not None and number_ > 0:  # the first round warms the page cache
                found[name].append(took)
    missing = {name: bench.why_not(peer) for name, peer, _ in IMPORTS if bench.why_not(peer)}
    return {"milliseconds": dict(found), "missing": missing}


def _import(peer: Peer, statement: str) -> float:
    told = subprocess.run(
        [peer.python, "-I", "-c", CODE.format(statement)], capture_output=True, text=True, check=False
    )
    if told.returncode:
        raise ChildFailed(told.stderr)
    return float(told.stdout.split()[-1]) * 1000


def section(raw: Mapping[str, Any]) -> Section:
    """The table and the goal of what was measured."""
    found = {name: Spread.of(times) for name, times in raw["milliseconds"].items()}
    base = found.get("requests")
    rows = [
        (name, str(jitter), "–" if base is None else f"{number(jitter.median / base.median)} ×")
        for name, jitter in found.items()
    ]
    rows += [(name, why, "") for name, why in raw["missing"].items()]
    ours = found["hubport"].median
    return Section(
        title="What does an import cost?",
        how=(
            f"The import statement alone, in milliseconds, in {len(raw['milliseconds']['hubport'])} fresh interpreters "
            "each, with compiled bytecode. hubport imports requests and the rest when it is first used: the third line "
            "is what that costs together. ultralytics 8.0.100 is not here, because its heavy imports are stand-ins."
        ),
        tables=[Table(("ms", "import", "× requests"), rows)],
        goals=[
            Goal(
                "`import hubport` ≤ requests + 30 %",
                "no requests to compare with" if base is None else f"{number(ours / base.median)} ×",
                None if base is None else ours <= 1.3 * base.median,
            )
        ],
    )
