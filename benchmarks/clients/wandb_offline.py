"""wandb in its offline mode, with whatever measures or captures the process switched off."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path


class Client:
    """One run."""

    def __init__(self, url: str, folder: Path) -> None:
        wandb = importlib.import_module("wandb")
        settings = wandb.Settings(
            console="off", silent=True, x_disable_stats=True, x_disable_meta=True, save_code=False
        )
        self._run = wandb.init(mode="offline", project="benchmark", dir=folder, settings=settings)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()
