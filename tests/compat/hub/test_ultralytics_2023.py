"""The real ``ultralytics`` 8.0.100 trains with a served HUB over SQLite: new, killed, resumed, trained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from hubport.domain.hub.model import HubModel
from tests.compat.clients import PEER, PEER_PYTHON, ClientProcess
from tests.compat.hub.peers import environ
from tests.compat.hub.served import ServedHub
from tests.compat.recording_hub import HANG_TIMEOUT

MODEL_ID = "Abcdefghij0123456789"
ATTRIBUTES = ("model_file", "train_args", "agent_id", "model_id")


@contextmanager
def client(hub: ServedHub, folder: Path) -> Iterator[ClientProcess]:
    if not (PEER / ".installed").exists():
        pytest.fail(f"{PEER.name}, the environment of the old client, is missing or incomplete: run `make peer`")
    with ClientProcess("old", PEER_PYTHON, environ(hub.url, hub.key, folder), folder) as process:
        yield process


@pytest.fixture
def model_id(hub: ServedHub) -> str:
    hub.store.models.save(HubModel(MODEL_ID, "a model", "coco8.yaml", epochs=3, batch=4, imgsz=64, cache="ram"))
    return MODEL_ID


def do(process: ClientProcess, what: str, **order: Any) -> Any:
    """What the order gives."""
    answer = process.ask({"do": what, **order})
    assert "raised" not in answer, (answer, process.printed())
    return answer["result"]


def connected(hub: ServedHub, process: ClientProcess) -> dict[str, Any]:
    """The session of the model, and its attributes when the HUB has named the agent."""
    do(process, "construct", ref=f"{hub.key}_{MODEL_ID}")
    do(process, "await", name="agent_id")
    return {name: told["value"] for name, told in do(process, "describe", names=ATTRIBUTES).items()}


def log(process: ClientProcess, epoch: int, **values: float) -> None:
    do(process, "queue", epoch=epoch, text=json.dumps(values))
    do(process, "call", name="upload_metrics")
    do(process, "set", name="metrics_queue", value={})


def test_a_model_is_trained_through_a_crash(hub: ServedHub, folder: Path, model_id: str) -> None:
    last, best = folder / "last.pt", folder / "best.pt"
    last.write_bytes(b"\r\n--last\x00" * 50_000)
    best.write_bytes(bytes(range(256)) * 3000)

    with client(hub, folder) as process:
        begun = connected(hub, process)
        args = {"batch": 4, "epochs": 3, "imgsz": 64, "patience": 100, "device": "", "cache": "ram"}
        assert ("yolov8n.pt", args | {"data": "coco8.yaml"}) == (begun["model_file"], begun["train_args"])
        log(process, 0, loss=1.0)
        log(process, 1, loss=0.5)
        assert "new" == hub.model(model_id).status
        do(process, "call", name="upload_model", args=[1, str(last), True])
        process.kill()
    assert ("training", "python-8.0.100-local") == (hub.model(model_id).status, hub.model(model_id).agent)

    with client(hub, folder) as process:
        resumed = connected(hub, process)
        assert {"data": "coco8.yaml", "resume": True} == resumed["train_args"]
        assert begun["agent_id"] != resumed["agent_id"]
        fetched = requests.get(resumed["model_file"], timeout=HANG_TIMEOUT)
        assert (200, last.read_bytes()) == (fetched.status_code, fetched.content)
        log(process, 1, loss=0.4)
        log(process, 2, loss=float("nan"))
        do(process, "call", name="upload_model", args=[2, str(best)], kwargs={"map": 0.42, "final": True})
        do(process, "set", name="alive", value=False)
        do(process, "end")
        assert 0 == process.leave()

    model = hub.model(model_id)
    assert "trained" == model.status
    assert [(1, None), (2, 0.42)] == [(kept.epoch, kept.map) for kept in model.checkpoints]
    final = requests.get(hub.url + model.checkpoints[-1].path, timeout=HANG_TIMEOUT)
    assert best.read_bytes() == final.content
    assert {0: '{"loss": 1.0}', 1: '{"loss": 0.4}', 2: '{"loss": NaN}'} == hub.store.metrics(model_id).epochs

    with client(hub, folder) as process:
        answer = process.ask({"do": "construct", "ref": f"{hub.key}_{model_id}"})
        assert "already" in answer["raised"]["message"]
        do(process, "end")


def test_the_old_callbacks_deliver_a_training_of_twenty_epochs(hub: ServedHub, folder: Path, model_id: str) -> None:
    for name in ("last.pt", "best.pt"):
        (folder / name).write_bytes(name.encode() * 1000)
    with client(hub, folder) as process:
        connected(hub, process)
        do(process, "set", name="rate_limits", value={"metrics": 0.0, "ckpt": 0.0, "heartbeat": 300.0})
        do(process, "callback", name="on_pretrain_routine_end", folder=str(folder))
        for epoch in range(20):
            do(process, "callback", name="on_fit_epoch_end", folder=str(folder), epoch=epoch)
            do(process, "callback", name="on_model_save", folder=str(folder))
        do(process, "callback", name="on_train_end", folder=str(folder))
        do(process, "end")
        assert 0 == process.leave()

    model = hub.model(model_id)
    assert ("trained", list(range(20))) == (model.status, list(hub.store.metrics(model_id).epochs))
    assert [15, 16, 17, 18, 19, 19] == [kept.epoch for kept in model.checkpoints]


def test_a_missing_checkpoint_is_refused_and_the_training_goes_on(hub: ServedHub, folder: Path, model_id: str) -> None:
    with client(hub, folder) as process:
        connected(hub, process)
        do(process, "call", name="upload_model", args=[1, str(folder / "nowhere.pt")])
        log(process, 1, loss=0.5)
        do(process, "end")

    assert ("new", [1]) == (hub.model(model_id).status, list(hub.store.metrics(model_id).epochs))


def test_a_key_of_somebody_else_reads_nothing(hub: ServedHub, folder: Path, model_id: str) -> None:
    with client(hub, folder) as process:
        answer = process.ask({"do": "construct", "ref": f"{'0' * 42}_{model_id}"})
        do(process, "end")

    assert "raised" in answer
    assert hub.model(model_id).agent is None
