import contextlib
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.checkpoint import Checkpoint, CheckpointKind
from hubport.domain.client.credentials import Credentials
from hubport.domain.client.model_ref import ModelRef
from hubport.domain.client.protocol import HubProtocol, model_path
from hubport.domain.metrics import EpochValues, json_safe
from hubport.domain.ports.http import Request
from tests.unit.domain.strategies import KEY, MODEL_ID, epoch_values, keys, model_ids, strict_json

HEADERS = {"x-api-key": KEY}
PROTOCOL = HubProtocol(Credentials(KEY))
MODEL = f"/v1/models/{MODEL_ID}"
EPOCH = Checkpoint(number=1, epoch=12, kind=CheckpointKind.EPOCH, path="/spool/1.pt", size=3, is_best=True)
FINAL = Checkpoint(number=2, epoch=99, kind=CheckpointKind.FINAL, path="/spool/2.pt", size=3, map=0.42)


def content() -> io.BytesIO:
    return io.BytesIO(b"abc")


BUILT: dict[str, tuple[Request, Request]] = {
    "authenticate": (Request("POST", "/v1/auth", HEADERS), PROTOCOL.authenticate()),
    "fetch": (Request("GET", MODEL, HEADERS), PROTOCOL.fetch_model(MODEL_ID)),
    "dataset": (Request("GET", f"/v1/datasets/{MODEL_ID}", HEADERS), PROTOCOL.fetch_dataset(MODEL_ID)),
    "create": (
        Request("POST", "/v1/models", HEADERS, json={"dataset": {"name": "coco8"}}),
        PROTOCOL.create_model({"dataset": {"name": "coco8"}}),
    ),
    "read metrics": (Request("GET", f"{MODEL}/metrics", HEADERS), PROTOCOL.read_metrics(MODEL_ID)),
    "download": (Request("GET", "/files/token/x.pt", HEADERS), PROTOCOL.download("/files/token/x.pt")),
    "metrics": (
        Request(
            "POST",
            MODEL,
            HEADERS,
            json={"metrics": {"0": '{"loss": 0.5, "lr": null}', "12": '{"a":1}'}, "type": "metrics"},
        ),
        PROTOCOL.post_metrics(MODEL_ID, {0: {"loss": 0.5, "lr": None}, 12: '{"a":1}'}),
    ),
    "first heartbeat": (
        Request(
            "POST",
            f"/v1/agent/heartbeat/models/{MODEL_ID}",
            HEADERS,
            json={"agent": "python-1.0-local", "agentId": None},
        ),
        PROTOCOL.heartbeat(MODEL_ID, agent="python-1.0-local", agent_id=None),
    ),
    "next heartbeat": (
        Request(
            "POST", f"/v1/agent/heartbeat/models/{MODEL_ID}", HEADERS, json={"agent": "python", "agentId": "agent-1"}
        ),
        PROTOCOL.heartbeat(MODEL_ID, agent="python", agent_id="agent-1"),
    ),
}


@pytest.mark.parametrize(("expected", "actual"), BUILT.values(), ids=BUILT)
def test_each_request_is_the_protocols(expected: Request, actual: Request) -> None:
    assert expected == actual


@pytest.mark.parametrize(
    ("checkpoint", "fields", "part"),
    [
        (EPOCH, {"epoch": "12", "type": "epoch", "isBest": "True"}, "last.pt"),
        (FINAL, {"epoch": "99", "type": "final", "map": "0.42"}, "best.pt"),
    ],
    ids=["epoch", "final"],
)
def test_an_upload_is_a_form_with_the_file_as_its_only_part(
    checkpoint: Checkpoint, fields: dict[str, str], part: str
) -> None:
    request = PROTOCOL.upload(MODEL_ID, checkpoint, content)

    assert ("POST", f"{MODEL}/upload", HEADERS) == (request.method, request.path, request.headers)
    assert request.json is None
    assert fields == request.fields
    assert request.file is not None
    assert (part, 3) == (request.file.name, request.file.size)
    for _ in range(2):  # each attempt reads from the start
        with contextlib.closing(request.file.open()) as reader:
            assert b"abc" == reader.read(4)


def test_a_token_goes_where_a_key_would_go() -> None:
    protocol = HubProtocol(Credentials.bearer("a.b.c"))

    assert {"authorization": "Bearer a.b.c"} == protocol.authenticate().headers
    assert {"authorization": "Bearer a.b.c"} == protocol.upload(MODEL_ID, EPOCH, content).headers


@given(st.dictionaries(st.integers(0, 10**6), epoch_values, max_size=3))
def test_metrics_are_json_text_inside_json(epochs: dict[int, EpochValues]) -> None:
    body = PROTOCOL.post_metrics(MODEL_ID, epochs).json

    assert ["metrics", "type"] == list(body)
    assert [str(epoch) for epoch in epochs] == list(body["metrics"])
    for epoch, values in epochs.items():
        text = body["metrics"][str(epoch)]
        assert (strict_json(values) if isinstance(values, str) else values) == strict_json(text)


@given(st.dictionaries(st.text(max_size=5), st.floats()))
def test_what_was_made_safe_is_strict_json_on_the_wire(values: dict[str, float]) -> None:
    text = PROTOCOL.post_metrics(MODEL_ID, {0: json_safe(values)}).json["metrics"]["0"]

    assert json_safe(values) == strict_json(text)


def test_the_body_of_a_new_model_is_a_copy() -> None:
    body: dict[str, Any] = {"meta": {"name": "x"}}
    request = PROTOCOL.create_model(body)
    body.clear()

    assert {"meta": {"name": "x"}} == request.json


BUILDERS: list[Callable[[HubProtocol, str], Request]] = [
    HubProtocol.fetch_model,
    HubProtocol.fetch_dataset,
    HubProtocol.read_metrics,
    lambda protocol, model_id: protocol.post_metrics(model_id, {}),
    lambda protocol, model_id: protocol.heartbeat(model_id, agent="", agent_id=None),
    lambda protocol, model_id: protocol.upload(model_id, EPOCH, content),
]


@given(model_ids, keys)
def test_the_key_is_in_the_headers_and_nowhere_else(model_id: str, key: str) -> None:
    protocol = HubProtocol(Credentials(key))
    for build in BUILDERS:
        request = build(protocol, ModelRef.parse(f"{key}_{model_id}").model_id)

        assert re.fullmatch(r"/v1/(agent/heartbeat/)?(models|datasets)/[0-9A-Za-z]{20}(/[a-z]+)?", request.path)
        assert {"x-api-key": key} == request.headers
        assert key not in f"{request.path} {request.json} {request.fields} {request!r}"


@given(model_ids)
def test_a_model_lives_below_models(model_id: str) -> None:
    assert f"/v1/models/{model_id}" == model_path(model_id)


@pytest.mark.parametrize("path", ["@evil.example/x.pt", ".evil.example/x.pt", "https://evil.example/x.pt", "x.pt", ""])
def test_a_download_never_leaves_the_hub(path: str) -> None:
    """The adapter puts its root before the path: without a slash between them the key goes to another host."""
    with pytest.raises(ValueError, match="path"):
        PROTOCOL.download(path)
