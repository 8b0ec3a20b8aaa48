"""Which form of outbox keeps a record at which price?

The one rule: every form keeps the same seven floats, in turn, in one process, alone and while a worker drains it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from benchmarks.bench import Bench
from benchmarks.figures import Spread, number, quantile
from benchmarks.peers import HUBPORT
from benchmarks.table import Section, Table

NAME = "forms"
#: As benchmarks.programs.forms makes them.
FORMS = (
    "line",
    "line with a checksum",
    "line with a checksum, fsync",
    "SQLite, WAL, synchronous off",
    "SQLite, WAL, synchronous normal",
    "SQLite, WAL, synchronous full",
)
#: A call that waits for the disk takes milliseconds.
SLOW = {"line with a checksum, fsync": 20, "SQLite, WAL, synchronous full": 20}


def measure(bench: Bench) -> dict[str, Any]:
    """Blocks of calls, form after form, as many rounds as those of a log call."""
    found: dict[str, list[Any]] = defaultdict(list)
    with bench.child(HUBPORT, "forms") as child:
        child.hear()
        for _ in range(bench.scale.call_rounds):
            for form in FORMS:
                for drained in (False, True):
                    calls = max(bench.scale.calls // SLOW.get(form, 1), 5)
                    times = sorted(child.ask({"form": form, "drained": drained, "calls": calls}))
                    figures = {"p50": quantile(times, 0.5), "p99": quantile(times, 0.99), "max": times[-1]}
                    found[f"{form}|{drained}"].append(figures)
    return {"rounds": dict(found)}


def section(raw: Mapping[str, Any]) -> Section:
    """The table of what was measured."""
    rows = []
    for form in FORMS:
        cells = [form]
        for drained in (False, True):
            rounds = raw["rounds"][f"{form}|{drained}"]
            cells += [
                str(Spread.of(found["p50"] for found in rounds)),
                number(Spread.of(found["p99"] for found in rounds).median),
                number(max(found["max"] for found in rounds)),
            ]
        rows.append(cells)
    head = ("µs a record", "p50", "p99", "longest", "p50, drained", "p99, drained", "longest, drained")
    return Section(
        title="Which form of outbox keeps a record at which price?",
        how=(
            "Seven floats as JSON, in microseconds: the form alone, without the session around it. “Drained” is while "
            "a thread reads what there is and settles it, every millisecond: a cursor and a line for the journal, a "
            "`select` and a `delete` on a connection of its own for SQLite. All but the rows with fsync and "
            "synchronous full leave it to the kernel when the disk gets it, so that they survive `kill -9` and not a "
            "power cut."
        ),
        tables=[Table(head, rows)],
    )
