"""How long does a day of training take in virtual time?

The one rule: the day is lived by the real session with its three threads, as a test with ``FakeClock`` lives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.bench import Bench
from benchmarks.figures import Spread
from benchmarks.peers import HUBPORT
from benchmarks.programs.day import MINUTES
from benchmarks.table import Section, Table

NAME = "day"


def measure(bench: Bench) -> dict[str, Any]:
    """Seconds of each day."""
    minutes = MINUTES if bench.scale.name != "smoke" else 120
    days = []
    for _ in range(bench.scale.day_rounds):
        with bench.child(HUBPORT, "day", minutes=minutes) as child:
            days.append(float(child.hear()))
    return {"seconds": days, "minutes": minutes}


def section(raw: Mapping[str, Any]) -> Section:
    """The table of what was measured."""
    row = (f"{raw['minutes']:,} epochs of a minute", str(Spread.of(raw["seconds"])))
    return Section(
        title="How long does a day of training take a test?",
        how=(
            "A session with its three threads under `FakeClock`: an epoch a minute, a checkpoint an epoch, an hour of "
            "outage, and a report that nothing was lost. Seconds of real time."
        ),
        tables=[Table(("a day in virtual time", "seconds"), [row])],
    )
