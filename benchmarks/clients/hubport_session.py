"""hubport, through its public API."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import hubport
from benchmarks.wire import KEY, MODEL_ID

logging.getLogger("hubport").setLevel(logging.CRITICAL)  # the outages are on purpose


class Client:
    """A session of :func:`hubport.connect`; settings come from the environment."""

    def __init__(self, url: str, folder: Path) -> None:
        self.session = hubport.connect(MODEL_ID, api_key=KEY)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self.session.log_metrics(step, values)

    def upload(self, path: str, epoch: int) -> None:
        self.session.upload_checkpoint(path, epoch=epoch)

    def flush(self) -> None:
        assert self.session.flush(timeout=600)

    def finish(self, path: str, timeout: float) -> None:
        self.session.finish(path, epoch=5, map=0.5, timeout=timeout)

    def close(self) -> None:
        self.session.close(timeout=0)
