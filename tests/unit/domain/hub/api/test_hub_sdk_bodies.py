"""What hub-sdk 0.0.25, its published documentation and ultralytics 8.4.114 send, seen on the wire, is understood."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import pytest

from hubport.domain.hub.api.model_json import ModelSerializer, created
from hubport.domain.hub.progress import Progress
from hubport.domain.ports.http import FilePart, Request
from tests.unit.domain.hub.api.test_hub import HEADERS, UNKNOWN, World, get, post

MODEL_ID = "Abcdefghij0123456789"
SENT: Mapping[str, Any] = {
    "config": {"batchSize": 2, "epochs": 3, "imageSize": 64, "patience": 100, "device": "", "cache": "ram"},
    "dataset": {"name": "coco8.yaml"},
    "lineage": {"architecture": {"name": "yolov8n"}, "parent": {"name": "yolov8n.pt"}},
    "meta": {"name": "yolov8n.pt"},
}
"""The body with which ultralytics 8.4.114 creates a model."""


@pytest.fixture
def world() -> World:
    return World()


def record(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a client reads of a model that was created with *body*."""
    return ModelSerializer("https://hub.example", 0.0, lambda _: None).record(
        created(MODEL_ID, body, at=0.0), Progress()
    )


def config(**changes: Any) -> Mapping[str, Any]:
    return {**SENT, "config": {**SENT["config"], **changes}}


def test_the_documented_body_has_numbers_as_text_and_no_lineage() -> None:
    documented = {
        "meta": {"name": "sdk model"},
        "projectId": None,
        "datasetId": None,
        "config": {
            "batchSize": "-1",
            "cache": "ram",
            "device": "name",
            "epochs": "5",
            "imageSize": "640",
            "patience": "5",
        },
    }

    args = {"batch": -1, "epochs": 5, "imgsz": 640, "patience": 5, "device": "name", "cache": "ram"}
    assert args | {"data": ""} == record(documented)["train_args"]
    assert ("yolov8n.pt", None) == (record(documented)["weights"], record(documented)["cfg"])


def test_a_trainer_that_was_given_no_data_names_null() -> None:
    assert "" == record({**SENT, "dataset": {"name": None}})["data"]


def test_a_model_without_a_word_of_what_to_train_is_created_too(world: World) -> None:
    assert world.ask(post("/v1/models", {}), status=201)["id"]


def test_a_share_of_the_memory_is_a_batch_that_fits() -> None:
    assert -1 == record(config(batchSize=0.9))["batch"]


@pytest.mark.parametrize(
    ("sent", "read"),
    [([640, 480], 640), ([480, 640], 640), ([640.0, 480], 640), ("64", 64), (64.0, 64), ("0000000064", 64)],
    ids=str,
)
def test_an_image_of_two_sides_has_the_longer(sent: object, read: int) -> None:
    assert read == record(config(imageSize=sent))["imgsz"]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("batchSize", 1.5),
        ("batchSize", -0.5),
        ("batchSize", float("inf")),
        ("batchSize", float("nan")),
        ("imageSize", []),
        ("imageSize", ["a"]),
        ("imageSize", [640, 480.5]),
        ("imageSize", [640, True]),
        ("imageSize", [640, None]),
        ("epochs", "0" * 19 + "5"),
        ("epochs", "9" * 5000),
        ("epochs", 0.5),
    ],
    ids=str,
)
def test_what_is_no_number_of_anything_is_refused(world: World, name: str, sent: object) -> None:
    status, message = world.refused(post("/v1/models", config(**{name: sent})))
    assert (422, True) == (status, name in message)


def test_null_for_a_number_is_what_it_is_by_itself() -> None:
    assert record(config())["patience"] == record(config(patience=None))["patience"]


@pytest.mark.parametrize(
    ("sent", "read"),
    [("None", ""), ("False", ""), (None, ""), (False, ""), ("", ""), ("True", "True"), ("0", "0"), (0, "0")],
    ids=repr,
)
def test_pythons_words_for_nothing_are_nothing(sent: object, read: str) -> None:
    found = record(config(device=sent, cache=sent))
    assert (read, read) == (found["device"], found["cache"])


@pytest.mark.parametrize(
    ("sent", "cfg"), [("yolov8n", "yolov8n.yaml"), ("yolo11n-cls", "yolo11n-cls.yaml"), ("my.yml", "my.yml")]
)
def test_an_architecture_alone_is_trained_from_scratch(sent: str, cfg: str) -> None:
    """Without its ending clients would fetch the weights of that name."""
    found = record({**SENT, "lineage": {"architecture": {"name": sent}, "parent": {}}})
    assert (cfg, None, False) == (found["cfg"], found["weights"], found["is_pretrained"])


def test_a_parent_of_that_architecture_has_weights() -> None:
    assert (None, "yolov8n.pt", True) == tuple(record(SENT)[name] for name in ("cfg", "weights", "is_pretrained"))


def test_names_may_be_long_paths(world: World) -> None:
    path = f"/{'x' * 600}/last"
    body = {
        **SENT,
        "dataset": {"name": f"{path}.yaml"},
        "lineage": {"architecture": {"name": path}, "parent": {"name": f"{path}.pt"}},
        "meta": {"name": f"{path}.pt"},
    }

    found = world.ask(post("/v1/models", body), status=201)
    assert (f"{path}.yaml", f"{path}.pt", f"{path}.pt") == (found["data"], found["weights"], found["meta"]["name"])


@pytest.mark.parametrize("kind", ["models", "projects", "datasets"])
def test_there_is_one_page_without_a_cursor(world: World, kind: str) -> None:
    """The same for every number of a page would be a list without an end."""
    world.ask(get(f"/v1/{kind}?page=0&limit=10"))
    world.ask(get(f"/v1/{kind}?limit=2&public=True"))

    assert 422 == world.refused(get(f"/v1/{kind}?page=1&limit=10"))[0]


def test_an_image_of_a_project_is_honestly_refused(world: World) -> None:
    form = Request("POST", f"/v1/projects/{UNKNOWN}/upload", HEADERS, fields={}, file=a_file())
    assert 501 == world.refused(form)[0]


def a_file() -> FilePart:
    return FilePart("photo.jpg", 3, lambda: BytesIO(b"abc"))
