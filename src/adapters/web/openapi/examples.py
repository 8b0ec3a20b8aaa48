"""What a HUB gives, by example.

The one rule: what the domain can make is made by it, so that no example shows what no HUB would answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....domain.checkpoint import CheckpointKind
from ....domain.hub.api.handlers.projects_datasets import dataset_record, project_record
from ....domain.hub.api.model_json import ModelSerializer, created
from ....domain.hub.items import Dataset, Project
from ....domain.hub.model import StoredCheckpoint
from ....domain.hub.progress import MetricValue, Progress
from ....domain.hub.stored_file import StoredFile
from .request_schemas import WANTED

_AT = 1767225600.0
_MODEL, _PROJECT, _DATASET = "5TW9g7mc7cmuPCbQ3WNf", "huSS6AZPsK20FKcpXzkI", "RPxBFWGyEbcR8KykF8VH"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#: The path of a file that the other examples speak of.
FILE = StoredFile(f"{_MODEL}-epoch-1.pt", "Vq3vHk2bUo0pZ7sYd1xM4w", 6_260, _SHA256)
#: What stands in a path, for example.
PATH = {"id": _MODEL, "token": FILE.token, "file": FILE.name}


def examples(root: str) -> Mapping[str, Any]:
    """``data`` by the name of its schema, for clients that reach the HUB under *root*."""
    checkpoint = StoredCheckpoint(
        FILE.name, FILE.token, FILE.size, FILE.sha256, CheckpointKind.EPOCH, 1, is_best=True, at=_AT + 60
    )
    model = created(_MODEL, WANTED["NewModel"]["examples"][0], at=_AT).with_checkpoint(checkpoint, keep=1)
    summary = Progress(2, 1, MetricValue("metrics/mAP50-95(B)", 0.31, 0))
    record = ModelSerializer(root, _AT + 90, lambda _: None).record(model, summary)
    project = project_record(root, Project(_PROJECT, "Traffic signs", _AT))
    file = StoredFile(f"{_DATASET}.zip", "b8Zt0Jw5QnE2mYc9RkVx3A", 1_048_576, _SHA256)
    dataset = dataset_record(root, Dataset(_DATASET, "signs-2026", _AT, file=file))
    return {
        "Model": record,
        "ModelList": _page(record),
        "SeriesList": [
            {"meta": {"name": "train/box_loss"}, "data": {"0": 1.2, "1": 0.9}},
            {"meta": {"name": "metrics/mAP50-95(B)"}, "data": {"0": 0.31, "1": None}},
        ],
        "Changes": {
            "revision": 2,
            "model": record,
            "epochs": {"1": {"train/box_loss": 0.9, "metrics/mAP50-95(B)": None}},
        },
        "Hub": {"hubId": "9f0c51f2a7be4d6c8e21b03d5a7c4e19"},
        "Agent": {"agentId": "agent-mZ2kq8XwT4vB"},
        "Project": project,
        "ProjectList": _page(project),
        "Dataset": dataset,
        "DatasetList": _page(dataset),
    }


def _page(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"results": [item], "total": 1, "lastRecordId": None}
