"""What is left of the calls that have returned, after kill -9?

The one rule: the whole process tree is killed at one instant, as an out-of-memory killer or a scheduler does it to a
job; and nothing but the client's own files is asked afterwards.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.bench import Bench
from benchmarks.peers import BARE, HUBPORT, NEPTUNE, TENSORBOARDX, TRACKIO, WANDB, Peer
from benchmarks.programs.logs import COUNT
from benchmarks.table import Goal, Section, Table

NAME = "kill"
KEEPERS = (HUBPORT, BARE, NEPTUNE, WANDB, TRACKIO, TENSORBOARDX)


def measure(bench: Bench) -> dict[str, Any]:
    """Kill each client some times, after a random number of calls."""
    draw = random.Random(9)
    found: dict[str, list[Any]] = defaultdict(list)
    for _ in range(bench.scale.kills):
        for peer in KEEPERS:
            after = draw.randint(50, 150)
            life = bench.attempt(peer, partial(_lifecycle, bench, peer, after))
            if life is not None:
                found[peer.name].append(life)
    return {"lives": dict(found), "missing": {p.name: bench.why_not(p) for p in KEEPERS if bench.why_not(p)}}


def _lifecycle(bench: Bench, peer: Peer, after: int) -> tuple[int, int]:
    """How many calls had returned, and how many of them are there afterwards."""
    with bench.hub() as hub, bench.folder() as folder:
        with bench.child(peer, "logs", hub.url, folder=folder, every=0.01, say_at=after) as child:
            child.hear()
            hub.order("busy")  # what is delivered before the kill would not be found afterwards
            child.ask("log")
            child.kill()
        acknowledged = int.from_bytes((folder / COUNT).read_bytes(), "little")
        hub.order("answer")
        with bench.child(peer, "kept", hub.url, folder=folder) as child:
            return acknowledged, int(child.hear())


def section(raw: Mapping[str, Any]) -> Section:
    """The table and the goal of what was measured."""
    rows = []
    for name, lives in raw["lives"].items():
        lost = [max(acknowledged - kept, 0) for acknowledged, kept in lives]
        calls = sum(acknowledged for acknowledged, _ in lives)
        each = ", ".join(map(str, lost))
        rows.append((name, f"{len(lives)}", f"{calls:,}", f"{sum(lost):,}", each))
    rows += [(name, why, "", "", "") for name, why in raw["missing"].items()]
    ours = sum(max(acknowledged - kept, 0) for acknowledged, kept in raw["lives"][HUBPORT.name])
    return Section(
        title="What survives kill -9?",
        how=(
            "A hundred calls a second of seven floats; the process and all that it has started are killed with SIGKILL "
            "after 50 to 150 calls, at random, while hubport's HUB answers 503. Lost is what had returned and is in no "
            "file of the client's own. "
            "hub-sdk and ultralytics 8.0.100 keep nothing on disk, so there is nothing to count."
        ),
        tables=[Table(("", "kills", "calls that had returned", "lost", "in each life"), rows)],
        goals=[Goal("0 calls lost", f"{ours} lost", ours == 0)],
    )
