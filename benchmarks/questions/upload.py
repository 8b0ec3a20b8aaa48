"""What does an upload cost in memory and time?

The one rule: every client sends the same file, which lies in the page cache, to the same HUB, which throws it away.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from benchmarks import machine
from benchmarks.bench import Bench
from benchmarks.figures import Spread, growth, number
from benchmarks.peers import CURL, HUB_SDK, HUBPORT, REQUESTS, ULTRALYTICS, Peer
from benchmarks.scale import MIB
from benchmarks.table import Goal, Section, Table

NAME = "upload"
OURS, SESSION = "hubport, the request", "hubport, `upload_checkpoint` and `flush`"
WAYS = (
    (OURS, HUBPORT, "uploads"),
    (REQUESTS.name, REQUESTS, "uploads"),
    (CURL.name, CURL, "curls"),
    (HUB_SDK.name, HUB_SDK, "uploads"),
    (ULTRALYTICS.name, ULTRALYTICS, "uploads"),
    (SESSION, HUBPORT, "uploads"),
)
#: They hold the file and the body made of it, and the page cache holds the file and a snapshot of it.
COPIES = 4
LITTLE_MEMORY = "skipped: too little memory"


def measure(bench: Bench) -> dict[str, Any]:
    """All ways in turn, for each size; a process each time."""
    sizes: dict[str, Any] = {}
    for size, rounds in bench.scale.uploads:
        if machine.available_memory() < COPIES * size + (512 * MIB):
            sizes[str(size)] = {"skipped": LITTLE_MEMORY}
            continue
        with bench.folder() as folder:
            path = folder / "last.pt"
            _fill(path, size)
            sizes[str(size)] = {"runs": _runs(bench, path, rounds)}
    missing = {name: _why_not(bench, peer) for name, peer, _ in WAYS if _why_not(bench, peer)}
    return {"sizes": sizes, "missing": missing}


def _why_not(bench: Bench, peer: Peer) -> str | None:
    if peer is CURL and shutil.which("curl") is None:
        return "not on this system"
    return bench.why_not(peer)


def _runs(bench: Bench, path: Path, rounds: int) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for _ in range(rounds):
        for name, peer, program in WAYS:
            if _why_not(bench, peer) is None:
                way = "request" if name == OURS else "client"
                run = bench.attempt(peer, partial(_run, bench, peer, program, path, way=way))
                if run is not None:
                    found[name].append(run)
    return dict(found)


def _fill(path: Path, size: int) -> None:
    def chunks() -> Iterator[bytes]:
        left = size
        while left:
            yield os.urandom(min(left, MIB))
            left -= min(left, MIB)

    with path.open("wb") as file:
        file.writelines(chunks())
    os.sync()


def _run(bench: Bench, peer: Peer, program: str, path: Path, *, way: str) -> dict[str, float]:
    size = path.stat().st_size
    with bench.hub() as hub, bench.child(peer, program, hub.url, path=str(path), way=way) as child:
        told: dict[str, float] = child.hear(guard=600)
        arrived = hub.counts().get("upload bytes", 0)
        if not 2 * size < arrived < 2 * size + 8 * MIB:
            raise ValueError(f"{peer.name} has sent {arrived} bytes, not twice {size}")
        return told


@attrs.frozen
class Row:
    """Seconds and bytes of one way, and its time as a multiple of that of requests in the same round."""

    seconds: Spread
    grown: float
    times: Spread | None

    @classmethod
    def of(cls, runs: list[Mapping[str, float]], base: list[Mapping[str, float]]) -> Row:
        """Summarise *runs* beside those of requests, *base*."""
        pairs = list(zip(runs, base, strict=False))
        return cls(
            Spread.of(run["seconds"] for run in runs),
            max(run["grown"] for run in runs),
            Spread.of(run["seconds"] / other["seconds"] for run, other in pairs) if pairs else None,
        )


def section(raw: Mapping[str, Any]) -> Section:
    """The tables and goals of what was measured."""
    tables, goals = [], []
    for size, found in raw["sizes"].items():
        mib = int(size) // MIB
        if "skipped" in found:
            tables.append(Table((f"{mib} MiB",), [(found["skipped"],)]))
            goals.append(Goal(f"time ≤ 0.35 × requests, memory < +16 MiB ({mib} MiB)", found["skipped"], None))
            continue
        rows = {name: Row.of(runs, found["runs"].get(REQUESTS.name, [])) for name, runs in found["runs"].items()}
        tables.append(_table(mib, rows, raw["missing"]))
        ours = rows[OURS]
        times = ours.times
        speed = "no requests to compare with" if times is None else f"{number(times.median)} ×"
        goals += [
            Goal(f"time ≤ 0.35 × requests ({mib} MiB)", speed, None if times is None else times.median <= 0.35),
            Goal(f"memory < +16 MiB ({mib} MiB)", growth(ours.grown), ours.grown < 16 * MIB),
        ]
    return Section(
        title="What does an upload cost in memory and time?",
        how=(
            "A multipart form with the file, to a HUB on loopback that throws it away, in a new process each time. The "
            "memory is the growth of the process's high-water mark over what it needs for a small file, the worst of "
            "all runs. The time is that of a second upload in the same process, from the call until the HUB's answer. "
            "requests is `read()` and `files=`, curl is `-F`. The last line of hubport is what a trainer sees: a "
            "snapshot to the disk first, then the request."
        ),
        tables=tables,
        goals=goals,
    )


def _table(mib: int, rows: Mapping[str, Row], missing: Mapping[str, str]) -> Table:
    lines = [
        (
            name,
            str(row.seconds),
            f"{number(mib / row.seconds.median)}",
            "–" if row.times is None else f"{row.times} ×",
            growth(row.grown),
        )
        for name, row in rows.items()
    ]
    lines += [(name, why, "", "", "") for name, why in missing.items()]
    return Table((f"{mib} MiB", "seconds", "MiB/s", "time × requests", "memory"), lines)
