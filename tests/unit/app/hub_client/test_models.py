"""A HUB's models by way of a FakeHub, and of HUBs that answer nonsense."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hubport.app.cli.metrics_csv import metrics_csv
from hubport.app.hub_client.client import HubClient
from hubport.app.hub_client.models import HubModels, NewModel
from hubport.domain.client.credentials import Credentials
from hubport.domain.errors import AuthenticationFailed, HubRefused, InvalidModelRecord, InvalidModelRef
from hubport.domain.ports.http import Http, Request, Response
from hubport.testing import FakeClock, FakeHub

ID = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"


def models_of(http: Http, key: str = "k" * 42) -> HubModels:
    return HubModels(HubClient(http, FakeClock(), Credentials(key), "https://hub.invalid"), "https://hub.invalid")


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub(seed=1)


@pytest.fixture
def models(hub: FakeHub) -> HubModels:
    return models_of(hub, hub.api_key)


class Says(Http):
    """Answers with *data*, whatever is asked."""

    def __init__(self, data: Any, status: int = 200) -> None:
        self.data = data
        self.status = status
        self.asked: list[Request] = []

    def send(self, request: Request, *, timeout: float) -> Response:
        self.asked.append(request)
        body = {"success": True, "data": self.data}
        return Response(self.status, {"content-type": "application/json"}, json.dumps(body).encode())

    def close(self) -> None:
        pass


def test_what_is_made_is_what_was_asked_for(hub: FakeHub, models: HubModels) -> None:
    new = NewModel(
        weights="yolov8n.pt",
        data="coco8.yaml",
        epochs=3,
        imgsz=320,
        batch=-1,
        patience=7,
        device="0,1",
        cache="ram",
        name="mine",
    )
    record = models.create(new)
    model = hub.model(record["id"])

    assert ["id", "status", "url"] == list(record)[:3]
    assert ("new", f"https://hub.invalid/models/{model.id}") == (record["status"], record["url"])
    assert ("mine", "coco8.yaml", "yolov8n.pt", None) == (model.name, model.data, model.weights, model.cfg)
    assert (3, 320, -1, 7, "0,1", "ram") == (
        model.epochs,
        model.imgsz,
        model.batch,
        model.patience,
        model.device,
        model.cache,
    )


@pytest.mark.parametrize("name", ["yolov8n.yaml", "own.yml"])
def test_a_yaml_is_trained_from_scratch(hub: FakeHub, models: HubModels, name: str) -> None:
    model = hub.model(models.create(NewModel(weights=name, data="d"))["id"])
    assert (None, name) == (model.weights, model.cfg)


def test_a_dataset_whose_name_has_twenty_letters_stays_a_name(hub: FakeHub, models: HubModels) -> None:
    """It has the form of an ID, and the HUB has no dataset of that ID."""
    name = "PascalVOC2012Segment"
    assert {"name": name} == NewModel(weights="n.pt", data=name).body()["dataset"]

    model = hub.model(models.create(NewModel(weights="n.pt", data=name))["id"])

    assert (name, None) == (model.data, model.dataset)


def test_what_is_a_dataset_of_the_hub_is_found_to_be_one(hub: FakeHub, models: HubModels) -> None:
    headers = {"x-api-key": hub.api_key}
    body = {"meta": {"name": "signs"}}
    answer = hub.send(Request("POST", "/v1/datasets", headers, json=body), timeout=1.0)
    dataset_id = json.loads(answer.body)["data"]["id"]

    model = hub.model(models.create(NewModel(weights="n.pt", data=dataset_id))["id"])

    assert dataset_id == model.dataset


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 500, 501])
def test_a_hub_without_datasets_is_given_a_name(hub: FakeHub, models: HubModels, status: int) -> None:
    hub.refuse(status, when=lambda request: request.path.startswith("/v1/datasets/"))

    model = hub.model(models.create(NewModel(weights="n.pt", data="PascalVOC2012Segment"))["id"])

    assert ("PascalVOC2012Segment", None) == (model.data, model.dataset)


def test_a_dataset_of_the_hub_goes_by_its_id(models: HubModels) -> None:
    new = NewModel(weights="a.pt", data=ID, is_in_hub=True)
    assert (ID, False) == (new.body()["datasetId"], "dataset" in new.body())
    with pytest.raises(HubRefused, match="no dataset"):
        models.create(new)


def test_a_hub_that_answers_with_the_id_alone_is_asked_again() -> None:
    hub = Says({"id": ID})
    record = models_of(hub).create(NewModel(weights="a.pt", data="d"))

    assert {"id": ID, "status": "", "url": f"https://hub.invalid/models/{ID}"} == record
    assert ["POST", "GET"] == [request.method for request in hub.asked]


def test_all_of_many_come_page_by_page(hub: FakeHub, models: HubModels) -> None:
    made = [hub.create_model(name=f"number {number}").id for number in range(250)]

    assert made[::-1] == [record["id"] for record in models.all()]
    assert 3 == len([entry for entry in hub.ledger if entry.path.startswith("/v1/models?")])


def test_only_the_pages_that_are_wanted_are_fetched(hub: FakeHub, models: HubModels) -> None:
    for _ in range(250):
        hub.create_model()
    found = models.all()
    assert [next(found)["id"] for _ in range(5)]
    assert 1 == len([entry for entry in hub.ledger if entry.path.startswith("/v1/models?")])


def test_a_query_may_hold_anything(hub: FakeHub, models: HubModels) -> None:
    wanted = hub.create_model(name="50% & ünïcode?=#").id
    hub.create_model(name="another")
    assert [wanted] == [record["id"] for record in models.all(query="% & ünïcode?=#")]


def test_into_the_trash_out_of_it_and_away_for_good(hub: FakeHub, models: HubModels) -> None:
    model = hub.create_model()
    models.delete(model.id, is_hard=False)
    assert [] == list(models.all())
    assert [model.id] == [record["id"] for record in models.all(is_trashed=True)]
    assert not models.restore(model.id)["trashed"]
    assert [model.id] == [record["id"] for record in models.all()]
    models.delete(model.id, is_hard=True)
    with pytest.raises(HubRefused) as refused:
        models.read(model.id)
    assert 404 == refused.value.status


def test_metrics_by_name_and_epoch(hub: FakeHub, models: HubModels) -> None:
    model = hub.create_model()
    values = {"0": '{"a": 1, "b": null}', "10": '{"a": 2.5}', "9": '{"a": "text"}'}
    metrics = Request(
        "POST", f"/v1/models/{model.id}", {"x-api-key": hub.api_key}, json={"metrics": values, "type": "metrics"}
    )
    assert 200 == hub.send(metrics, timeout=1).status
    assert {"a": {0: 1, 9: "text", 10: 2.5}, "b": {0: None}} == models.series(model.id)


def test_a_model_goes_by_its_address_too(models: HubModels) -> None:
    assert ID == models.id_of(ID) == models.id_of(f"https://hub.invalid/models/{ID}")
    with pytest.raises(InvalidModelRef):
        models.id_of("../../etc/passwd")


def test_a_wrong_key_is_said(hub: FakeHub) -> None:
    with pytest.raises(AuthenticationFailed):
        list(models_of(hub, "0" * 42).all())


@pytest.mark.parametrize("data", [None, [], {}, {"results": 7}, "text", {"results": None}])
def test_no_list(data: Any) -> None:
    with pytest.raises(HubRefused):
        list(models_of(Says(data)).all())


@pytest.mark.parametrize("data", [{"results": ["text"]}, {"results": [{}]}, {"results": [{"id": "../../x"}]}])
def test_a_list_of_something_else(data: Any) -> None:
    with pytest.raises(InvalidModelRecord):
        list(models_of(Says(data)).all())


def test_a_hub_whose_list_never_ends_holds_nobody() -> None:
    hub = Says({"results": [{"id": ID, "status": "new"}], "lastRecordId": "the same again"})
    assert [ID] == [record["id"] for record in models_of(hub).all()]
    assert 2 == len(hub.asked)


@pytest.mark.parametrize(
    "data", [None, 7, "text", [7], [{}], [{"meta": {"name": "a"}, "data": {"first": 1}}], [{"meta": 7, "data": {}}]]
)
def test_metrics_that_are_none(data: Any) -> None:
    with pytest.raises(HubRefused):
        models_of(Says(data)).series(ID)


def test_a_restoring_hub_that_says_nothing_is_asked() -> None:
    hub = Says({"id": ID, "status": "new"})
    original: Callable[..., Response] = hub.send

    def silent(request: Request, *, timeout: float) -> Response:
        answer = original(request, timeout=timeout)
        return Response(200, {}, b'{"success": true}') if request.method == "PATCH" else answer

    hub.send = silent  # type: ignore[method-assign]
    assert "new" == models_of(hub).restore(ID)["status"]


# The table for spreadsheets.


def test_a_row_an_epoch_and_a_column_a_metric() -> None:
    series: dict[str, dict[int, Any]] = {"loss": {0: 1, 10: 0.1, 2: -2.5e-09}, "mAP": {10: None, 2: True}}
    assert "epoch,loss,mAP\r\n0,1,\r\n2,-2.5e-09,true\r\n10,0.1,\r\n" == metrics_csv(series)


def test_no_two_columns_have_one_name() -> None:
    series = {"epoch": {0: 7}, "epoch (metric)": {0: 8}, "a\nb": {0: 1}, "a\rb": {0: 2}, "Epoch": {0: 3}}

    assert "epoch,epoch (metric),epoch (metric) (2),a�b,a�b (2),Epoch\r\n0,7,8,1,2,3\r\n" == metrics_csv(series)


def test_nothing_at_all() -> None:
    assert "epoch\r\n" == metrics_csv({})


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_nothing_is_a_formula(name: str) -> None:
    header, row, _ = metrics_csv({name: {0: name}}).split("\r\n")
    assert not header.removeprefix("epoch,").strip('"').startswith(("=", "+", "-", "@", "\t", "\r"))
    assert not row.removeprefix("0,").strip('"').startswith(("=", "+", "-", "@", "\t", "\r"))


def test_numbers_stay_numbers() -> None:
    assert "epoch,a\r\n0,-1\r\n" == metrics_csv({"a": {0: -1}})


def test_quotes_commas_and_line_breaks() -> None:
    assert 'epoch,"a ""b"", c"\r\n0,"x,y"\r\n' == metrics_csv({'a "b", c': {0: "x,y"}})
    assert "epoch,a�b�[31m\r\n" == metrics_csv({"a\nb\x1b[31m": {}})
