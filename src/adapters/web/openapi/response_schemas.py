"""What a HUB gives: the schemas of ``data`` in its answers, and of the envelope around it.

The one rule: an answer that does not fit its schema is a fault of this file, and a field that is missing here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....domain.hub.agents import MOST_AGENTS
from ....domain.hub.api.routing import PARTS
from ....domain.run_end import LONGEST_ERROR
from ....domain.run_state import RunState

Schema = Mapping[str, Any]

ID: Schema = {"type": "string", "pattern": f"^{PARTS['id']}$"}
_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer"}
_EPOCH: Schema = {"type": "integer", "minimum": 0}
_SIZE: Schema = {"type": "integer", "minimum": 0, "description": "Bytes."}
_SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_TIME: Schema = {"type": "number", "description": "Unix seconds."}
_LINK: Schema = {
    "type": "string",
    "format": "uri",
    "pattern": f"/files/{PARTS['token']}/{PARTS['file']}$",
    "description": "An address that needs no key, has no query and does not expire.",
}


def digits_up_to(largest: int) -> str:
    """A regular expression: a number from 0 to *largest*, in no more digits than that has."""
    digits = str(largest)
    smaller = [
        f"{digits[:place]}[0-{int(digit) - 1}][0-9]{{{len(digits) - place - 1}}}"
        for place, digit in enumerate(digits)
        if digit != "0"
    ]
    return f"([0-9]{{1,{len(digits) - 1}}}|{'|'.join(smaller)}|{digits})"


def ref(name: str) -> Schema:
    """The schema *name*, by reference."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(described: str = "", *, optional: Mapping[str, Schema] | None = None, **required: Schema) -> Schema:
    schema = {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }
    return {"description": described, **schema} if described else schema


def _or_null(schema: Schema) -> Schema:
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def _value(described: str) -> Schema:
    return _object(described, name=_TEXT, value={"type": "number"}, epoch=_EPOCH)


def _list_of(name: str) -> Schema:
    return _object(
        f"A page of {name.lower()}s, newest first.",
        results={"type": "array", "items": ref(name), "maxItems": 100},
        total={"type": "integer", "minimum": 0, "description": "Of all pages."},
        lastRecordId=_or_null(
            {"type": "string", "description": "`last_doc_id` of the next page; null when this was the last."}
        ),
    )


_META: Schema = {
    "type": "object",
    "description": "The owner's own JSON.",
    "required": ["name"],
    "properties": {"name": _TEXT},
    "additionalProperties": True,
}
_ARGS: Mapping[str, Schema] = {
    "data": {"type": "string", "description": "A name or an address; empty until the dataset's file is there."},
    "batch": _COUNT,
    "epochs": _COUNT,
    "imgsz": _COUNT,
    "patience": _COUNT,
    "device": _TEXT,
    "cache": _TEXT,
}
_STATE: Schema = {
    "enum": [state.value for state in RunState],
    "description": "The word for people. A run trains, also before its first checkpoint, until it says that it was "
    "closed (`stopped`) or that an exception ended it (`failed`), or is silent for 15 minutes (`disconnected`).",
}
_ERROR: Schema = {"type": "string", "maxLength": LONGEST_ERROR}
_RUN_STATE: Schema = {"enum": [s.value for s in RunState if s not in {RunState.NEW, RunState.TRAINED}]}
_MODEL: Schema = {
    **_object(
        "A model as `ultralytics` 8.0 (the flat fields), 8.3 (`train_args`) and hub-sdk (the flags) read it.",
        id=ID,
        status={
            "enum": ["new", "training", "trained"],
            "description": "`training` from the first complete checkpoint on, `trained` from the final one on.",
        },
        state=_STATE,
        state_until=_or_null(
            {"type": "number", "description": "When silence alone changes a state next, in unix seconds."}
        ),
        error=_or_null({**_ERROR, "description": "The class of the exception, where the state is `failed`."}),
        **_ARGS,
        batch_size=_COUNT,
        train_args=_object("The same arguments as one object.", **_ARGS),
        base_model=_or_null(
            {"type": "string", "description": "What it is trained from: `cfg`, else the weights, also once trained."}
        ),
        cfg=_or_null({"type": "string", "description": "What to train from scratch."}),
        weights=_or_null({"type": "string", "description": "What to start from; the final weights once trained."}),
        has_last_weights=_FLAG,
        has_best_weights=_FLAG,
        is_pretrained=_FLAG,
        is_custom=_FLAG,
        config=_object(batchSize=_COUNT, epochs=_COUNT, imageSize=_COUNT, patience=_COUNT, device=_TEXT, cache=_TEXT),
        dataset=_object(id=_or_null(ID), name=_TEXT),
        project=_or_null(ID),
        best_metric=_or_null({"type": "string", "description": "What says how good it is; null: told from the names."}),
        best_direction={"enum": ["max", "min", None], "description": "Of `best_metric`; null: told from its name."},
        meta=_META,
        url={"type": "string", "format": "uri", "description": "The page for people."},
        created=_TIME,
        trashed=_FLAG,
        agent=_or_null({"type": "string", "description": "What the newest heartbeat called its client."}),
        last_seen=_or_null(_TIME),
        is_connected={
            "type": "boolean",
            "description": "Whether a run showed itself in the last 15 minutes, and has not said that it ended.",
        },
        agents={"type": "array", "items": ref("KnownAgent"), "maxItems": MOST_AGENTS, "description": "Newest last."},
        progress=ref("Progress"),
        metrics_epoch=_or_null({**_EPOCH, "description": "The newest with metrics: old clients drop the last ones."}),
        checkpoints={"type": "array", "items": ref("StoredCheckpoint"), "description": "Oldest first."},
        optional={"resume": {**_LINK, "description": "The newest complete epoch checkpoint. It does not expire."}},
    ),
    # 8.0 fails with a KeyError on a model that is training and has nothing to resume from.
    "if": {"properties": {"status": {"const": "training"}}},
    "then": {"required": ["resume"]},
}

GIVEN: Mapping[str, Schema] = {
    "Model": _MODEL,
    "ModelList": _list_of("Model"),
    "Progress": _object(
        "How far a model has come.",
        epoch=_or_null({**_EPOCH, "description": "The newest with metrics or a checkpoint."}),
        best=_or_null(_value("The best value of the most telling metric; of equal ones the first.")),
        optional={"last": _value("The newest value, where the name of the metric does not say which is the best.")},
    ),
    "StoredCheckpoint": _object(
        "A checkpoint that was received whole.",
        name=_TEXT,
        type={"enum": ["epoch", "final"]},
        epoch=_EPOCH,
        size=_SIZE,
        sha256=_SHA256,
        isBest=_FLAG,
        map=_or_null({"type": "number", "description": "mAP50-95 of a final one."}),
        at=_TIME,
        url=_LINK,
    ),
    "Number": {
        "type": ["number", "string", "boolean", "null"],
        "description": "A metric's value; null for NaN and the infinities.",
    },
    "SeriesList": {
        "type": "array",
        "description": "Metrics by name.",
        "items": _object(
            meta=_object(name=_TEXT),
            data={
                "type": "object",
                "description": "Values by epoch.",
                "propertyNames": {"pattern": "^[0-9]+$"},
                "additionalProperties": ref("Number"),
            },
        ),
    },
    "Changes": _object(
        "A model, and what came after a revision.",
        revision={"type": "integer", "minimum": 0, "description": "`after` of the next call."},
        model=ref("Model"),
        epochs={
            "type": "object",
            "description": "Values by epoch and name.",
            "propertyNames": {"pattern": "^[0-9]+$"},
            "additionalProperties": {"type": "object", "additionalProperties": ref("Number")},
        },
    ),
    "Hub": _object(
        hubId={
            "type": "string",
            "pattern": "^[0-9A-Za-z_-]{1,64}$",
            "description": "What this HUB is called, whatever its address: a client knows by it what it has kept "
            "for this HUB under another one.",
        }
    ),
    "Agent": _object(
        agentId={"type": "string", "description": "The run's name in its next heartbeat."},
        optional={
            "others": {
                "type": "array",
                "items": ref("OtherAgent"),
                "maxItems": MOST_AGENTS,
                "description": "Other agents of this model that were heard of in the last 15 minutes and have not said "
                "that they end; left out where there is none.",
            }
        },
    ),
    "OtherAgent": _object(
        agentId=_TEXT,
        agent=_or_null(_TEXT),
        state={
            "enum": [RunState.TRAINING.value, RunState.DISCONNECTED.value],
            "description": "`disconnected`: silent since another agent began, and perhaps its dead predecessor.",
        },
        silence={"type": "number", "minimum": 0, "description": "Seconds since its newest heartbeat."},
    ),
    "KnownAgent": _object(
        "A client that has sent heartbeats: one for each run.",
        id=_TEXT,
        name=_or_null({"type": "string", "description": "What it calls itself."}),
        state=_RUN_STATE,
        error=_or_null({**_ERROR, "description": "The class of the exception that ended it."}),
        last_seen=_TIME,
    ),
    "Project": _object("What models are filed under.", id=ID, meta=_META, created=_TIME, trashed=_FLAG),
    "ProjectList": _list_of("Project"),
    "Dataset": _object(
        "What models train on.",
        id=ID,
        meta=_META,
        created=_TIME,
        trashed=_FLAG,
        file=_or_null(_object(name=_TEXT, size=_SIZE, sha256=_SHA256)),
        url=_or_null(_LINK),
    ),
    "DatasetList": _list_of("Dataset"),
    "Error": _object(
        "What was not done, and what to do about it.",
        success={"const": False},
        message={"type": "string", "minLength": 1},
    ),
    "Done": _object(success={"const": True}, message=_TEXT),
}


def enveloped(name: str | None) -> Schema:
    """The envelope of a success whose ``data`` is of the schema *name*; ``None`` where it has none."""
    if name is None:
        return ref("Done")
    return _object(success={"const": True}, message=_TEXT, data=ref(name))
