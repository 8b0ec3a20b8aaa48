"""Simulates a part of a fleet, and says what arrived at the HUB, and when.

The one rule: sessions do not meet in the HUB, which answers each as if it were alone, so that the parts of a fleet can
run on different cores and be added up.
"""

from __future__ import annotations

import gc
import logging
from pathlib import Path

from benchmarks.fleet.simulation import Simulation
from benchmarks.fleet.world import Weather
from benchmarks.programs.clients import options
from benchmarks.programs.speech import say


def main() -> None:
    wanted = options()
    logging.getLogger("hubport").setLevel(logging.CRITICAL)
    gc.disable()  # a million small objects that live to the end, and nothing circular
    weather = Weather(tuple(wanted["outage"]), tuple(wanted["limited"]))
    numbers = range(wanted["first"], wanted["sessions"], wanted["parts"])
    simulation = Simulation(numbers, weather, wanted["settings"] | {"state_dir": str(Path.cwd())})
    simulation.run(wanted["seconds"])
    say(
        {
            "bins": {kind: sorted(bins.items()) for kind, bins in simulation.hub.bins.items()},
            "logged": sum(member.epoch for member in simulation.members),
            "delivered": simulation.hub.epochs,
        }
    )


if __name__ == "__main__":
    main()
