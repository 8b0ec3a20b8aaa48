"""How many threads and processes does a client add, and does the training go on in an outage?

The one rule: they are counted from outside, in the kernel's list, so that nothing is missed and nothing counts itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.peers import HUB_SDK, HUBPORT, NEPTUNE, TENSORBOARDX, TRACKIO, ULTRALYTICS, WANDB, Peer
from benchmarks.process import Child, descendants
from benchmarks.programs.logs import COUNT
from benchmarks.table import Goal, Section, Table

NAME = "threads"
EVERY = 0.1
LOOK_EVERY = 0.02
TOGETHER = 6
MODES = ("answer", "refuse", "busy", "hang")
WITH_A_HUB = (HUBPORT, HUB_SDK, ULTRALYTICS)
WITHOUT = (NEPTUNE, WANDB, TRACKIO, TENSORBOARDX)


def measure(bench: Bench) -> dict[str, Any]:
    """Each client once in good times, and those that need a HUB in each kind of outage."""
    found: dict[str, Any] = {}
    cells = [(peer, mode) for peer in WITH_A_HUB for mode in MODES] + [(peer, "answer") for peer in WITHOUT]
    jobs = [partial(bench.attempt, peer, partial(_watched, bench, peer, mode)) for peer, mode in cells]
    for (peer, mode), seen in zip(cells, bench.together(jobs, TOGETHER), strict=True):
        if seen is not None:
            found.setdefault(peer.name, {})[mode] = seen
    missing = {p.name: bench.why_not(p) for p in (*WITH_A_HUB, *WITHOUT) if bench.why_not(p)}
    return {"seen": found, "missing": missing, "seconds": bench.scale.crowd_seconds}


def _watched(bench: Bench, peer: Peer, mode: str) -> dict[str, int]:
    """The most threads and processes besides the first of each, and how many calls have returned."""
    with bench.hub() as hub, bench.child(peer, "logs", hub.url, every=EVERY, say_at=1) as child:
        child.hear()
        hub.order(mode)
        child.tell("log")
        threads, processes = _most(child, bench.scale.crowd_seconds)
        calls = int.from_bytes((child.folder / COUNT).read_bytes(), "little")
        return {"threads": threads, "processes": processes, "calls": calls}


def _most(child: Child, seconds: float) -> tuple[int, int]:
    pause = threading.Event()
    threads = processes = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        others = [*descendants(child.process.pid)]
        processes = max(processes, len(others))
        threads = max(threads, _tasks(child.process.pid) - 1)
        pause.wait(LOOK_EVERY)
    return threads, processes


def _tasks(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())


def section(raw: Mapping[str, Any]) -> Section:
    """The table and the goals of what was measured."""
    rows = []
    wanted = round(raw["seconds"] / EVERY)
    for name, modes in raw["seen"].items():
        cells = [_cell(modes.get(mode)) for mode in MODES]
        rows.append((name, *cells))
    rows += [(name, why, "", "", "") for name, why in raw["missing"].items()]
    ours = raw["seen"][HUBPORT.name]
    most = max(seen["threads"] for seen in ours.values())
    processes = max(seen["processes"] for seen in ours.values())
    return Section(
        title="How many threads and processes does a client add?",
        how=(
            f"The most that the kernel listed besides the training thread, native threads of imported libraries "
            f"included, over {raw['seconds']:.0f} s of a log call every {EVERY * 1000:.0f} ms; then, of about {wanted} "
            "calls that there was time for, how many returned. The last three columns are outages: connections "
            "refused, 503 for everything, and requests that are never answered."
        ),
        tables=[Table(("threads + processes, calls", "HUB up or none", "refuses", "503", "never answers"), rows)],
        goals=[
            Goal("≤ 3 threads and no process", f"{most} threads, {processes} processes", most <= 3 and not processes)
        ],
    )


def _cell(seen: Mapping[str, int] | None) -> str:
    if seen is None:
        return "–"
    return f"{seen['threads']} + {seen['processes']}, {seen['calls']} calls"
