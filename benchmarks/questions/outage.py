"""What does an outage cost in memory, in real time?

The one rule: all clients live through it at once, each with a HUB of its own: they sleep nearly all the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.bench import Bench
from benchmarks.figures import growth
from benchmarks.peers import HUB_SDK, HUBPORT, ULTRALYTICS, Peer
from benchmarks.scale import MIB
from benchmarks.table import Goal, Section, Table

NAME = "outage"
EVERY = 0.01
LIMIT = 10 * MIB
#: It starts a thread for each call, which an outage keeps: at a hundred a second the machine would run out of them.
SLOWER = {ULTRALYTICS.name: 0.1}
CLIENTS = (HUBPORT, HUB_SDK, ULTRALYTICS)
MODES = {"refuse": "HUB refuses connections", "hang": "HUB never answers"}


def measure(bench: Bench) -> dict[str, Any]:
    """One life of each client in each kind of outage."""
    cells = [(peer, mode) for peer in CLIENTS for mode in MODES]
    jobs = [partial(bench.attempt, peer, partial(_lifecycle, bench, peer, mode)) for peer, mode in cells]
    lives = {
        f"{peer.name}, {MODES[mode]}": life
        for (peer, mode), life in zip(cells, bench.together(jobs, len(jobs)), strict=True)
        if life is not None
    }
    missing = {peer.name: bench.why_not(peer) for peer in CLIENTS if bench.why_not(peer)}
    return {"lives": lives, "missing": missing, "seconds": bench.scale.outage_seconds}


def _lifecycle(bench: Bench, peer: Peer, mode: str) -> dict[str, Any]:
    seconds = bench.scale.outage_seconds
    with (
        bench.hub() as hub,
        bench.child(peer, "grows", hub.url, every=SLOWER.get(peer.name, EVERY), seconds=seconds) as child,
    ):
        child.hear()
        hub.order(mode)
        child.tell("down")
        if not child.has_spoken(seconds + 5):
            return {"stuck": True}
        told: dict[str, Any] = child.hear()
        return told


def section(raw: Mapping[str, Any]) -> Section:
    """The table and the goals of what was measured."""
    rows, goals = [], []
    for name, life in raw["lives"].items():
        if "stuck" in life:
            rows.append((name, "a log call never returns", "", ""))
            continue
        grown = growth(life["peak"])
        rows.append((name, f"{life['calls']:,}", grown, str(life["threads"])))
        if name.startswith(HUBPORT.name):
            goals.append(Goal(f"memory grows < 10 MiB ({name})", grown, life["peak"] < LIMIT))
    rows += [(name, why, "", "") for name, why in raw["missing"].items()]
    return Section(
        title="What does an outage cost in memory?",
        how=(
            f"{1 / EVERY:.0f} records a second for {raw['seconds']:.0f} s of real time (10 a second for ultralytics "
            "8.0.100, which starts a thread for each), after some calls with the HUB up. The memory is the growth of "
            "the process's high-water mark; threads are those besides the training thread."
        ),
        tables=[Table(("", "calls that returned", "memory", "threads"), rows)],
        goals=goals,
    )
