"""trackio, which keeps its runs on this machine."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path


class Client:
    """One run."""

    def __init__(self, url: str, folder: Path) -> None:
        self._trackio = importlib.import_module("trackio")
        self._trackio.init(project="benchmark", auto_log_gpu=False)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._trackio.log(dict(values), step=step)

    def close(self) -> None:
        self._trackio.finish()
