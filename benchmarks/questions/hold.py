"""How long does a checkpoint hold the training thread?

The one rule: each is measured beside plain copies of the same file in the same process.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from benchmarks.bench import Bench
from benchmarks.figures import Spread, ratio
from benchmarks.peers import HUB_SDK, HUBPORT, REQUESTS, ULTRALYTICS, Peer
from benchmarks.process import Child
from benchmarks.scale import MIB
from benchmarks.table import Goal, Section, Table

NAME = "hold"
HOLDERS = (HUBPORT, HUB_SDK, ULTRALYTICS, REQUESTS)
FIRST, LATER = "hubport, the first", "hubport, one that supersedes another"


def measure(bench: Bench) -> dict[str, Any]:
    """One process for each round and client; in it, copies and uploads in turn."""
    found: dict[str, list[Any]] = defaultdict(list)
    for _ in range(bench.scale.hold_rounds):
        for peer in HOLDERS:
            pairs = bench.attempt(peer, partial(_pairs, bench, peer))
            for name, pair in (pairs or {}).items():
                found[name].append(pair)
    missing = {peer.name: bench.why_not(peer) for peer in HOLDERS if bench.why_not(peer)}
    return {"pairs": dict(found), "size": bench.scale.hold_bytes, "missing": missing}


def _pairs(bench: Bench, peer: Peer) -> dict[str, tuple[float, float]]:
    """For each kind of call: seconds of a plain copy, and of the call."""
    with bench.hub() as hub, bench.child(peer, "holds", hub.url, size=bench.scale.hold_bytes) as child:
        child.hear()
        if peer is not HUBPORT:
            child.ask("upload")  # whatever is slow the first time
            return {peer.name: _pair(child, "upload")}
        child.ask("copy")
        pairs = {FIRST: _pair(child, "upload and flush")}
        child.ask("upload")  # waits for its turn, for 900 s
        return pairs | {LATER: _pair(child, "upload")}


def _pair(child: Child, order: str) -> tuple[float, float]:
    child.ask("copy")
    return child.ask("copy"), child.ask(order)


@attrs.frozen
class Row:
    """Seconds of the copies and of the calls, and how many copies a call is worth."""

    copy: Spread
    held: Spread
    copies: Spread

    @classmethod
    def of(cls, pairs: list[tuple[float, float]]) -> Row:
        """Summarise *pairs* of a copy and a call."""
        return cls(
            Spread.of(copy for copy, _ in pairs),
            Spread.of(held for _, held in pairs),
            Spread.of(held / copy for copy, held in pairs),
        )


def section(raw: Mapping[str, Any]) -> Section:
    """The table and the goals of what was measured."""
    found = {name: Row.of(pairs) for name, pairs in raw["pairs"].items()}
    rows = [(name, str(row.held), str(row.copy), f"{row.copies} ×") for name, row in found.items()]
    rows += [(name, why, "", "") for name, why in raw["missing"].items()]
    size = f"{raw['size'] // MIB} MiB"
    return Section(
        title="How long does a checkpoint hold the training thread?",
        how=(
            f"A checkpoint of {size}, in seconds, beside `shutil.copyfile` of the same file to the same file system. "
            "hubport returns when it has a snapshot, and sends that in a thread. hub-sdk and requests (`read()` and "
            "`files=`) return when the HUB has it, ultralytics 8.0.100 while a thread of its own sends it. The HUB is "
            "on loopback and throws the bytes away, so that a real network comes on top for those who wait for it. "
            "With a checkpoint an epoch, nearly every one supersedes one that waits for its turn."
        ),
        tables=[Table((f"{size}, seconds", "thread held", "one plain copy", "copies"), rows)],
        goals=[
            Goal(
                f"held ≤ 2 × one plain copy ({name.removeprefix('hubport, ')})",
                ratio(row.copies.median, 1),
                row.copies.median <= 2,
            )
            for name, row in found.items()
            if name.startswith(HUBPORT.name)
        ],
    )
