"""A day of training in virtual time: 1,440 epochs, an hour of outage, a checkpoint an epoch.

The one rule: threads and waits are the real ones; only the time is not.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import hubport
from benchmarks.programs.clients import options
from benchmarks.programs.speech import say
from hubport.testing import FakeClock, FakeFilesystem, FakeHub, FakeOutbox, FakeSignals

MINUTES = 1440


def day(folder: Path, minutes: int) -> float:
    """Seconds of real time."""
    clock = FakeClock()
    hub = FakeHub(clock=clock)
    model = hub.create_model(epochs=minutes)
    session = hubport.connect(
        model.id,
        api_key=hub.api_key,
        settings=hubport.Settings(state_dir=folder, progress=False),
        http=hub,
        clock=clock,
        filesystem=FakeFilesystem({"last.pt": b"last", "best.pt": b"best"}),
        signals=FakeSignals(),
        outbox=FakeOutbox(),
    )
    started = time.perf_counter()
    for minute in range(minutes):
        if minute == minutes // 3:
            hub.down(seconds=3600)
        session.log_metrics(minute, {"train/loss": 1 / (minute + 1)})
        session.upload_checkpoint("last.pt", epoch=minute)
        clock.advance(60)
    report = session.finish("best.pt", epoch=minutes - 1, map=0.4)
    took = time.perf_counter() - started
    assert report.is_complete, str(report)
    assert len(hub.metrics(model.id)) == minutes
    return took


def main() -> None:
    wanted = options()
    logging.getLogger("hubport").setLevel(logging.CRITICAL)  # the outage's warnings are not what is measured
    say(day(Path.cwd(), wanted["minutes"]))


if __name__ == "__main__":
    main()
