"""The least that the old client's HUB callbacks want of a trainer: what they read, and nothing that trains.

Which attributes these are was observed, by handing the callbacks an object that records what is asked of it. The
callbacks themselves are the real ones of the installed ``ultralytics``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import heavy_imports

MAP = "metrics/mAP50-95(B)"


def hub_callbacks() -> Mapping[str, Callable[[Any], None]]:
    """The table of callbacks by which the real trainer of 2023 drove its session."""
    heavy_imports.install()
    heavy_imports.keep_on_loopback()
    callbacks: Mapping[str, Callable[[Any], None]] = importlib.import_module(
        "ultralytics.yolo.utils.callbacks.hub"
    ).callbacks
    return callbacks


class StandInTrainer:
    """A trainer between two epochs, with the session where the callbacks look for it."""

    def __init__(self, session: Any, folder: Path) -> None:
        self.hub_session = session
        self.last = folder / "last.pt"
        self.best = folder / "best.pt"
        self.epoch = 0
        self.tloss = 0.0
        self.metrics: dict[str, float] = {}
        self.best_fitness = self.fitness = 0.0
        self.model = SimpleNamespace(parameters=list)
        self.validator = SimpleNamespace(speed={"inference": 1.5})

    def label_loss_items(self, loss: float, prefix: str = "train") -> dict[str, float]:
        return {f"{prefix}/box_loss": loss}

    def arrive_at(self, epoch: int) -> None:
        """Have trained *epoch*: a smaller loss, a higher mAP, the best so far."""
        self.epoch = epoch
        self.tloss = 1 / (epoch + 1)
        self.metrics = {MAP: 1 - self.tloss, "val/box_loss": 2 * self.tloss}
        self.best_fitness = self.fitness = 1 - self.tloss
