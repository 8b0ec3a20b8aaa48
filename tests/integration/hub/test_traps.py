"""The eight traps of a server that old clients talk to, each on the wire of a served HUB over SQLite and a folder."""

from __future__ import annotations

import http.client
import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from hubport.adapters.system_clock import SystemClock
from hubport.domain.hub.model import HubModel
from hubport.domain.hub.ports.store import MetricsDelta
from tests.compat.hub.served import ServedHub, WatchedStore, served_hub

HANG_TIMEOUT = 30.0
NEW: Mapping[str, Any] = {
    "config": {"batchSize": 8, "epochs": 20, "imageSize": 320, "patience": 5, "device": "cpu", "cache": "ram"},
    "dataset": {"name": "coco8.yaml"},
    "lineage": {"architecture": {"name": "yolov8n"}, "parent": {"name": "yolov8n.pt"}},
    "meta": {"name": "a model"},
}
WEIGHTS = bytes(range(256)) * 1000


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ServedHub]:
    with served_hub(tmp_path / "data") as served:
        yield served


def ask(hub: ServedHub, method: str, path: str, **content: Any) -> requests.Response:
    """The answer, whatever it is, to who has a key."""
    headers = {"x-api-key": hub.key, **content.pop("headers", {})}
    return requests.request(
        method, hub.url + path, headers=headers, timeout=HANG_TIMEOUT, allow_redirects=False, **content
    )


def data(answer: requests.Response) -> Any:
    assert answer.ok, answer.text
    return answer.json()["data"]


def created(hub: ServedHub, **changes: Any) -> str:
    model_id = data(ask(hub, "POST", "/v1/models", json={**NEW, **changes}))["id"]
    assert isinstance(model_id, str)
    return model_id


def record(hub: ServedHub, model_id: str) -> Any:
    return data(ask(hub, "GET", f"/v1/models/{model_id}"))


def upload(hub: ServedHub, model_id: str, epoch: int, content: bytes = WEIGHTS, *, final: bool = False) -> None:
    name = "best.pt" if final else "last.pt"
    fields = {"epoch": str(epoch), "type": "final" if final else "epoch"}
    fields |= {"map": "0.5"} if final else {"isBest": "False"}
    sent = ask(hub, "POST", f"/v1/models/{model_id}/upload", data=fields, files={name: (name, io.BytesIO(content))})
    assert 200 == sent.status_code, sent.text


def form(boundary: str, content: bytes) -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in (("epoch", "0"), ("type", "epoch"), ("isBest", "True"))
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="last.pt"; filename="last.pt"\r\n\r\n'
    return b"".join(parts) + head.encode() + content + f"\r\n--{boundary}--\r\n".encode()


def test_trap_1_a_model_is_new_until_a_checkpoint_is_stored_completely(hub: ServedHub) -> None:
    model_id = created(hub)
    ask(hub, "POST", f"/v1/agent/heartbeat/models/{model_id}", json={"agent": "x", "agentId": None})
    ask(hub, "POST", f"/v1/models/{model_id}", json={"metrics": {"0": "{}"}, "type": "metrics"})
    place = urlsplit(hub.url)
    body = form("b", WEIGHTS * 20)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=HANG_TIMEOUT)
    connection.putrequest("POST", f"/v1/models/{model_id}/upload")
    for name, value in (("x-api-key", hub.key), ("content-type", "multipart/form-data; boundary=b")):
        connection.putheader(name, value)
    connection.putheader("content-length", str(len(body)))
    connection.endheaders()
    connection.send(body[: len(body) // 2])
    assert ("new", False) == (record(hub, model_id)["status"], "resume" in record(hub, model_id))

    connection.send(body[len(body) // 2 :])
    assert 200 == connection.getresponse().status
    connection.close()
    found = record(hub, model_id)
    assert "training" == found["status"]
    assert WEIGHTS * 20 == requests.get(found["resume"], timeout=HANG_TIMEOUT).content


def test_trap_2_the_hyperparameters_are_flat_and_in_one_object(hub: ServedHub) -> None:
    found = record(hub, created(hub))
    args = {"batch": 8, "epochs": 20, "imgsz": 320, "patience": 5, "device": "cpu", "cache": "ram"}
    args |= {"data": "coco8.yaml"}

    assert args == found["train_args"]
    assert {**args, "batch_size": 8} == {name: found[name] for name in (*args, "batch_size")}


def test_trap_3_addresses_end_as_their_files_do_and_their_last_parts_are_unique(hub: ServedHub) -> None:
    links = []
    for model_id in (created(hub), created(hub)):
        for epoch in range(2):
            upload(hub, model_id, epoch, b"%d" % epoch)
            links.append(record(hub, model_id)["resume"])
        upload(hub, model_id, 2, final=True)
        links.append(record(hub, model_id)["weights"])
    assert all(urlsplit(link).path.endswith(".pt") and not urlsplit(link).query for link in links)
    assert 6 == len({link.rpartition("/")[2] for link in links})

    for name, content in (("set.zip", zipped()), ("set.yaml", b"path: x")):
        dataset_id = data(ask(hub, "POST", "/v1/datasets", json={"meta": {"name": name}}))["id"]
        sent = ask(hub, "POST", f"/v1/datasets/{dataset_id}/upload", files={"file": (name, io.BytesIO(content))})
        link = urlsplit(record(hub, created(hub, datasetId=dataset_id))["data"])
        assert (200, name[-4:], "") == (sent.status_code, link.path[-4:], link.query)
        assert content == requests.get(link.geturl(), timeout=HANG_TIMEOUT).content


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("set/data.yaml", "names: [a]")
    return target.getvalue()


def test_trap_4_downloads_answer_head_content_length_and_range(hub: ServedHub) -> None:
    model_id = created(hub)
    upload(hub, model_id, 0)
    url = record(hub, model_id)["resume"]

    head = requests.head(url, timeout=HANG_TIMEOUT)
    assert (200, str(len(WEIGHTS)), "bytes", b"") == (
        head.status_code,
        head.headers["content-length"],
        head.headers["accept-ranges"],
        head.content,
    )
    for asked, start, end in (("bytes=100-199", 100, 200), ("bytes=255000-", 255000, 256000), ("bytes=-7", -7, None)):
        part = requests.get(url, headers={"range": asked, "if-range": head.headers["etag"]}, timeout=HANG_TIMEOUT)
        assert (206, WEIGHTS[start:end]) == (part.status_code, part.content)
        assert len(part.content) == int(part.headers["content-length"])
    assert 416 == requests.get(url, headers={"range": "bytes=999999-"}, timeout=HANG_TIMEOUT).status_code


class Broken(WatchedStore):
    """Its metrics cannot be read."""

    def metrics(self, model_id: str, *, after: int = 0) -> MetricsDelta:
        raise OSError("the disk has gone")


def test_trap_5_every_error_is_json_with_a_message(hub: ServedHub, tmp_path: Path) -> None:
    model_id = created(hub)
    errors = [
        (401, ask(hub, "GET", "/v1/models", headers={"x-api-key": "0" * 42})),
        (404, ask(hub, "GET", f"/v1/models/{'A' * 20}")),
        (404, ask(hub, "GET", "/nowhere/at/all")),
        (404, requests.get(f"{hub.url}/files/token/{model_id}-best.pt", timeout=HANG_TIMEOUT)),
        (405, ask(hub, "PUT", "/v1/models")),
        (400, ask(hub, "POST", f"/v1/models/{model_id}", data=b"{half")),
        (400, ask(hub, "POST", f"/v1/models/{model_id}/upload", data={"epoch": "0", "type": "epoch"})),
        (422, ask(hub, "POST", f"/v1/models/{model_id}", json={"metrics": {"one": "{}"}})),
        (501, ask(hub, "POST", f"/v1/models/{model_id}/export", json={"format": "onnx"})),
    ]
    with served_hub(tmp_path / "small", max_upload=1000) as small:
        fields = {"epoch": "0", "type": "epoch"}
        files = {"last.pt": ("last.pt", io.BytesIO(bytes(5000)))}
        errors.append((413, ask(small, "POST", f"/v1/models/{created(small)}/upload", data=fields, files=files)))
    with served_hub(tmp_path / "broken", watched=Broken) as broken:
        broken.store.models.save(HubModel(model_id, "a model", "coco8.yaml"))
        errors.append((500, ask(broken, "GET", f"/v1/models/{model_id}")))

    for status, answer in errors:
        assert (status, "application/json") == (answer.status_code, answer.headers["content-type"]), answer.text
        body = answer.json()
        assert (False, True) == (body["success"], bool(body["message"]))
        assert "Traceback" not in answer.text
        assert "the disk has gone" not in answer.text


def test_trap_5_too_many_calls_are_answered_with_all_four_headers(tmp_path: Path) -> None:
    with served_hub(tmp_path / "data", rate_limit=3) as hub:
        answers = [ask(hub, "GET", "/v1/models") for _ in range(5)]

    refused = answers[-1]
    assert (429, False) == (refused.status_code, refused.json()["success"])
    wanted = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"}
    assert all(refused.headers[name].isdigit() for name in wanted)
    assert ("3", "0") == (refused.headers["X-RateLimit-Limit"], refused.headers["X-RateLimit-Remaining"])


def test_trap_6_heartbeats_are_taken_after_the_end_and_from_unknown_agents(hub: ServedHub) -> None:
    model_id = created(hub)

    def beat(agent_id: str | None) -> str:
        body = {"agent": "python-8.0.100-local", "agentId": agent_id}
        named = data(ask(hub, "POST", f"/v1/agent/heartbeat/models/{model_id}", json=body))["agentId"]
        assert isinstance(named, str)
        return named

    first = beat(None)
    upload(hub, model_id, 3, final=True)
    assert "trained" == record(hub, model_id)["status"]
    assert [first, first] == [beat(first), beat(first)]
    assert ["of-another-hub", "of-another-hub"] == [beat("of-another-hub"), beat("of-another-hub")]
    assert beat(None) not in {first, "of-another-hub"}


@pytest.mark.parametrize("name", ["coco8.yaml", "mnist", "/data/my set.yaml", "https://data.test/set.zip?x=1"])
def test_trap_7_data_may_be_a_plain_name(hub: ServedHub, name: str) -> None:
    found = record(hub, created(hub, dataset={"name": name}))

    assert (name, name) == (found["data"], found["train_args"]["data"])


class InYears(SystemClock):
    """A clock that is ten years ahead."""

    def wall(self) -> float:
        return super().wall() + 10 * 365 * 86400.0


def test_trap_8_a_link_outlives_the_process_and_the_years_and_needs_no_key(tmp_path: Path) -> None:
    with served_hub(tmp_path / "data") as hub:
        model_id = created(hub)
        upload(hub, model_id, 0)
        link = record(hub, model_id)["resume"].removeprefix(hub.url)

    with served_hub(tmp_path / "data", clock=InYears()) as hub:
        answer = requests.get(hub.url + link, timeout=HANG_TIMEOUT)
        assert (200, WEIGHTS) == (answer.status_code, answer.content)
        assert hub.url + link == record(hub, model_id)["resume"]
