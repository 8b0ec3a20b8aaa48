"""The HUB session of ultralytics 8.0.100, with stand-ins for torch and its like, which a session does not use.

``tests/compat`` has the stand-ins and the environment: the same session, seen there against the same HUB.
"""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path

from benchmarks.wire import KEY, MODEL_ID


class Client:
    """One session, driven as the trainer's callbacks drove it."""

    def __init__(self, url: str, folder: Path) -> None:
        stand_ins = importlib.import_module("tests.compat.heavy_imports")
        stand_ins.install()
        stand_ins.keep_on_loopback()
        self._session = importlib.import_module("ultralytics.hub.session").HUBTrainingSession(f"{KEY}_{MODEL_ID}")

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._session.metrics_queue[step] = json.dumps(values)
        self._session.upload_metrics()
        self._session.metrics_queue = {}

    def upload(self, path: str, epoch: int) -> None:
        before = set(threading.enumerate())
        self._session.upload_model(epoch, path, is_best=False)
        self._sending = set(threading.enumerate()) - before

    def flush(self) -> None:
        for thread in self._sending:
            thread.join()

    def finish(self, path: str, timeout: float) -> None:
        self._session.upload_model(5, path, map=0.5, final=True)
        self._session.alive = False

    def close(self) -> None:
        self._session.alive = False
