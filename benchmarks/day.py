"""A day of training in virtual time: 1,440 epochs, an hour of outage, a checkpoint an epoch. Seconds of real time."""

from __future__ import annotations

import logging
import statistics
import tempfile
import time

import hubport
from hubport.testing import FakeClock, FakeFilesystem, FakeHub, FakeOutbox, FakeSignals

RUNS = 5


def day() -> float:
    clock = FakeClock()
    hub = FakeHub(clock=clock)
    model = hub.create_model(epochs=1440)
    with tempfile.TemporaryDirectory() as folder:
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
        for minute in range(1440):
            if minute == 500:
                hub.down(seconds=3600)
            session.log_metrics(minute, {"train/loss": 1 / (minute + 1)})
            session.upload_checkpoint("last.pt", epoch=minute)
            clock.advance(60)
        report = session.finish("best.pt", epoch=1439, map=0.4)
        took = time.perf_counter() - started
    assert report.is_complete, str(report)
    assert len(hub.metrics(model.id)) == 1440
    return took


if __name__ == "__main__":
    logging.getLogger("hubport").setLevel(logging.ERROR)  # the outage's warnings are not what is measured
    times = sorted(day() for _ in range(RUNS))
    print("| a day of training in virtual time | min | median | max |\n|---|---|---|---|")
    print(f"| seconds, {RUNS} runs | {times[0]:.2f} | {statistics.median(times):.2f} | {times[-1]:.2f} |")
