"""How long does a script take to end when the HUB is dead?

The one rule: a process that does not end is killed, and the table says so.
"""

from __future__ import annotations

import math
import signal
import time
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.bench import Bench
from benchmarks.figures import Spread, number
from benchmarks.peers import HUB_SDK, HUBPORT, ULTRALYTICS, Peer
from benchmarks.process import Child, ChildFailed
from benchmarks.scale import FULL
from benchmarks.table import Goal, Section, Table

NAME = "exits"
WITHIN = 3.0
MODES = {"refuse": "refuses", "hang": "never answers", "busy": "503", "drip": "drips a header"}
HOWS = {"end": "the script ends", "signal": "SIGTERM", "finish": f"`finish(timeout={WITHIN:.0f})`"}
#: Our own deadlines, seconds, and what may come on top.
LIMITS, SLACK = {"end": 2.0, "signal": 5.0, "finish": WITHIN}, 0.5
#: A log call on loopback that has not returned after this never will.
STUCK_AFTER = 8.0
#: How many ends are waited for at once. Ours are measured to a tenth of a second, the others only for their kind.
TOGETHER, TOGETHER_LOOSELY = 4, 12


def measure(bench: Bench) -> dict[str, Any]:
    """Each client with each kind of dead HUB, by each way to end. They wait most of the time, so several at once."""
    found: dict[str, dict[str, list[float]]] = {}
    for peer in (HUBPORT, HUB_SDK, ULTRALYTICS):
        rounds = bench.scale.exit_rounds if peer is HUBPORT else 1
        most = TOGETHER if peer is HUBPORT and bench.scale is FULL else TOGETHER_LOOSELY
        cells = [(mode, how) for _ in range(rounds) for mode in MODES for how in HOWS]
        jobs = [partial(bench.attempt, peer, partial(_end, bench, peer, mode, how)) for mode, how in cells]
        ends: dict[str, list[float]] = defaultdict(list)
        for (mode, how), took in zip(cells, bench.together(jobs, most), strict=True):
            if took is not None:
                ends[f"{mode}|{how}"].append(took)
        if ends:
            found[peer.name] = dict(ends)
    missing = {peer.name: bench.why_not(peer) for peer in (HUB_SDK, ULTRALYTICS) if bench.why_not(peer)}
    return {"seconds": found, "missing": missing, "guard": bench.scale.exit_guard}


def _end(bench: Bench, peer: Peer, mode: str, how: str) -> float:
    """Seconds until the process was gone, or ``finish`` had returned; -1 when a call before it never returned."""
    guard = bench.scale.exit_guard
    with bench.hub() as hub, bench.child(peer, "ends", hub.url, timeout=WITHIN) as child:
        child.hear()
        hub.order(mode)
        child.tell("dead")
        is_stuck = not child.has_spoken(STUCK_AFTER)
        if is_stuck and how != "signal":
            return -1.0
        if not is_stuck:
            child.hear()
            child.ask(how) if how == "signal" else child.tell(how)
        if how == "signal":
            begun = time.monotonic()
            child.process.send_signal(signal.SIGTERM)
        else:
            begun = child.hear()
        if how == "finish":
            return _finished(child, begun, guard)
        return time.monotonic() - begun if child.wait(guard) else math.inf


def _finished(child: Child, begun: float, guard: float) -> float:
    try:
        return float(child.hear(guard=guard)) - begun
    except ChildFailed:
        return math.inf


def section(raw: Mapping[str, Any]) -> Section:
    """The tables and goals of what was measured."""
    tables, goals = [], []
    for how, words in HOWS.items():
        rows = []
        for name, ends in raw["seconds"].items():
            rows.append((name, *(_cell(ends[f"{mode}|{how}"], raw["guard"]) for mode in MODES)))
        rows += [(name, why, "", "", "") for name, why in raw["missing"].items()]
        tables.append(Table((f"{words}, seconds", *(f"HUB {mode}" for mode in MODES.values())), rows))
        ours = raw["seconds"][HUBPORT.name]
        worst = max(seconds for mode in MODES for seconds in ours[f"{mode}|{how}"])
        limit = LIMITS[how] + SLACK
        goals.append(Goal(f"{words}: ≤ {limit:.1f} s with every dead HUB", f"{number(worst)} s", 0 <= worst <= limit))
    return Section(
        title="How long does an end take when the HUB is dead?",
        how=(
            "A script connects and logs; then the HUB dies, it logs five more epochs, and ends: by its last line, by "
            "SIGTERM, or with a final checkpoint of 1 MiB. Seconds from there until the process was gone, or `finish` "
            f"had returned. A process that was still there after {raw['guard']:.0f} s was killed. hubport's defaults "
            "are 2 s for the end of a script and 5 s after SIGTERM; what is left stays on disk for the next run."
        ),
        tables=tables,
        goals=goals,
    )


def _cell(seconds: list[float], guard: float) -> str:
    if math.inf in seconds:
        return f"> {guard:.0f}, killed"
    if min(seconds) < 0:
        return "never got there: a log call hangs"
    return str(Spread.of(seconds))
