"""The session of the real ``ultralytics`` 8.4.114, over hub-sdk, with a served HUB over SQLite.

Its networks and its trainer are stood in for; the class, its threads, its callbacks and the SDK below it are its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.compat.hub.peers import Late
from tests.compat.hub.served import ServedHub

ARGS: Mapping[str, Any] = {"data": "coco8.yaml", "epochs": 3, "imgsz": 64, "batch": 2, "device": "cpu", "patience": 7}


def created(late: Late, identifier: str = "yolov8n.pt", **args: Any) -> str:
    """The ID of the model that a training of *identifier* creates; the session is called ``session``."""
    late.new("create_session", "session", identifier, {**ARGS, **args})
    model_id = late.read("session", "model", "id")
    assert isinstance(model_id, str), late.printed()
    return model_id


def address(hub: ServedHub, model_id: str, end: str = "") -> str:
    return f"{hub.url}/models/{model_id}{end}"


def written(folder: Path) -> tuple[Path, Path]:
    last, best = folder / "last.pt", folder / "best.pt"
    last.write_bytes(b"\r\n--last\x00" * 50_000)
    best.write_bytes(bytes(range(256)) * 3000)
    return last, best


def test_a_training_creates_its_model(hub: ServedHub, late: Late) -> None:
    model_id = created(late)

    hub.wait_for(lambda: hub.model(model_id).agent is not None)
    assert address(hub, model_id) == late.read("session", "model_url")
    model = hub.model(model_id)
    assert ("yolov8n.pt", "coco8.yaml", 3, 2, 64, 7, "cpu") == (
        model.weights,
        model.data,
        model.epochs,
        model.batch,
        model.imgsz,
        model.patience,
        model.device,
    )


@pytest.mark.parametrize("end", ["?api_key={key}", "/?api_key={key}", ""], ids=["key", "slash and key", "plain"])
def test_a_model_is_opened_by_its_address(hub: ServedHub, late: Late, end: str) -> None:
    """The plain one with the key of the environment."""
    model_id = created(late)
    late.new("HUBTrainingSession", "session", address(hub, model_id, end.format(key=hub.key)))

    args = {"data": "coco8.yaml", "batch": 2, "epochs": 3, "imgsz": 64, "patience": 7, "device": "cpu", "cache": "ram"}
    assert ("yolov8n.pt", args) == (late.read("session", "model_file"), late.read("session", "train_args"))


def test_a_training_from_scratch_stays_one_when_it_is_opened_by_its_address(hub: ServedHub, late: Late) -> None:
    model_id = created(late, "yolov8n.yaml")
    late.new("HUBTrainingSession", "session", address(hub, model_id))

    assert "yolov8n.yaml" == late.read("session", "model_file")


ODD: tuple[Mapping[str, Any], ...] = (
    {"batch": 0.9},
    {"imgsz": [640, 480]},
    {"patience": None, "device": None, "cache": False},
    {"device": [0, 1], "cache": True},
    {"data": None},
    {"data": f"/{'x' * 300}/set.yaml"},
    {"epochs": "3", "imgsz": "64"},
)
"""What a trainer may be told as well."""


def test_whatever_a_trainer_was_told_creates_a_model(hub: ServedHub, late: Late) -> None:
    """A refusal would end the training before it began."""
    models = [hub.model(created(late, **args)) for args in ODD]

    assert [-1, 2, 2, 2, 2, 2, 2] == [model.batch for model in models]
    assert [64, 640, 64, 64, 64, 64, 64] == [model.imgsz for model in models]
    assert ["cpu", "cpu", "", "[0, 1]", "cpu", "cpu", "cpu"] == [model.device for model in models]


def test_a_session_trains_through_a_crash(hub: ServedHub, folder: Path, late: Late) -> None:
    last, best = written(folder)
    model_id = created(late)
    for epoch in range(2):
        late.put("session", "metrics_queue", epoch, json.dumps({"train/loss": 1 / (epoch + 1)}))
    late.call("session", "upload_metrics")
    assert "new" == hub.model(model_id).status
    late.call("session", "upload_model", 1, str(last), is_best=True)
    late.kill()
    assert "training" == hub.model(model_id).status

    with Late(hub.url, hub.key, folder) as client:
        client.new("HUBTrainingSession", "session", address(hub, model_id))
        assert {"data": "coco8.yaml", "resume": True} == client.read("session", "train_args")
        fetched = client.fetch(client.read("session", "model_file"), folder / "resumed.pt")
        assert {"status": 200, "head": 200, "length": str(last.stat().st_size)} == fetched
        assert last.read_bytes() == (folder / "resumed.pt").read_bytes()
        client.call("session", "upload_model", 2, str(best), map=0.42, final=True)
        assert "trained" == hub.model(model_id).status

        # A trained model is opened to be used: the client downloads it.
        client.new("HUBTrainingSession", "trained", address(hub, model_id))
        assert best.read_bytes() == Path(folder, client.read("trained", "model_file")).read_bytes()

    model = hub.model(model_id)
    assert [(1, None, True), (2, 0.42, False)] == [(kept.epoch, kept.map, kept.is_best) for kept in model.checkpoints]
    assert {0: '{"train/loss": 1.0}', 1: '{"train/loss": 0.5}'} == hub.store.metrics(model_id).epochs


def test_its_callbacks_deliver_a_training(hub: ServedHub, folder: Path, late: Late) -> None:
    written(folder)
    model_id = created(late)
    late.new("trainer", "trainer", str(folder), {"$name": "session"})
    for name in ("metrics", "ckpt"):
        late.put("session", "rate_limits", name, 0)
    late.hook("trainer", "on_pretrain_routine_end")
    for epoch in range(3):
        late.hook("trainer", "on_fit_epoch_end", epoch)
        late.hook("trainer", "on_model_save", epoch)
    late.hook("trainer", "on_train_end", 2)

    model = hub.model(model_id)
    assert ("trained", [0, 1, 2]) == (model.status, list(hub.store.metrics(model_id).epochs))
    assert ["epoch", "epoch", "epoch", "final"] == [kept.kind.value for kept in model.checkpoints]


def test_a_model_that_is_not_there_is_not_trained(hub: ServedHub, late: Late) -> None:
    late.new("HUBTrainingSession", "session", address(hub, "A" * 20))

    assert late.read("session", "train_args") is None
    assert "not found" in late.printed()
