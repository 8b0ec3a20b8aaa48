"""What every client is told of the HUB: a key, a model, and the variables that point it to loopback.

The one rule: nothing here is measured, and nothing is imported but the standard library, because clients of every
environment read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

KEY = "b0" * 21
MODEL_ID = "Benchmark0Model0Id00"

RECORD: Mapping[str, object] = {
    "id": MODEL_ID,
    "status": "new",
    "data": "coco8.yaml",
    "batch": 16,
    "batch_size": 16,
    "epochs": 300,
    "imgsz": 640,
    "patience": 50,
    "device": "",
    "cache": "",
    "cfg": None,
    "weights": "yolov8n.pt",
    "train_args": {"data": "coco8.yaml", "batch": 16, "epochs": 300, "imgsz": 640},
    "config": {"batchSize": 16, "epochs": 300, "imageSize": 640},
    "meta": {"name": "benchmark"},
    "has_last_weights": False,
    "has_best_weights": False,
    "is_pretrained": True,
    "is_custom": False,
}

VALUES: Mapping[str, float] = {
    "train/box_loss": 1.2,
    "train/cls_loss": 0.9,
    "train/dfl_loss": 1.1,
    "metrics/mAP50": 0.5,
    "metrics/mAP50-95": 0.3,
    "lr/pg0": 0.001,
    "val/loss": 2.2,
}
"""One call of every client that logs."""

FOREIGN = ("COLAB_", "HUB", "NEPTUNE_", "TRACKIO_", "ULTRALYTICS_", "WANDB_", "YOLO_", "PYTHON", "COVERAGE_")
"""Beginnings of variables that would steer a client: none of the caller's reaches it."""


def values(step: int) -> dict[str, float]:
    """Seven floats that differ from step to step."""
    return {name: value + step / 7 for name, value in VALUES.items()}


def environment(inherited: Mapping[str, str], url: str, folder: Path, root: Path) -> dict[str, str]:
    """The variables of a client in *folder* whose HUB is at *url*; below *root* lies ``benchmarks``."""
    kept = {name: value for name, value in inherited.items() if not name.startswith(FOREIGN)}
    return kept | {
        "HOME": str(folder),
        "HUBPORT_STATE_DIR": str(folder / "state"),
        "HUB_API_KEY": KEY,
        "NO_PROXY": "*",
        "PYTHONPATH": str(root),
        "PYTHONWARNINGS": "ignore",  # what the imports of others are warned of is not ours to mend
        "TRACKIO_DIR": str(folder / "trackio"),
        "ULTRALYTICS_HUB_API": url,
        "ULTRALYTICS_HUB_WEB": url,
        "YOLO_CONFIG_DIR": str(folder),
        "TMPDIR": str(folder),
    }
