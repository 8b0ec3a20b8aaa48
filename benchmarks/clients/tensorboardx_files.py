"""tensorboardX, which writes event files in a thread of its own."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path


class Client:
    """One writer."""

    def __init__(self, url: str, folder: Path) -> None:
        self._writer = importlib.import_module("tensorboardX").SummaryWriter(str(folder / "tensorboard"))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()
