"""How do many sessions arrive at one HUB: spread, or all at once?

The one rule: all of them start within one second, as a cluster's scheduler starts them, because that is the worst that
can happen to the HUB.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.bench import Bench
from benchmarks.figures import number, quantile
from benchmarks.fleet.world import BINS_A_SECOND
from benchmarks.peers import HUBPORT
from benchmarks.table import Goal, Section, Table

NAME = "fleet"
PARTS = 2
PLOT_EVERY = 10
KINDS = ("heartbeat", "metrics", "upload")
AS_IT_IS, IN_STEP = "as it is", "heartbeats in step"
#: What is changed of the settings: without the spread, heartbeats are as those of the old clients.
VARIANTS: Mapping[str, Mapping[str, float]] = {AS_IT_IS: {}, IN_STEP: {"jitter": 0.0}}


def schedule(hours: float) -> dict[str, tuple[float, float]]:
    """The phases of *hours* hours: from and to, in seconds."""
    end = hours * 3600
    outage, limited = end * 11 / 24, end * 3 / 4
    return {
        "the first minute": (0.0, 60.0),
        "steady state": (600.0, outage),
        "outage of 10 minutes": (outage, outage + 600),
        "the minute after it": (outage + 600, outage + 660),
        "429 with Retry-After 30, 5 minutes": (limited, limited + 300),
        "the minute after that": (limited + 300, limited + 360),
        "steady state again": (limited + 900, end),
    }


def measure(bench: Bench) -> dict[str, Any]:
    """Each fleet as it is; the smallest with its heartbeats in step, too."""
    phases = schedule(bench.scale.fleet_hours)
    fleets = [(sessions, AS_IT_IS) for sessions in bench.scale.fleets]
    fleets.insert(1, (bench.scale.fleets[0], IN_STEP))
    found = []
    for sessions, variant in fleets:
        jobs = [partial(_part, bench, sessions, variant, phases, first) for first in range(PARTS)]
        parts = bench.together(jobs, PARTS)
        bins = {kind: _added(part["bins"].get(kind, []) for part in parts) for kind in KINDS}
        found.append(
            {
                "sessions": sessions,
                "variant": variant,
                "logged": sum(part["logged"] for part in parts),
                "delivered": sum(part["delivered"] for part in parts),
                "phases": {name: _phase(bins, *between) for name, between in phases.items()},
                "peaks": {kind: _peaks(bins[kind], phases["steady state again"][1]) for kind in KINDS},
            }
        )
    return {"fleets": found, "hours": bench.scale.fleet_hours, "phases": phases}


def _part(
    bench: Bench, sessions: int, variant: str, phases: Mapping[str, tuple[float, float]], first: int
) -> dict[str, Any]:
    with bench.child(
        HUBPORT,
        "fleet_part",
        sessions=sessions,
        first=first,
        parts=PARTS,
        seconds=phases["steady state again"][1],
        outage=phases["outage of 10 minutes"],
        limited=phases["429 with Retry-After 30, 5 minutes"],
        settings=VARIANTS[variant],
    ) as child:
        told: dict[str, Any] = child.hear(guard=1200)
        return told


def _added(parts: Any) -> Counter[int]:
    total: Counter[int] = Counter()
    for part in parts:
        for at, count in part:
            total[at] += count
    return total


def _phase(bins: Mapping[str, Counter[int]], start: float, end: float) -> dict[str, dict[str, float]]:
    """Requests a second between two instants, of each kind and of all together."""
    total: Counter[int] = Counter()
    for counts in bins.values():
        total.update(counts)
    found = {}
    for kind, counts in [*bins.items(), ("all", total)]:
        tenths = [counts.get(at, 0) for at in range(round(start * BINS_A_SECOND), round(end * BINS_A_SECOND))]
        seconds = [sum(tenths[at : at + BINS_A_SECOND]) for at in range(0, len(tenths), BINS_A_SECOND)]
        found[kind] = {
            "mean": sum(seconds) / len(seconds),
            "p99": quantile(sorted(seconds), 0.99),
            "second": max(seconds),
            "tenth": max(tenths),
        }
    return found


def _peaks(counts: Counter[int], end: float) -> list[int]:
    """The busiest second of each ten, for the plot."""
    seconds: Counter[int] = Counter()
    for at, count in counts.items():
        seconds[at // BINS_A_SECOND] += count
    return [max(seconds.get(at + more, 0) for more in range(PLOT_EVERY)) for at in range(0, round(end), PLOT_EVERY)]


def section(raw: Mapping[str, Any]) -> Section:
    """The tables and goals of what was simulated."""
    tables, goals = [], []
    for fleet in raw["fleets"]:
        rows = [(name, *(_cell(phase[kind]) for kind in (*KINDS, "all"))) for name, phase in fleet["phases"].items()]
        title = (
            f"{fleet['sessions']:,} sessions, {fleet['variant']} "
            f"({fleet['delivered']:,} of {fleet['logged']:,} epochs delivered by the end):"
        )
        head = ("mean / p99 / busiest 1 s / busiest 100 ms", "heartbeats", "metrics", "uploads", "all")
        tables.append(Table(head, rows, title))
        if fleet["variant"] == AS_IT_IS:
            goals += _goals(fleet)
    return Section(
        title="How does a fleet arrive at the HUB?",
        how=(
            f"Sessions of hubport's own code, stepped without threads through {raw['hours']:.0f} hours of virtual time "
            "against a HUB that counts and answers at once. All start within one second; an epoch takes a minute, 1 % "
            "more or less each time, and ends with metrics, every fifth with a checkpoint. The HUB is down for 10 "
            "minutes in the middle, refusing connections (what arrives then are attempts), and later answers "
            "everything with 429 and Retry-After 30 for 5 minutes. The two requests of each `connect` are not counted. "
            "Requests a second: the mean, the 99th percentile of all seconds, the busiest second, and the busiest "
            "tenth of a second. “In step” is hubport with `jitter=0`, the pace of the old clients."
        ),
        tables=tables,
        goals=goals,
        plot="benchmarks-fleet.svg",
        caption="The busiest second of each ten seconds.",
    )


def _cell(found: Mapping[str, float]) -> str:
    return " / ".join((number(found["mean"]), *(f"{found[name]:,.0f}" for name in ("p99", "second", "tenth"))))


def _goals(fleet: Mapping[str, Any]) -> list[Goal]:
    sessions = fleet["sessions"]
    goals = []
    for name in ("the minute after it", "the minute after that"):
        share = fleet["phases"][name]["all"]["tenth"] / sessions
        after = {"the minute after it": "the outage", "the minute after that": "the 429s"}[name]
        goals.append(
            Goal(
                f"after {after}, < 5 % of {sessions:,} sessions in one 100 ms bin", f"{share * 100:.1f} %", share < 0.05
            )
        )
    for kind, words in (("heartbeat", "heartbeats"), ("upload", "checkpoints")):
        share = fleet["phases"]["steady state"][kind]["second"] / sessions
        what = f"in the steady state, < 5 % of {sessions:,} {words} in one second"
        goals.append(Goal(what, f"{share * 100:.1f} %", share < 0.05))
    return goals
