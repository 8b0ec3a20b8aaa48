"""neptune-scale in its offline mode."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path


class Client:
    """One run."""

    def __init__(self, url: str, folder: Path) -> None:
        neptune = importlib.import_module("neptune_scale")
        self._run = neptune.Run(
            project="benchmark/benchmark",
            run_id="run",
            mode="offline",
            log_directory=str(folder / "neptune"),
            enable_console_log_capture=False,
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log_metrics(data=dict(values), step=step)

    def close(self) -> None:
        self._run.close()
