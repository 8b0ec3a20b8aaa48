"""What a HUB wants: the schemas of the bodies that clients send, and of the parameters in paths and queries.

The one rule: what fits its schema is refused for no other reason than what the HUB holds; what is wider here than in
:mod:`.bodies` and :mod:`.model_json` is a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....domain.hub.api.pagination import LARGEST_LIMIT, LONGEST_QUERY, MOST
from ....domain.hub.api.validation import DEEPEST, LARGEST, LONGEST_META, LONGEST_NAME
from ....domain.hub.ports.store import LONGEST_CURSOR
from ....domain.metrics import LARGEST_EPOCH
from ....domain.run_end import LONGEST_ERROR, EndKind
from .response_schemas import Schema, digits_up_to

# Every store holds it: NUL is the one character of Unicode that PostgreSQL does not take.
_STORABLE = r"^[^\u0000]*$"
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "pattern": _STORABLE}
_NAME_OR_NONE: Schema = {"type": ["string", "null"], "maxLength": LONGEST_NAME, "pattern": _STORABLE}
_COUNT: Schema = {"type": ["integer", "null"], "minimum": -LARGEST, "maximum": LARGEST}
_SIDE: Schema = {"type": "integer", "minimum": -LARGEST, "maximum": LARGEST}
_SETTING: Schema = {
    "type": ["string", "integer", "boolean", "null"],
    "maxLength": LONGEST_NAME,
    "pattern": _STORABLE,
    "minimum": -LARGEST,
    "maximum": LARGEST,
}
_EPOCH = digits_up_to(LARGEST_EPOCH)
_FILE: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}
_NUMBER = r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$"

_META: Schema = {
    "type": ["object", "null"],
    "description": f"The owner's own JSON: {LONGEST_META} characters and {DEEPEST} levels at the most, and no NUL.",
    "properties": {"name": _NAME_OR_NONE},
    "additionalProperties": True,
}
_TRASHED: Schema = {"type": "boolean", "description": "false takes it out of the trash."}


def _named(*, is_needed: bool) -> Schema:
    if is_needed:
        return {"type": "object", "required": ["name"], "properties": {"name": _NAME}}
    return {"type": ["object", "null"], "properties": {"name": _NAME_OR_NONE}}


_PART_OF_MODEL: Mapping[str, Schema] = {
    "best_metric": {
        **_NAME_OR_NONE,
        "description": "The metric that says how good the model is. null and empty: told from the metrics' names.",
    },
    "best_direction": {
        "enum": ["max", "min", None],
        "description": "Which value of the `best_metric` beside it is the best. null: told from its name.",
    },
    "config": {
        "type": ["object", "null"],
        "description": "Where one is missing or null, what was set before stays.",
        "properties": {
            **dict.fromkeys(("epochs", "patience"), _COUNT),
            "batchSize": {
                "description": "A share of the memory, between 0 and 1, is stored as -1: a batch that fits.",
                "anyOf": [_COUNT, {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}],
            },
            "imageSize": {
                "description": "Of a height and a width the longer counts.",
                "anyOf": [_COUNT, {"type": "array", "items": _SIDE, "minItems": 1}],
            },
            **dict.fromkeys(("device", "cache"), _SETTING),
        },
    },
    "dataset": {**_named(is_needed=False), "description": "A name or an address of data that trainers know."},
    "datasetId": {**_NAME_OR_NONE, "description": "A dataset of this HUB, in place of `dataset`."},
    "lineage": {
        "type": "object",
        "description": "`parent` has weights to begin with; an `architecture` alone is trained from scratch.",
        "properties": {"parent": _named(is_needed=False), "architecture": _named(is_needed=False)},
        "anyOf": [
            {"required": ["parent"], "properties": {"parent": _named(is_needed=True)}},
            {"required": ["architecture"], "properties": {"architecture": _named(is_needed=True)}},
        ],
    },
    "meta": _META,
    "project": {"type": ["object", "null"], "properties": {"id": _NAME_OR_NONE}},
    "projectId": {**_NAME_OR_NONE, "description": "A project of this HUB; `project.id` says the same."},
    "trashed": _TRASHED,
}
_DIRECTION_OF_METRIC: Schema = {
    "anyOf": [
        {"properties": {"best_direction": {"type": "null"}}},
        {"required": ["best_metric"], "properties": {"best_metric": _NAME}},
    ]
}
_PART_OF_ITEM: Mapping[str, Schema] = {
    "meta": _META,
    "filename": {"description": "What old clients send. It is not used."},
    "trashed": _TRASHED,
}


def _new_item(example: str) -> Schema:
    return {
        "type": "object",
        "required": ["meta"],
        "properties": {
            **_PART_OF_ITEM,
            "meta": {**_META, "type": "object", "required": ["name"], "properties": {"name": _NAME}},
        },
        "additionalProperties": False,
        "examples": [{"meta": {"name": example}}],
    }


def _item_change(example: str) -> Schema:
    return {
        "type": "object",
        "properties": _PART_OF_ITEM,
        "additionalProperties": False,
        "examples": [{"meta": {"name": example}}, {"trashed": False}],
    }


WANTED: Mapping[str, Schema] = {
    "NewModel": {
        "type": "object",
        "description": "Without data a trainer is told to wait; without a lineage it trains the smallest model.",
        "properties": {
            **_PART_OF_MODEL,
            "dataset": {
                "type": ["object", "null"],
                "description": "A name or an address of data that trainers know.",
                "required": ["name"],
                "properties": {"name": _NAME_OR_NONE},
            },
        },
        "additionalProperties": False,
        **_DIRECTION_OF_METRIC,
        "examples": [
            {
                "meta": {"name": "coco8 nano"},
                "best_metric": "metrics/mAP50-95(B)",
                "best_direction": "max",
                "dataset": {"name": "coco8.yaml"},
                "lineage": {"architecture": {"name": "yolov8n"}, "parent": {"name": "yolov8n.pt"}},
                "config": {
                    "batchSize": 16,
                    "epochs": 3,
                    "imageSize": 640,
                    "patience": 100,
                    "device": "0",
                    "cache": "ram",
                },
            }
        ],
    },
    "ModelChange": {
        "type": "object",
        "properties": _PART_OF_MODEL,
        "additionalProperties": False,
        **_DIRECTION_OF_METRIC,
        "examples": [
            {"meta": {"name": "coco8 nano, again"}},
            {"config": {"epochs": 5}},
            {"best_metric": "val/f1", "best_direction": "max"},
            {"trashed": False},
        ],
    },
    "Metrics": {
        "type": "object",
        "required": ["metrics"],
        "properties": {
            "metrics": {
                "type": "object",
                "description": "JSON text by epoch. NaN and infinities of old clients are read as null.",
                "propertyNames": {"pattern": f"^{_EPOCH}$"},
                "additionalProperties": {
                    "anyOf": [
                        {"type": "string", "pattern": _STORABLE},
                        {"type": "object", "description": "The same, as the object itself."},
                    ]
                },
            },
            "type": {"description": "What old clients send: `metrics`. It is not used."},
        },
        "examples": [
            {
                "metrics": {
                    "0": '{"train/box_loss": 1.2, "metrics/mAP50-95(B)": 0.31}',
                    "1": '{"train/box_loss": 0.9, "metrics/mAP50-95(B)": null}',
                },
                "type": "metrics",
            }
        ],
    },
    "Heartbeat": {
        "type": "object",
        "properties": {
            "agent": {"type": ["string", "null"], "description": "What the client calls itself."},
            "agentId": {"type": ["string", "null"], "description": "What the last answer gave."},
            "state": {
                "enum": [kind.value for kind in EndKind],
                "description": "In the last heartbeat of a run: whether it was closed, or an exception ended it. Any "
                "other value is passed over.",
            },
            "error": {
                "type": "string",
                "maxLength": LONGEST_ERROR,
                "description": "With `failed`: the name of the exception's class. What is none is passed over.",
            },
        },
        "examples": [
            {"agent": "python-8.0.100-local", "agentId": None},
            {"agent": "python-0.1.0-local", "agentId": "agent-1", "state": "failed", "error": "ValueError"},
        ],
    },
    "Checkpoint": {
        "type": "object",
        "description": "Text fields, then one file part whose field name and file name are both that of its type.",
        "required": ["epoch", "type"],
        "properties": {
            "epoch": {"type": "string", "pattern": f"^{_EPOCH}$"},
            "type": {"enum": ["epoch", "final"]},
            "isBest": {"enum": ["True", "False"], "description": "Of an epoch checkpoint."},
            "map": {"type": "string", "pattern": _NUMBER, "description": "mAP50-95 of a final one."},
            "last.pt": {**_FILE, "description": "An epoch checkpoint."},
            "best.pt": {**_FILE, "description": "The final one."},
        },
        "oneOf": [
            {"properties": {"type": {"const": "epoch"}}, "required": ["last.pt"]},
            {"properties": {"type": {"const": "final"}}, "required": ["best.pt"]},
        ],
        "additionalProperties": False,
    },
    "NewProject": _new_item("Traffic signs"),
    "ProjectChange": _item_change("Traffic signs and lights"),
    "NewDataset": _new_item("signs-2026"),
    "DatasetChange": _item_change("signs-2026, cleaned"),
    "DatasetFile": {
        "type": "object",
        "description": "One file part. Its field may have any name; its file name ends in `.zip` or `.yaml`.",
        "properties": {"dataset.zip": _FILE, "dataset.yaml": _FILE},
        "oneOf": [{"required": ["dataset.zip"]}, {"required": ["dataset.yaml"]}],
        "additionalProperties": False,
    },
}

#: What may stand in a query, by name.
QUERY: Mapping[str, Mapping[str, Any]] = {
    "limit": {
        "description": f"How many at the most. More than {MOST} are never given; `None` and nothing are 10.",
        "schema": {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": 10},
    },
    "last_doc_id": {
        "description": "`lastRecordId` of the page before; `None` and nothing ask for the first page.",
        "schema": {"type": "string", "pattern": f"^([0-9]{{1,{LONGEST_CURSOR}}}|None)$"},
    },
    "public": {"description": "What old clients send. Nothing is public here.", "schema": {"type": "boolean"}},
    "query": {
        "description": "A part of the name or of the ID; ASCII letters are compared without case.",
        "schema": {"type": "string", "maxLength": LONGEST_QUERY, "pattern": _STORABLE},
    },
    "trashed": {
        "description": "Whether to list what is in the trash, instead of what is not.",
        "schema": {"type": "boolean", "default": False},
    },
    "page": {
        "description": "What old clients send. Pages have no numbers here: `last_doc_id` says where the next begins.",
        "schema": {"type": "integer", "enum": [0]},
    },
    "hard": {"description": "Delete for good, with every file.", "schema": {"type": "boolean", "default": False}},
    "after": {
        "description": "The `revision` of the last answer.",
        "schema": {"type": "integer", "minimum": 0, "maximum": LARGEST_EPOCH, "default": 0},
    },
}
