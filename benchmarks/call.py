"""What one log_metrics of seven floats costs the training thread, beside a bare dump and append in the same run."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import hubport
from hubport.testing import FakeHub, LoopbackServer

CALLS = 5000
NAMES = (
    "train/box_loss",
    "train/cls_loss",
    "train/dfl_loss",
    "metrics/mAP50",
    "metrics/mAP50-95",
    "lr/pg0",
    "val/loss",
)


def measured(log: Callable[[int, dict[str, float]], object]) -> tuple[float, float, float]:
    """Microseconds of one call: p50, p99, max."""
    times = []
    for number in range(CALLS):
        values = dict.fromkeys(NAMES, number / 7)
        started = time.perf_counter_ns()
        log(number, values)
        times.append(time.perf_counter_ns() - started)
    times.sort()
    return times[CALLS // 2] / 1e3, times[CALLS * 99 // 100] / 1e3, times[-1] / 1e3


def main() -> None:
    rows: list[tuple[str, tuple[float, float, float]]] = []
    hub = FakeHub()
    model = hub.create_model()
    with tempfile.TemporaryDirectory() as folder, LoopbackServer(hub) as server:
        journal = os.open(Path(folder) / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        settings = hubport.Settings(api_root=server.url, web_root=server.url, state_dir=folder)
        with hubport.connect(model.id, api_key=hub.api_key, settings=settings) as session:
            rows.append(
                ("bare json.dumps and append", measured(lambda _, v: os.write(journal, json.dumps(v).encode())))
            )
            rows.append(("log_metrics, HUB up", measured(session.log_metrics)))
            hub.down()
            rows.append(("log_metrics, HUB down", measured(session.log_metrics)))
            hub.heal()
        os.close(journal)
    base = rows[0][1][0]
    print("| a call with seven floats | p50 µs | p99 µs | max µs | p50 against bare |\n|---|---|---|---|---|")
    for name, (p50, p99, longest) in rows:
        print(f"| {name} | {p50:.1f} | {p99:.1f} | {longest:.0f} | {p50 / base:.1f} × |")


if __name__ == "__main__":
    logging.getLogger("hubport").setLevel(logging.ERROR)
    main()
