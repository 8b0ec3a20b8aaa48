"""The document of the API says what a HUB answers: every route of a fake HUB, asked well and badly."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from hubport.adapters.web.limits import Limits
from hubport.adapters.web.openapi.document import document
from hubport.adapters.web.openapi.response_schemas import digits_up_to
from hubport.domain.hub.api.hub import ROUTES, HubApi
from hubport.domain.hub.api.in_process import InProcessHub
from hubport.domain.hub.api.messages import BodyKind
from hubport.domain.hub.api.pagination import MOST
from hubport.domain.hub.api.routing import Route
from hubport.domain.hub.api.validation import DEEPEST, LONGEST_META, LONGEST_NAME
from hubport.domain.hub.rate_limit import RateLimiter
from hubport.domain.metrics import LARGEST_EPOCH
from hubport.domain.ports.http import FilePart, Request, Response
from hubport.testing import FakeHub

PAGE = (Path(__file__).parents[5] / "docs" / "reference" / "hub-api.md").read_text("utf-8")
ROOT = "https://hub.invalid"
KEY = "0" * 42
NOBODY = "U" * 20
BY_NAME = {route.name: route for route in ROUTES.all}
DOCUMENT = document(ROOT)
OPERATIONS = {operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()}


def closed(part: Any) -> Any:
    """The same, where an object has no other properties than those that are named."""
    if isinstance(part, list):
        return [closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    inside = {name: closed(item) for name, item in part.items()}
    if "object" in inside.get("type", ()) and isinstance(inside.get("properties"), dict):
        inside.setdefault("additionalProperties", False)
    return inside


COMPONENTS = closed(DOCUMENT["components"])


def misfits(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """What is wrong with *value*, in words."""
    validator = Draft202012Validator({**closed(schema), "components": COMPONENTS})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def described(name: str, status: int) -> dict[str, Any]:
    """What the document says of an answer."""
    found: dict[str, Any] = OPERATIONS[name]["responses"][str(status)]
    if "$ref" in found:
        found = DOCUMENT["components"]["responses"][found["$ref"].rpartition("/")[2]]
    return found


def assert_as_documented(name: str, response: Response) -> None:
    """Status, headers and body of *response* are those of the operation *name*."""
    answer = described(name, response.status)
    for header, said in answer.get("headers", {}).items():
        value = response.headers.get(header.lower())
        if value is None:
            assert not said.get("required"), f"{response.status} lacks {header}"
            continue
        is_number = said["schema"].get("type") == "integer"
        assert [] == misfits(int(value) if is_number else value, said["schema"]), header
    if "content" not in answer:
        return
    media = response.headers["content-type"]
    assert media in answer["content"]
    if media == "application/json":
        assert [] == misfits(json.loads(response.body), answer["content"][media]["schema"])


def file_part(name: str, content: bytes = b"some bytes") -> FilePart:
    return FilePart(name, len(content), partial(io.BytesIO, content))


@attrs.define
class Client:
    """Asks a HUB, compares each answer with the document, and notes what was asked."""

    hub: FakeHub | InProcessHub
    met: set[tuple[str, int]] = attrs.field(factory=set)

    def ask(
        self,
        name: str,
        *parts: str,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        fields: Mapping[str, str] | None = None,
        file: FilePart | None = None,
    ) -> Response:
        """The answer of the route *name*, *parts* in its path."""
        route = BY_NAME[name]
        path = re.sub(r"{\w+}", "{}", route.template).format(*parts) + query
        given = {"x-api-key": KEY} if headers is None else headers
        request = Request(route.method, path, given, json=json, fields=fields, file=file)
        response = self.hub.send(request, timeout=1.0)
        assert_as_documented(name, response)
        self.met.add((name, response.status))
        if route.method == "GET":
            head = self.hub.send(attrs.evolve(request, method="HEAD"), timeout=1.0)
            assert response.status == head.status
            assert_as_documented(f"{name}Head", head)
        return response

    def data(self, name: str, *parts: str, **request: Any) -> Any:
        """The data of an answer that is a success."""
        response = self.ask(name, *parts, **request)
        assert response.status < 400, response.body
        return json.loads(response.body).get("data")


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub(api_key=KEY, root=ROOT, seed=1)


@pytest.fixture
def client(hub: FakeHub) -> Client:
    return Client(hub)


def example_of(name: str) -> dict[str, Any]:
    wanted: dict[str, Any] = DOCUMENT["components"]["schemas"][str(BY_NAME[name].request_schema)]
    return dict(wanted["examples"][0])


def parts_of(url: str) -> list[str]:
    return url.removeprefix(f"{ROOT}/files/").split("/")


def in_a_good_life(client: Client) -> None:
    """Everything that is answered with a success."""
    client.data("authenticate")
    model = client.data("createModel", json=example_of("createModel"))["id"]
    client.data("createModel", json={})
    client.data("beat", model, json=example_of("beat"))
    client.data("beat", model, json={})
    client.data("sendMetrics", model, json=example_of("sendMetrics"))
    client.data(
        "sendMetrics", model, json={"metrics": {"2": '{"a": NaN, "b": [1], "c": "text", "d": true}', "3": "no"}}
    )
    client.data("readMetrics", model)
    client.data("readChanges", model)
    client.data("readChanges", model, query="?after=1")
    epoch = {"epoch": "2", "type": "epoch", "isBest": "True"}
    client.data("uploadCheckpoint", model, fields=epoch, file=file_part("last.pt"))
    address = parts_of(client.data("readModel", model)["resume"])
    whole = client.ask("download", *address, headers={})
    client.ask("download", *address, headers={"range": "bytes=0-3"})
    client.ask("download", *address, headers={"if-none-match": whole.headers["etag"]})
    final = {"epoch": "3", "type": "final", "map": "0.42"}
    client.data("uploadCheckpoint", model, fields=final, file=file_part("best.pt"))
    assert "trained" == client.data("readModel", model)["status"]
    for kind in ("Project", "Dataset"):
        item = client.data(f"create{kind}", json=example_of(f"create{kind}"))["id"]
        client.data(f"read{kind}", item)
        client.data(f"change{kind}", item, json=example_of(f"change{kind}"))
        if kind == "Dataset":
            client.data("uploadDataset", item, fields={}, file=file_part("dataset.zip"))
        client.data("changeModel", model, json={f"{kind.lower()}Id": item})
        client.data(f"list{kind}s", query="?limit=1&query=signs")
        client.data(f"delete{kind}", item, query="?hard=False")
        client.data(f"list{kind}s", query="?trashed=true")
    first = client.data("listModels", query="?limit=1")
    client.data("listModels", query=f"?limit=1&last_doc_id={first['lastRecordId']}")
    client.data("changeModel", model, json=example_of("changeModel"))
    client.data("deleteModel", model, query="?hard=true")


def test_it_is_openapi() -> None:
    validate(json.loads(json.dumps(DOCUMENT)))


def test_every_route_is_in_it_and_nothing_else() -> None:
    asked = {(route.method.lower(), route.template) for route in ROUTES.all}
    asked |= {("head", path) for method, path in asked if method == "get"}
    assert asked == {(method, path) for path, item in DOCUMENT["paths"].items() for method in item}


def test_it_is_made_anew_for_each_root() -> None:
    before = json.dumps(DOCUMENT)
    other = document("https://other.invalid")
    other["components"]["schemas"].clear()
    other["paths"]["/v1/models/{id}"]["get"]["parameters"][0]["schema"].clear()
    assert before == json.dumps(document(ROOT))
    assert "https://hub.invalid" not in json.dumps(other)


def test_every_success_is_as_documented(client: Client) -> None:
    in_a_good_life(client)
    successes = {
        (route.name, int(status))
        for route in ROUTES.all
        for status in OPERATIONS[route.name]["responses"]
        if int(status) < 400
    }
    assert successes == {(name, status) for name, status in client.met if status < 400}


def refusing(route: Route) -> Iterator[dict[str, Any]]:
    """Bad calls of *route*; each is missing a model, a file, or sense."""
    if 400 in route.errors and route.body is BodyKind.JSON:
        yield {"json": [1]}
    if 400 in route.errors and route.body is BodyKind.FORM:
        yield {"fields": {"epoch": "1", "type": "epoch"}}
    if 422 in route.errors and route.body is BodyKind.JSON:
        yield {"json": {"meta": 1, "config": [], "metrics": 1}}
    if 422 in route.errors and route.body is BodyKind.FORM:
        yield {"fields": {"epoch": "one", "type": "last"}, "file": file_part("a.txt")}
    if 422 in route.errors and route.body is BodyKind.NOTHING:
        yield {"query": "?limit=x&after=x&hard=x"}
    if 416 in route.errors:
        yield {"headers": {"range": "bytes=1000-"}}
    if route.status == 501:
        yield {"fields": {}} if route.body is BodyKind.FORM else {"json": {}}


@pytest.mark.parametrize("route", ROUTES.all, ids=lambda route: route.name)
def test_every_refusal_is_as_documented(client: Client, hub: FakeHub, route: Route) -> None:
    model = client.data("createModel", json={})["id"]
    client.data("uploadCheckpoint", model, fields={"epoch": "1", "type": "epoch"}, file=file_part("last.pt"))
    dataset = client.data("createDataset", json=example_of("createDataset"))["id"]
    project = client.data("createProject", json=example_of("createProject"))["id"]
    is_there = next(
        (item for name, item in (("dataset", dataset), ("project", project)) if name in route.template), model
    )
    parts = {"id": [is_there], "token": parts_of(client.data("readModel", model)["resume"])}
    name = re.search(r"{(\w+)}", route.template)
    client.met.clear()
    for request in refusing(route):
        client.ask(route.name, *(parts[name[1]] if name else ()), **request)
    refused = {*route.errors} | ({501} if route.status == 501 else set())
    if not route.is_open:
        client.ask(route.name, *(parts[name[1]] if name else ()), headers={})
        refused.add(401)
    if 404 in route.errors:
        nowhere = ["token", "a.pt"] if route.is_open else [NOBODY]
        client.ask(route.name, *nowhere, json={"metrics": {}} if route.request_schema == "Metrics" else {})
    hub.rate_limit(1, calls=2)
    client.ask(route.name, *(parts[name[1]] if name else ()))
    assert {(route.name, status) for status in {*refused, 429}} == client.met


def test_a_method_that_a_path_is_not_for_is_refused_as_documented(hub: FakeHub) -> None:
    for path, item in DOCUMENT["paths"].items():
        response = hub.send(Request("PUT", path.replace("{id}", NOBODY).replace("{token}/{file}", "a/b")), timeout=1.0)
        assert 405 == response.status
        assert {method.upper() for method in item} == set(response.headers["allow"].split(", "))
        for operation in item.values():
            assert_as_documented(operation["operationId"], response)


def test_the_hubs_own_429_is_as_documented(hub: FakeHub) -> None:
    once = HubApi(hub._direct._hub.context, RateLimiter(1, 60.0))
    client = Client(InProcessHub(once, lambda: ROOT))
    assert [200, 429] == [client.ask("authenticate").status for _ in range(2)]


def test_every_example_of_an_answer_fits_its_schema() -> None:
    shown = 0
    for operation in OPERATIONS.values():
        for status in operation["responses"]:
            for media in described(operation["operationId"], int(status)).get("content", {}).values():
                if "example" in media:
                    assert [] == misfits(media["example"], media["schema"])
                    shown += 1
    assert shown > len(ROUTES.all)


@pytest.mark.parametrize(
    "name", ["createModel", "changeModel", "sendMetrics", "beat", "createProject", "changeProject"]
)
def test_every_example_of_a_body_fits_its_schema_and_is_taken(client: Client, name: str) -> None:
    kind = "Project" if "Project" in name else "Model"
    schema = DOCUMENT["components"]["schemas"][str(BY_NAME[name].request_schema)]
    item = client.data(f"create{kind}", json=example_of(f"create{kind}"))["id"]
    for body in schema["examples"]:
        assert [] == misfits(body, schema)
        client.data(name, *([item] if "{id}" in BY_NAME[name].template else []), json=body)


def test_a_parameters_example_fits_its_schema() -> None:
    for operation in OPERATIONS.values():
        for parameter in operation["parameters"]:
            if "example" in parameter:
                assert [] == misfits(parameter["example"], parameter["schema"])


def test_links_lead_to_calls_that_take_what_they_give() -> None:
    followed = set()
    for operation in OPERATIONS.values():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                taken = {parameter["name"] for parameter in OPERATIONS[link["operationId"]]["parameters"]}
                assert taken >= set(link["parameters"])
                followed.add(link["operationId"])
    assert {"readModel", "uploadCheckpoint", "beat", "uploadDataset", "deleteProject", "listModels"} <= followed


def test_training_without_resume_does_not_fit(client: Client) -> None:
    record = client.data("createModel", json={})
    schema = DOCUMENT["components"]["schemas"]["Model"]
    assert [] == misfits(record, schema)
    assert ["$: 'resume' is a required property"] == misfits(record | {"status": "training"}, schema)


@pytest.mark.parametrize("name", ["id", "batch", "train_args", "checkpoints"])
def test_a_record_with_a_field_more_or_less_does_not_fit(client: Client, name: str) -> None:
    record = client.data("createModel", json={})
    schema = DOCUMENT["components"]["schemas"]["Model"]
    assert misfits({field: value for field, value in record.items() if field != name}, schema)
    assert misfits(record | {f"{name}_too": 1}, schema)


def test_the_page_of_the_api_has_the_calls_of_the_table() -> None:
    rows = [(f"{route.method} {route.template}", route.summary, route.name) for route in ROUTES.all]
    assert rows == re.findall(r"^\| `([A-Z]+ /[^`]*)` \| (.*) \| `(\w+)` \|$", PAGE, re.MULTILINE)


def test_the_page_of_the_api_names_the_limits_that_hold(hub: FakeHub) -> None:
    limits, served = Limits(), HubApi(hub._direct._hub.context)
    said = [
        f"| {limits.json >> 20} MiB |",
        f"| {limits.upload >> 30} GiB, one file, {limits.parts} parts, {limits.field >> 10} KiB for each text |",
        f"| {limits.head >> 10} KiB, within {limits.header_timeout:g} s |",
        f"| {limits.body_chunk_timeout:g} s |",
        f"| {LONGEST_META:,} characters as JSON, nested {DEEPEST} deep |",
        f"| {LONGEST_NAME:,} characters |",
        f"| an epoch, a revision | {LARGEST_EPOCH} |",
        f"{served.allowance.calls:,} calls a minute for each key, and {served.wrong_keys.calls} a minute without",
        f"never more than {MOST}",
    ]
    assert [] == [text for text in said if text not in PAGE]


@pytest.mark.parametrize("largest", [10, 19, 20, 307, LARGEST_EPOCH])
def test_a_number_in_the_document_is_as_large_as_it_may_be_and_no_larger(largest: int) -> None:
    pattern = re.compile(digits_up_to(largest))
    near = range(max(largest - 1000, 0), largest + 1000)
    numbers = {*range(200), *near, *(10**power + off for power in range(25) for off in (-1, 0))}

    assert {n for n in numbers if n <= largest} == {n for n in numbers if pattern.fullmatch(str(n))}


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize("value", ["\0", {"\0": 1}, "\ud800", float("inf"), nested(64), nested(500), nested(5000)])
def test_meta_that_not_everybody_can_hold_is_refused(client: Client, value: Any) -> None:
    item = client.data("createProject", json=example_of("createProject"))["id"]
    assert 422 == client.ask("changeProject", item, json={"meta": {"x": value}}).status


@pytest.mark.parametrize("value", ["\\u0000", "𝄞", nested(63), None, [1.5, True]])
def test_meta_comes_back_as_it_was(client: Client, value: Any) -> None:
    item = client.data("createProject", json=example_of("createProject"))["id"]
    assert value == client.data("changeProject", item, json={"meta": {"x": value}})["meta"]["x"]


def test_a_whole_number_may_have_a_point(client: Client) -> None:
    assert 3 == client.data("createModel", json={"config": {"epochs": 3.0}})["epochs"]
