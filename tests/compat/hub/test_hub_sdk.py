"""The real hub-sdk 0.0.25 with a served HUB over SQLite: what its published documentation shows, and a training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.compat.hub.peers import Late, Raised
from tests.compat.hub.served import ServedHub, served_hub
from tests.compat.recording_hub import HANG_TIMEOUT

DOCUMENTED: Mapping[str, Any] = {
    "meta": {"name": "sdk model"},
    "config": {
        "batchSize": "-1",
        "cache": "ram",
        "device": "name",
        "epochs": "5",
        "imageSize": "640",
        "patience": "5",
    },
}
"""The model that the documentation creates, without its project and its dataset."""
NEW: Mapping[str, Any] = {
    "meta": {"name": "a model"},
    "dataset": {"name": "coco8.yaml"},
    "lineage": {"architecture": {"name": "yolov8n"}, "parent": {"name": "yolov8n.pt"}},
    "config": {"batchSize": 16, "epochs": 3, "imageSize": 320, "patience": 10, "device": "cpu", "cache": "ram"},
}
KINDS = ("model", "project", "dataset")


@pytest.fixture
def sdk(late: Late) -> Late:
    """With a client that has its key from the environment."""
    late.new("HUBClient", "client")
    return late


def created(sdk: Late, kind: str = "model", name: str = "a model", **body: Any) -> str:
    """The ID of a new item; the SDK's object of it is called *kind*."""
    sdk.call("client", kind, into=kind)
    sdk.call(kind, f"create_{kind}", {**(NEW if kind == "model" else {}), **body, "meta": {"name": name}})
    item_id = sdk.read(kind, "id")
    assert isinstance(item_id, str), sdk.printed()
    return item_id


def again(sdk: Late, item_id: str, kind: str = "model") -> Any:
    """What the SDK reads of the item now."""
    sdk.call("client", kind, item_id, into=kind)
    return sdk.read(kind, "data")


def written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


# Keys


def test_a_key_of_the_hub_is_taken_and_another_is_not(hub: ServedHub, late: Late) -> None:
    late.new("HUBClient", "client", {"api_key": hub.key})
    assert late.read("client", "authenticated")

    late.new("HUBClient", "stranger", {"api_key": "0" * 42})
    assert not late.read("stranger", "authenticated")


# Models, projects, datasets


def test_the_documented_model_is_created_with_its_project_and_dataset(hub: ServedHub, sdk: Late, folder: Path) -> None:
    project_id, dataset_id = created(sdk, "project", "my project"), created(sdk, "dataset", "My Dataset")
    sdk.call("dataset", "upload_dataset", written(folder / "set.zip", b"PK" * 1000))
    sdk.call("client", "model", into="model")
    sdk.call("model", "create_model", {**DOCUMENTED, "projectId": project_id, "datasetId": dataset_id})

    data = again(sdk, sdk.read("model", "id"))
    assert ("sdk model", project_id, dataset_id) == (data["meta"]["name"], data["project"], data["dataset"]["id"])
    args = {"batch": -1, "epochs": 5, "imgsz": 640, "patience": 5, "device": "name", "cache": "ram"}
    assert args | {"data": sdk.call("model", "get_dataset_url")} == data["train_args"]
    assert ("new", False, False) == (data["status"], *flags(sdk))


def flags(sdk: Late) -> tuple[bool, bool]:
    return sdk.call("model", "is_resumable"), sdk.call("model", "is_trained")


def test_the_documented_model_needs_neither_project_nor_dataset(sdk: Late) -> None:
    sdk.call("client", "model", into="model")
    sdk.call("model", "create_model", DOCUMENTED)

    assert "" == again(sdk, sdk.read("model", "id"))["data"]


def test_what_a_model_is_made_of_is_told(sdk: Late) -> None:
    created(sdk)
    assert ("coco8.yaml", "yolov8n.pt") == (sdk.call("model", "get_dataset_url"), sdk.call("model", "get_weights_url"))
    assert (True, False) == (sdk.call("model", "is_pretrained"), sdk.call("model", "is_custom"))

    created(sdk, lineage={"architecture": {"name": "yolov8n"}, "parent": {}})
    assert ("yolov8n.yaml", None) == (sdk.call("model", "get_architecture"), sdk.call("model", "get_weights_url"))
    assert not sdk.call("model", "is_pretrained")


@pytest.mark.parametrize("kind", KINDS)
def test_an_item_is_renamed(sdk: Late, kind: str) -> None:
    item_id = created(sdk, kind)
    answer = sdk.call(kind, "update", {"meta": {"name": "Updated Name"}})

    assert (200, True) == (answer["status"], answer["body"]["success"])
    assert "Updated Name" == again(sdk, item_id, kind)["meta"]["name"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_item_is_deleted_softly_and_for_good(hub: ServedHub, sdk: Late, kind: str) -> None:
    repositories: dict[str, Any] = {
        "model": hub.store.models,
        "project": hub.store.projects,
        "dataset": hub.store.datasets,
    }
    repository = repositories[kind]
    item_id = created(sdk, kind)
    assert 200 == sdk.call(kind, "delete")["status"]
    assert repository.get(item_id).is_trashed
    assert {} == again(sdk, item_id, kind)
    assert "not found" in sdk.printed()

    assert 200 == sdk.call(kind, "delete", hard=True)["status"]
    assert repository.get(item_id) is None


@pytest.mark.parametrize("kind", KINDS)
def test_lists_are_paged_forth_and_back(sdk: Late, kind: str) -> None:
    ids = [created(sdk, kind, f"number {number}") for number in range(5)][::-1]
    sdk.call("client", f"{kind}_list", page_size=2, into="list")

    def shown() -> list[str]:
        return [item["id"] for item in sdk.read("list", "results")]

    seen = [shown()]
    for way in ("next", "next", "next", "previous", "previous", "previous"):
        sdk.call("list", way)
        seen.append(shown())
    first, second, last = ids[:2], ids[2:4], ids[4:]
    assert [first, second, last, last, second, first, first] == seen
    assert 3 == sdk.read("list", "total_pages")


@pytest.mark.parametrize("kind", KINDS)
def test_lists_are_searched(sdk: Late, kind: str) -> None:
    wanted = [created(sdk, kind, f"number {number}") for number in range(3)][1]
    sdk.call("client", f"{kind}_list", page_size=2, public=True, into="list")
    found = sdk.call("list", "list", page_size=2, query="NUMBER 1")

    assert [wanted] == [item["id"] for item in found["body"]["data"]["results"]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_list_has_one_page(sdk: Late, kind: str) -> None:
    """By its number, of which the HUB knows the first alone: the same page again would be a list without an end."""
    item_id = created(sdk, kind)

    assert [item_id] == [item["id"] for item in sdk.call(kind, "list")["body"]["data"]["results"]]
    assert sdk.call(kind, "list", page=1) is None
    assert "Unprocessable" in sdk.printed()


def test_a_dataset_is_uploaded_and_downloaded(sdk: Late, folder: Path) -> None:
    content = bytes(range(256)) * 5000
    dataset_id = created(sdk, "dataset")
    assert again(sdk, dataset_id, "dataset")["url"] is None

    assert 200 == sdk.call("dataset", "upload_dataset", written(folder / "set.zip", content))["status"]
    again(sdk, dataset_id, "dataset")
    url = sdk.call("dataset", "get_download_link")
    assert url.endswith(".zip")
    told = sdk.fetch(url, folder / "fetched.zip")
    assert {"status": 200, "head": 200, "length": str(len(content))} == told
    assert content == (folder / "fetched.zip").read_bytes()


# Training


def test_a_training_is_killed_resumed_and_finished(hub: ServedHub, folder: Path, late: Late) -> None:
    last, best = b"\r\n--last\x00" * 50_000, bytes(range(256)) * 3000
    late.new("HUBClient", "client")
    model_id = created(late)
    late.begin("model", "start_heartbeat", 60)
    hub.wait_for(lambda: hub.model(model_id).agent is not None)
    agent_id = hub.model(model_id).agent_id
    for epoch in range(2):
        late.call("model", "upload_metrics", {epoch: json.dumps({"train/loss": 1 / (epoch + 1), "lr": 0.01})})
    answer = late.call("model", "upload_model", 1, written(folder / "last.pt", last), is_best=True)
    assert 200 == answer["status"]
    late.kill()
    assert "training" == hub.model(model_id).status

    with Late(hub.url, hub.key, folder) as sdk:
        sdk.new("HUBClient", "client")
        assert "training" == again(sdk, model_id)["status"]
        assert (True, False) == flags(sdk)
        url = sdk.call("model", "get_weights_url", "last")
        assert 200 == sdk.fetch(url, folder / "resumed.pt")["status"]
        assert last == (folder / "resumed.pt").read_bytes()

        sdk.begin("model", "start_heartbeat", 60)
        sdk.call("model", "upload_metrics", {2: json.dumps({"train/loss": 0.25}), 1: json.dumps({"train/loss": 0.4})})
        final = sdk.call("model", "upload_model", 2, written(folder / "best.pt", best), map=0.42, final=True)
        assert 200 == final["status"]
        again(sdk, model_id)
        assert (True, True, True) == (*flags(sdk), sdk.call("model", "has_best_weights"))
        assert 200 == sdk.fetch(sdk.call("model", "get_weights_url", "best"), folder / "trained.pt")["status"]
        assert best == (folder / "trained.pt").read_bytes()
        assert {"train/loss": {"0": 1.0, "1": 0.4, "2": 0.25}, "lr": {"0": 0.01, "1": 0.01}} == {
            series["meta"]["name"]: series["data"] for series in sdk.call("model", "get_metrics")
        }

    model = hub.model(model_id)
    assert ("trained", 2) == (model.status, len(model.agents.known))
    assert agent_id == model.agents.known[0].id != model.agent_id
    assert [(1, None, True, sha256(last)), (2, 0.42, False, sha256(best))] == [
        (kept.epoch, kept.map, kept.is_best, kept.sha256) for kept in model.checkpoints
    ]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_heartbeats_go_on_after_the_final_upload_under_one_name(hub: ServedHub, sdk: Late, folder: Path) -> None:
    model_id = created(sdk)
    sdk.begin("model", "start_heartbeat", 0)
    hub.wait_for(lambda: hub.model(model_id).agent is not None)
    agent_id = hub.model(model_id).agent_id
    sdk.call("model", "upload_model", 0, written(folder / "best.pt", b"best"), map=0.5, final=True)
    uploaded = hub.store.revision(model_id)

    hub.wait_for(lambda: hub.store.revision(model_id) > uploaded + 1)
    sdk.call("model", "stop_heartbeat")
    assert agent_id == hub.model(model_id).agent_id


def test_who_calls_too_often_is_told_when_to_come_again(tmp_path: Path, folder: Path) -> None:
    """It reads three headers of a 429, and fails where one of them is missing."""
    with served_hub(tmp_path / "limited", rate_limit=60) as hub, Late(hub.url, hub.key, folder) as sdk:
        sdk.new("HUBClient", "client")
        created(sdk)
        says_when = "You will be able to make requests again after"
        for _ in range(10):  # between the two calls a slow machine may earn the second one
            while (
                429
                != requests.get(
                    f"{hub.url}/v1/models", headers={"x-api-key": hub.key}, timeout=HANG_TIMEOUT
                ).status_code
            ):
                pass
            sdk.call("model", "upload_metrics", {0: "{}"})
            if says_when in sdk.printed():
                break
        assert says_when in sdk.printed()


# What this HUB does not do


def test_what_is_not_done_here_is_said_and_nothing_is_raised(sdk: Late, folder: Path) -> None:
    created(sdk)
    created(sdk, "project")
    image = written(folder / "photo.jpg", b"no photo")

    assert sdk.call("model", "export", format="onnx") is None
    assert sdk.call("model", "predict", image, {"conf": 0.25}) is None
    assert sdk.call("project", "upload_image", image) is None
    assert 3 == sdk.printed().count("Not Implemented")


def test_a_model_that_is_not_there_has_no_data(sdk: Late) -> None:
    assert {} == again(sdk, "A" * 20)
    with pytest.raises(Raised):
        sdk.call("client", "team_list")
