"""What does one log call of seven floats cost the training thread?

The one rule: each client's calls are timed between bare appends of the same process, and compared with those.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from benchmarks.bench import Bench
from benchmarks.figures import Spread, number, quantile, ratio
from benchmarks.peers import HUBPORT, LOGGERS, Peer
from benchmarks.table import Goal, Section, Table

NAME = "call"
EVERY = 0.005
STATES = {"answer": "HUB up", "refuse": "HUB refuses connections", "hang": "HUB never answers"}
#: A thread for each call, or a request in each call: fewer of them tell enough.
FEW = {"hub-sdk": 5, "ultralytics 8.0.100": 5}


def measure(bench: Bench) -> dict[str, Any]:
    """Blocks of calls, back to back and paced, in a new process for each round and client."""
    found: dict[str, list[Any]] = defaultdict(list)
    for _ in range(bench.scale.call_rounds):
        for peer in (HUBPORT, *LOGGERS):
            round_ = bench.attempt(peer, partial(_round, bench, peer))
            for key, figures in (round_ or {}).items():
                found[f"{peer.name}|{key}"].append(figures)
    missing = {peer.name: bench.why_not(peer) for peer in LOGGERS if bench.why_not(peer)}
    return {"rounds": dict(found), "missing": missing}


def _round(bench: Bench, peer: Peer) -> dict[str, Any]:
    is_ours = peer is HUBPORT
    figures = {}
    with bench.hub() as hub, bench.child(peer, "calls", hub.url) as child:
        child.hear()
        for state in STATES if is_ours else ("answer",):
            hub.order(state)
            for pace in (None, EVERY):
                calls = bench.scale.calls if pace is None else bench.scale.paced_calls
                # Ours is given the time for requests of its workers between the calls.
                calls = calls * 3 if is_ours and pace else max(calls // FEW.get(peer.name, 1), 5)
                bare = calls if is_ours else max(calls // 3, 5)
                told = child.ask({"calls": calls, "bare": bare, "every": pace})
                figures[f"{state}|{'paced' if pace else 'dense'}"] = {
                    who: _figures(sorted(times)) for who, times in told.items()
                }
    return figures


def _figures(times: list[float]) -> dict[str, float]:
    return {
        "p50": quantile(times, 0.5),
        "p99": quantile(times, 0.99),
        "max": times[-1],
        "over_5_ms": sum(t > 5000 for t in times),
        "calls": len(times),
    }


@attrs.frozen
class Row:
    """All rounds of one client in one state, and the bare appends between them. Microseconds."""

    p50: Spread
    p99: Spread
    longest: float
    over_5_ms: int
    calls: int
    times_bare: Spread
    bare: Spread
    bare_p99: Spread
    bare_longest: float
    bare_over_5_ms: int
    bare_calls: int

    @classmethod
    def of(cls, rounds: list[Mapping[str, Mapping[str, float]]]) -> Row:
        """Summarise *rounds*."""
        client = [found["client"] for found in rounds]
        return cls(
            p50=Spread.of(found["p50"] for found in client),
            p99=Spread.of(found["p99"] for found in client),
            longest=max(found["max"] for found in client),
            over_5_ms=int(sum(found["over_5_ms"] for found in client)),
            calls=int(sum(found["calls"] for found in client)),
            times_bare=Spread.of(found["client"]["p50"] / found["bare"]["p50"] for found in rounds),
            bare=Spread.of(found["bare"]["p50"] for found in rounds),
            bare_p99=Spread.of(found["bare"]["p99"] for found in rounds),
            bare_longest=max(found["bare"]["max"] for found in rounds),
            bare_over_5_ms=int(sum(found["bare"]["over_5_ms"] for found in rounds)),
            bare_calls=int(sum(found["bare"]["calls"] for found in rounds)),
        )


def rows(raw: Mapping[str, Any], pace: str) -> list[tuple[str, Row]]:
    """What each client costs at *pace*, ``dense`` or ``paced``, with the name that tables give it."""
    found = []
    for key, rounds in raw["rounds"].items():
        name, state, at = key.split("|")
        if at == pace:
            found.append((f"{name}, {STATES[state]}" if name == HUBPORT.name else name, Row.of(rounds)))
    return found


def section(raw: Mapping[str, Any]) -> Section:
    """The tables and goals of what was measured."""
    tables = [_table(raw, "dense", "Back to back:"), _table(raw, "paced", f"One call every {EVERY * 1000:.0f} ms:")]
    return Section(
        title="What does a log call cost the training thread?",
        how=(
            "Seven floats a call, in microseconds, medians of the rounds with the lowest and the highest round. Each "
            "round is a new process for each client in turn. “× bare” compares with `json.dumps` and an unbuffered "
            "append between the same client's calls. wandb and neptune-scale are in offline mode, so that nothing but "
            "this machine is in it; hub-sdk and ultralytics 8.0.100 talk to a HUB on loopback that answers at once. "
            "Which of them are safe when the call has returned is the table of kill -9 below."
        ),
        tables=tables,
        goals=_goals(raw),
        plot="benchmarks-call.svg",
        caption="The cost of a call, median and 99th percentile. The scale is logarithmic.",
    )


def _table(raw: Mapping[str, Any], pace: str, title: str) -> Table:
    first = rows(raw, pace)[0][1]
    lines = [
        (
            "bare `json.dumps` and append",
            str(first.bare),
            str(first.bare_p99),
            number(first.bare_longest),
            "1.00 ×",
            f"{first.bare_over_5_ms} of {first.bare_calls:,}",
        )
    ]
    for name, row in rows(raw, pace):
        over = f"{row.over_5_ms} of {row.calls:,}"
        lines.append((name, str(row.p50), str(row.p99), number(row.longest), f"{row.times_bare} ×", over))
    lines += [(name, why, "", "", "", "") for name, why in raw["missing"].items()]
    return Table(("µs a call", "p50", "p99", "longest", "p50 × bare", "over 5 ms"), lines, title)


def _goals(raw: Mapping[str, Any]) -> list[Goal]:
    """For hubport in its worst state. Between pauses a bare append alone takes 100 µs, so p99 is of calls in a row."""
    goals = []
    for pace, words in (("dense", "back to back"), ("paced", "paced")):
        ours = [(name.partition(", ")[2], row) for name, row in rows(raw, pace) if name.startswith(HUBPORT.name)]
        state, row = max(ours, key=lambda found: found[1].times_bare.median)
        times = row.times_bare.median
        goals.append(Goal(f"p50 ≤ 2 × bare, {words}", f"{ratio(times, 1)} ({state})", times <= 2))
        if pace == "dense":
            state, row = max(ours, key=lambda found: found[1].p99.median)
            p99 = row.p99.median
            goals.append(Goal(f"p99 ≤ 100 µs, {words}", f"{number(p99)} µs ({state})", p99 <= 100))
        state, row = max(ours, key=lambda found: found[1].longest)
        longest = f"{number(row.longest / 1000)} ms ({state}), bare {number(row.bare_longest / 1000)} ms"
        goals.append(Goal(f"none > 5 ms, {words}", longest, row.longest <= 5000))
    return goals
