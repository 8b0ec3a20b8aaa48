"""hub-sdk, the vendor's last SDK, by its public API: run and watched from outside."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.wire import KEY, MODEL_ID


class Client:
    """One model with its heartbeat."""

    def __init__(self, url: str, folder: Path) -> None:
        sdk = importlib.import_module("hub_sdk")
        self._model = sdk.HUBClient({"api_key": KEY}).model(MODEL_ID)
        self._model.start_heartbeat(300)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._model.upload_metrics({step: json.dumps(values)})

    def upload(self, path: str, epoch: int) -> None:
        self._model.upload_model(epoch, path)

    def finish(self, path: str, timeout: float) -> None:
        self._model.upload_model(5, path, map=0.5, final=True)
        self._model.stop_heartbeat()

    def close(self) -> None:
        self._model.stop_heartbeat()
