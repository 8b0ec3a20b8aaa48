import hashlib
import io
import itertools
import re
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.checkpoint import Checkpoint, CheckpointKind
from hubport.domain.client.credentials import Credentials
from hubport.domain.client.model_record import ModelRecord
from hubport.domain.client.outcome import Verdict, outcome
from hubport.domain.client.protocol import HubProtocol
from hubport.domain.client.train_plan import TrainPlan
from hubport.domain.errors import InvalidMetrics
from hubport.domain.hub.agents import SILENCE, Agents
from hubport.domain.hub.api.context import HubContext
from hubport.domain.hub.api.hub import HubApi
from hubport.domain.hub.api.in_process import InProcessHub
from hubport.domain.hub.api.messages import envelope
from hubport.domain.hub.api.model_json import created
from hubport.domain.hub.epoch_text import LONGEST
from hubport.domain.hub.model import HubModel
from hubport.domain.hub.ports.environment import HubEnvironment
from hubport.domain.metrics import LARGEST_EPOCH, epoch_number, json_safe
from hubport.domain.ports.http import FilePart, Request, Response
from hubport.testing.fakes.blobs import FakeBlobs
from hubport.testing.fakes.hub_store import FakeHubStore
from tests.unit.domain.strategies import KEY, MODEL_ID, few, strict_json

ROOT = "https://hub.example"
HEADERS = {"x-api-key": KEY}
PROTOCOL = HubProtocol(Credentials(KEY))
MODEL = f"/v1/models/{MODEL_ID}"
UNKNOWN = "U" * 20
CREATE: dict[str, Any] = {
    "config": {"batchSize": 8, "epochs": 20, "imageSize": 320, "patience": 5, "device": "", "cache": ""},
    "dataset": {"name": "coco8.yaml"},
    "lineage": {"architecture": {"name": "yolov8n"}, "parent": {"name": "yolov8n.pt"}},
    "meta": {"name": "digits"},
}


class Counting(HubEnvironment):
    """A small world: IDs and tokens that count up, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 1_000_000.0
        self._numbers = itertools.count(1)

    def new_id(self) -> str:
        return f"{next(self._numbers):020}"

    def new_token(self) -> str:
        return f"token{next(self._numbers):020}"

    def wall(self) -> float:
        return self.time

    def user(self, headers: Mapping[str, str]) -> str | None:
        return "user" if headers.get("x-api-key") == KEY else None


@attrs.frozen
class World:
    """A HUB with one model and one key, and what lies behind it."""

    environment: Counting = attrs.field(factory=Counting)
    store: FakeHubStore = attrs.field(factory=FakeHubStore)
    blobs: FakeBlobs = attrs.field(factory=FakeBlobs)
    direct: InProcessHub = attrs.field(init=False)

    @direct.default
    def _direct(self) -> InProcessHub:
        return InProcessHub(HubApi(HubContext(self.store, self.blobs, self.environment)), lambda: ROOT)

    def __attrs_post_init__(self) -> None:
        self.store.models.save(HubModel(MODEL_ID, name="a model", data="coco8.yaml"))

    def model(self, model_id: str = MODEL_ID) -> HubModel:
        model = self.store.models.get(model_id)
        assert model is not None
        return model

    def answer(self, request: Request) -> Response:
        return self.direct.send(request, timeout=0.0)

    def ask(self, request: Request, *, status: int = 200) -> Any:
        """The data of the answer, which has *status* and the form that all answers have."""
        response = self.answer(request)
        body = checked(response)
        assert status == response.status, body["message"]
        return body.get("data")

    def refused(self, request: Request) -> tuple[int, str]:
        """Status and message of the answer, which is an error."""
        response = self.answer(request)
        body = checked(response)
        assert response.status >= 400
        return response.status, body["message"]


@pytest.fixture(name="world")
def a_world() -> World:
    return World()


def checked(response: Response) -> dict[str, Any]:
    """The answer's body, held against the envelope."""
    body = strict_json(response.body)
    assert "application/json" == response.headers["content-type"]
    assert {"success", "message"} <= body.keys() <= {"success", "message", "data"}
    assert (response.status < 400) is body["success"]
    assert isinstance(body["message"], str)
    assert response.status < 400 or body["message"]
    return dict(body)


def post(path: str, json: Any = None, **more: Any) -> Request:
    return Request("POST", path, HEADERS, json=json, **more)


def get(path: str) -> Request:
    return Request("GET", path, HEADERS)


def an_upload(content: bytes, *, epoch: int = 12, kind: CheckpointKind = CheckpointKind.EPOCH, **more: Any) -> Request:
    checkpoint = Checkpoint(number=1, epoch=epoch, kind=kind, path="", size=len(content), **more)
    return PROTOCOL.upload(MODEL_ID, checkpoint, lambda: io.BytesIO(content))


def a_form(**fields: str) -> Request:
    return post(f"{MODEL}/upload", fields=fields, file=FilePart("last.pt", 3, lambda: io.BytesIO(b"abc")))


# The whole life of a model


def test_a_model_lives_from_new_over_training_to_trained(world: World) -> None:
    world.ask(PROTOCOL.authenticate())
    model_id = world.ask(PROTOCOL.create_model(CREATE), status=201)["id"]
    url = f"{ROOT}/models/{model_id}"

    def plan() -> TrainPlan:
        data = world.ask(PROTOCOL.fetch_model(model_id))
        return TrainPlan.of(ModelRecord.from_data(data, asked_for=model_id), model_url=url)

    assert "new" == world.ask(PROTOCOL.fetch_model(model_id))["status"]
    assert "yolov8n.pt" == plan().model_file
    assert 8 == plan().train_args["batch"]

    world.ask(PROTOCOL.heartbeat(model_id, agent="python", agent_id=None))
    world.ask(PROTOCOL.post_metrics(model_id, {0: {"loss": 0.5}}))
    assert "new" == world.ask(PROTOCOL.fetch_model(model_id))["status"]

    last = Checkpoint(number=1, epoch=7, kind=CheckpointKind.EPOCH, path="", size=4, is_best=True)
    world.ask(PROTOCOL.upload(model_id, last, lambda: io.BytesIO(b"last")))
    assert "training" == world.ask(PROTOCOL.fetch_model(model_id))["status"]
    resumed = plan()
    assert {"data": "coco8.yaml", "resume": True} == resumed.train_args
    assert f"{model_id}-epoch-7.pt" == resumed.model_file.rpartition("/")[2]
    answer = world.answer(Request("GET", resumed.model_file.removeprefix(ROOT)))
    assert (200, b"last") == (answer.status, answer.body)

    best = Checkpoint(number=2, epoch=19, kind=CheckpointKind.FINAL, path="", size=4, map=0.42)
    world.ask(PROTOCOL.upload(model_id, best, lambda: io.BytesIO(b"best")))
    record = world.ask(PROTOCOL.fetch_model(model_id))
    assert "trained" == record["status"]
    assert b"best" == world.answer(Request("GET", record["weights"].removeprefix(ROOT))).body

    world.ask(PROTOCOL.heartbeat(model_id, agent="python", agent_id="agent"))
    world.ask(PROTOCOL.post_metrics(model_id, {20: {"loss": 0.1}}))
    world.ask(PROTOCOL.upload(model_id, last, lambda: io.BytesIO(b"late")))
    assert "trained" == world.ask(PROTOCOL.fetch_model(model_id))["status"]


# Who may ask what

ROUTES = [
    post("/v1/auth"),
    post("/v1/models", CREATE),
    get(MODEL),
    post(MODEL, {"metrics": {}}),
    get(f"{MODEL}/metrics"),
    an_upload(b"abc"),
    post(f"/v1/agent/heartbeat/models/{MODEL_ID}", {"agent": "python", "agentId": None}),
]
each_route = pytest.mark.parametrize("request_", ROUTES, ids=lambda request: f"{request.method} {request.path}")


@each_route
def test_every_call_of_a_session_is_answered(world: World, request_: Request) -> None:
    assert world.answer(request_).status in {200, 201}


@each_route
@pytest.mark.parametrize("headers", [{}, {"x-api-key": KEY[::-1]}, {"authorization": f"Bearer {KEY}"}], ids=repr)
def test_without_the_key_nothing_is_answered_and_nothing_changes(
    world: World, request_: Request, headers: dict[str, str]
) -> None:
    before = world.model()

    assert 401 == world.refused(attrs.evolve(request_, headers=headers))[0]
    assert before == world.model()


@each_route
def test_another_method_is_not_allowed(world: World, request_: Request) -> None:
    status, message = world.refused(attrs.evolve(request_, method="TRACE"))

    assert (405, True) == (status, "TRACE" in message)


@each_route
def test_an_unknown_model_is_not_found(world: World, request_: Request) -> None:
    if MODEL_ID in request_.path:
        status, message = world.refused(attrs.evolve(request_, path=request_.path.replace(MODEL_ID, UNKNOWN)))

        assert (404, True) == (status, UNKNOWN in message)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v2/auth",
        "/v1/auth/",
        "/v1/models/",
        "/v1/models/short",
        f"{MODEL}/",
        f"{MODEL}%0A",
        f"/v1/models/{'../' * 6}..",
        f"/x{MODEL}",
        f"{MODEL}/upload/x",
        "/files/",
        "/files/token",
        "/files//x.pt",
        "/files/../../etc/passwd",
        "/files/token/../x.pt",
        "/files/token/x.pt/y",
    ],
    ids=repr,
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_nowhere_is_not_found(world: World, method: str, path: str) -> None:
    assert 404 == world.refused(Request(method, path, HEADERS))[0]


def test_a_query_behind_the_path_changes_nothing(world: World) -> None:
    assert MODEL_ID == world.ask(get(f"{MODEL}?x=/v1/auth"))["id"]


# New models


def test_a_new_model_is_kept_under_its_new_id(world: World) -> None:
    first = world.ask(post("/v1/models", CREATE), status=201)["id"]
    second = world.ask(post("/v1/models", CREATE), status=201)["id"]

    assert first != second
    assert created(first, CREATE, at=world.environment.time) == world.model(first)


@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_a_body_that_is_no_object_is_a_bad_request(world: World, body: object) -> None:
    heartbeat = f"/v1/agent/heartbeat/models/{MODEL_ID}"

    assert {400} == {world.refused(post(path, body))[0] for path in ("/v1/models", MODEL, heartbeat)}


@pytest.mark.parametrize("part", ["dataset", "lineage"])
def test_a_model_with_an_empty_part_is_unprocessable(world: World, part: str) -> None:
    status, message = world.refused(post("/v1/models", CREATE | {part: {}}))
    assert (422, True) == (status, part in message)


# Metrics


def test_metrics_are_given_back_by_name(world: World) -> None:
    world.ask(PROTOCOL.post_metrics(MODEL_ID, {10: {"loss": 0.1, "lr": 1}, 9: {"loss": 0.2}}))

    assert [
        {"meta": {"name": "loss"}, "data": {"9": 0.2, "10": 0.1}},
        {"meta": {"name": "lr"}, "data": {"10": 1}},
    ] == world.ask(PROTOCOL.read_metrics(MODEL_ID))


def test_a_later_value_of_a_name_replaces_the_earlier_one(world: World) -> None:
    world.ask(PROTOCOL.post_metrics(MODEL_ID, {1: {"a": 1.0, "b": 1.0}, 2: {"a": 2.0}}))
    world.ask(PROTOCOL.post_metrics(MODEL_ID, {1: {"b": 3.0}}))

    assert {1: '{"a": 1.0, "b": 3.0}', 2: '{"a": 2.0}'} == world.store.metrics(MODEL_ID).epochs


def test_an_epoch_that_would_become_too_large_is_refused_by_its_number(world: World) -> None:
    world.ask(PROTOCOL.post_metrics(MODEL_ID, {7: {"a": "x" * LONGEST}}))
    before = dict(world.store.metrics(MODEL_ID).epochs)

    status, message = world.refused(PROTOCOL.post_metrics(MODEL_ID, {7: {"b": 1.0}}))

    assert (413, True) == (status, "epoch 7" in message)
    assert before == world.store.metrics(MODEL_ID).epochs


@few
@given(st.dictionaries(st.integers(0, 99), st.dictionaries(st.text(max_size=3), st.floats(), max_size=3)))
def test_sending_metrics_twice_is_sending_them_once(logged: dict[int, dict[str, float]]) -> None:
    world = World()
    epochs = {epoch: json_safe(values) for epoch, values in logged.items()}
    for _ in range(2):
        world.ask(PROTOCOL.post_metrics(MODEL_ID, epochs))

    assert epochs == {epoch: strict_json(text) for epoch, text in world.store.metrics(MODEL_ID).epochs.items()}
    given_back = world.ask(PROTOCOL.read_metrics(MODEL_ID))
    assert {(epoch, name) for epoch, values in epochs.items() for name in values} == {
        (int(epoch), series["meta"]["name"]) for series in given_back for epoch in series["data"]
    }


@pytest.mark.parametrize(
    "metrics",
    [
        None,
        [],
        "text",
        {"": "{}"},
        {"one": "{}"},
        {"-1": "{}"},
        {"1.0": "{}"},
        {" 1": "{}"},
        {"1\n": "{}"},
        {"\u0661": "{}"},
        {"²": "{}"},
        {"1": [0.5]},
        {"1": 0.5},
        {"1": None},
        {"0": "{}", "one": "{}"},
    ],
    ids=repr,
)
def test_metrics_that_are_no_text_by_epoch_are_unprocessable_as_a_whole(world: World, metrics: object) -> None:
    assert 422 == world.refused(post(MODEL, {"metrics": metrics, "type": "metrics"}))[0]
    assert {} == world.store.metrics(MODEL_ID).epochs


def test_metrics_without_metrics_are_unprocessable(world: World) -> None:
    assert 422 == world.refused(post(MODEL, {"type": "metrics"}))[0]


@pytest.mark.parametrize("epoch", [0, 10**18 - 1, 10**18, 1_795_861_435_358_333_959, 2**53 + 1, LARGEST_EPOCH])
def test_what_a_client_takes_for_an_epoch_this_hub_takes_for_one(world: World, epoch: int) -> None:
    """One constant bounds both; steps of some trainers are nanoseconds."""
    world.ask(PROTOCOL.post_metrics(MODEL_ID, {epoch_number(epoch): {"loss": 1.0}}))
    world.ask(an_upload(b"weights", epoch=epoch))

    assert {epoch: '{"loss": 1.0}'} == world.store.metrics(MODEL_ID).epochs
    assert [{"meta": {"name": "loss"}, "data": {str(epoch): 1.0}}] == world.ask(PROTOCOL.read_metrics(MODEL_ID))
    record = world.ask(PROTOCOL.fetch_model(MODEL_ID))
    assert (epoch, [epoch]) == (record["progress"]["epoch"], [c["epoch"] for c in record["checkpoints"]])


@pytest.mark.parametrize("epoch", [LARGEST_EPOCH + 1, 10**19 - 1, 10**19, 10**40])
def test_what_no_client_takes_for_an_epoch_is_refused_with_the_true_limit(world: World, epoch: int) -> None:
    status, message = world.refused(post(MODEL, {"metrics": {str(epoch): "{}"}}))

    assert (422, True) == (status, str(LARGEST_EPOCH) in message)
    assert 422 == world.refused(post(f"{MODEL}/upload", fields={"epoch": str(epoch), "type": "epoch"}))[0]
    with pytest.raises(InvalidMetrics, match=str(LARGEST_EPOCH)):
        epoch_number(epoch)


def test_an_epoch_of_more_digits_than_python_reads_is_unprocessable(world: World) -> None:
    assert 422 == world.refused(post(MODEL, {"metrics": {"9" * 5000: "{}"}}))[0]


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", "5", "null", '{"loss": '], ids=repr)
def test_text_that_is_no_mapping_is_kept_and_has_no_series(world: World, text: str) -> None:
    world.ask(post(MODEL, {"metrics": {"1": text, "2": '{"loss": 0.5}'}}))

    assert text == world.store.metrics(MODEL_ID).epochs[1]
    assert [{"meta": {"name": "loss"}, "data": {"2": 0.5}}] == world.ask(PROTOCOL.read_metrics(MODEL_ID))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "[NaN]", '{"a": NaN}'])
def test_what_old_clients_write_for_no_number_is_given_back_as_json(world: World, number: str) -> None:
    """Their inner text may hold NaN and infinities; our own answer must not."""
    world.ask(post(MODEL, {"metrics": {"1": f'{{"loss": {number}, "lr": 0.5}}'}}))

    series = {entry["meta"]["name"]: entry["data"] for entry in world.ask(PROTOCOL.read_metrics(MODEL_ID))}
    assert {"1": 0.5} == series["lr"]


def test_text_that_is_nested_too_deep_does_not_take_the_others_along(world: World) -> None:
    world.ask(post(MODEL, {"metrics": {"1": "[" * 100_000, "2": '{"loss": 0.5}'}}))

    assert [{"meta": {"name": "loss"}, "data": {"2": 0.5}}] == world.ask(PROTOCOL.read_metrics(MODEL_ID))


def test_no_depth_of_nesting_breaks_the_answer(world: World) -> None:
    """Also not one that is just read and, within the answer, just not written."""
    for depth in range(800, 1010):
        text = f'{{"deep": {"[" * depth}{"]" * depth}}}'
        world.ask(post(MODEL, {"metrics": {"1": text, "2": '{"loss": 0.5}'}}))
        series = {entry["meta"]["name"]: entry["data"] for entry in world.ask(PROTOCOL.read_metrics(MODEL_ID))}

        assert {"2": 0.5} == series["loss"]


# Checkpoints


def test_a_checkpoint_is_kept_byte_for_byte(world: World) -> None:
    content = bytes(range(256)) * 1000
    world.ask(an_upload(content, epoch=12, is_best=True))
    (stored,) = world.model().checkpoints

    assert (CheckpointKind.EPOCH, 12, True, None) == (stored.kind, stored.epoch, stored.is_best, stored.map)
    assert (len(content), hashlib.sha256(content).hexdigest()) == (stored.size, stored.sha256)
    response = world.answer(Request("GET", stored.path))
    assert (200, content) == (response.status, response.body)


def test_a_final_checkpoint_has_its_map(world: World) -> None:
    world.ask(an_upload(b"best", epoch=99, kind=CheckpointKind.FINAL, map=0.42))

    assert 0.42 == world.model().checkpoints[0].map
    assert f"{MODEL_ID}-best.pt" == world.model().checkpoints[0].name


def test_the_file_needs_no_key_but_its_address_which_nobody_can_guess(world: World) -> None:
    world.ask(an_upload(b"abc"))
    path = world.model().checkpoints[0].path

    assert 200 == world.answer(Request("GET", path)).status
    assert re.fullmatch(rf"/files/token\d+/{MODEL_ID}-epoch-12\.pt", path)
    assert 404 == world.refused(Request("GET", path.replace("token0", "token1")))[0]


def test_an_upload_that_arrives_twice_is_there_once(world: World) -> None:
    """Its answer was lost, and its client sent it again."""
    world.ask(an_upload(b"abc"))
    (first,) = world.model().checkpoints
    world.ask(an_upload(b"abc"))

    assert [first.path] == [checkpoint.path for checkpoint in world.model().checkpoints]
    assert b"abc" == world.answer(Request("GET", first.path)).body
    assert 1 == world.blobs.sweep(lambda _: False, older_than=0)


@few
@given(epoch=st.integers(0, 10**9), kind=st.sampled_from(CheckpointKind))
def test_every_link_leads_to_its_file(epoch: int, kind: CheckpointKind) -> None:
    world = World()
    world.ask(an_upload(b"abc", epoch=epoch, kind=kind))
    record = world.ask(get(MODEL))
    link = record["weights"] if kind is CheckpointKind.FINAL else record["resume"]

    assert link.endswith(".pt")
    assert "?" not in link
    assert MODEL_ID in link.rpartition("/")[2]
    assert b"abc" == world.answer(Request("GET", link.removeprefix(ROOT))).body


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": "epoch"},
        {"epoch": "12"},
        {"epoch": "12", "type": "else"},
        {"epoch": "12", "type": ""},
        {"epoch": "twelve", "type": "epoch"},
        {"epoch": "", "type": "epoch"},
        {"epoch": "1.5", "type": "epoch"},
        {"epoch": "9" * 5000, "type": "epoch"},
        {"epoch": "99", "type": "final", "map": "good"},
        {"epoch": "99", "type": "final", "map": ""},
    ],
    ids=lambda fields: str(fields)[:60],
)
def test_a_form_that_makes_no_checkpoint_is_unprocessable(world: World, fields: dict[str, str]) -> None:
    assert 422 == world.refused(a_form(**fields))[0]
    assert "new" == world.model().status


@pytest.mark.parametrize("epoch", ["-5", " 5", "5\n", "1_000", "\u0665", "+5"], ids=repr)
def test_an_epoch_is_written_in_plain_digits(world: World, epoch: str) -> None:
    """As in metrics: what Python's int() takes beyond that is no epoch of the protocol."""
    assert 422 == world.refused(a_form(epoch=epoch, type="epoch"))[0]


def test_an_upload_that_is_no_form_is_unprocessable(world: World) -> None:
    assert 422 == world.refused(post(f"{MODEL}/upload", {"epoch": "12"}))[0]
    assert 422 == world.refused(post(f"{MODEL}/upload"))[0]


@pytest.mark.parametrize(("kind", "part"), [("epoch", "last.pt"), ("final", "best.pt")])
def test_a_form_without_its_file_is_a_bad_request_that_names_the_part(world: World, kind: str, part: str) -> None:
    """What 8.0 sends when the file is missing."""
    status, message = world.refused(post(f"{MODEL}/upload", fields={"epoch": "12", "type": kind}))

    assert (400, True) == (status, part in message)
    assert "new" == world.model().status


def test_a_file_that_is_shorter_than_announced_is_not_stored(world: World) -> None:
    """The status follows from what was received whole: half a file to resume from is none."""
    half = FilePart("last.pt", 10, lambda: io.BytesIO(b"half"))

    with pytest.raises(OSError, match="early"):
        world.answer(post(f"{MODEL}/upload", fields={"epoch": "12", "type": "epoch"}, file=half))
    assert "new" == world.model().status


# Two at the same time


class Interrupted(io.BytesIO):
    """A file during whose upload something else happens."""

    def __init__(self, content: bytes, world: World, other: Request) -> None:
        super().__init__(content)
        self._world = world
        self._others = [other]

    def read(self, size: int | None = -1, /) -> bytes:
        while self._others:
            self._world.ask(self._others.pop())
        return super().read(size)


def test_a_heartbeat_during_an_upload_is_not_forgotten(world: World) -> None:
    beat = PROTOCOL.heartbeat(MODEL_ID, agent="python", agent_id="agent")
    part = FilePart("last.pt", 3, lambda: Interrupted(b"abc", world, beat))
    world.ask(post(f"{MODEL}/upload", fields={"epoch": "12", "type": "epoch"}, file=part))

    assert ("agent", 1_000_000.0) == (world.model().agent_id, world.model().last_seen)
    assert 1 == len(world.model().checkpoints)


def test_an_upload_during_an_upload_is_not_forgotten(world: World) -> None:
    part = FilePart("best.pt", 3, lambda: Interrupted(b"abc", world, an_upload(b"last", epoch=11)))
    world.ask(post(f"{MODEL}/upload", fields={"epoch": "12", "type": "final", "map": "0.5"}, file=part))

    assert [11, 12] == [checkpoint.epoch for checkpoint in world.model().checkpoints]


# Heartbeats


def beat(agent_id: object, agent: object = "python-1.0-local") -> Request:
    return post(f"/v1/agent/heartbeat/models/{MODEL_ID}", {"agent": agent, "agentId": agent_id})


def test_the_first_heartbeat_gets_a_name_and_keeps_it(world: World) -> None:
    name = world.ask(beat(None))["agentId"]

    assert name
    assert {name} == {world.ask(beat(name))["agentId"] for _ in range(3)}
    assert (name, "python-1.0-local") == (world.model().agent_id, world.model().agent)


def test_a_name_from_another_hub_is_good_here(world: World) -> None:
    world.ask(beat(None))

    assert "theirs" == world.ask(beat("theirs"))["agentId"]
    assert "theirs" == world.ask(beat("theirs"))["agentId"]


def test_a_run_that_begins_beside_a_living_one_has_a_name_of_its_own_and_both_are_told(world: World) -> None:
    first = world.ask(beat(None))["agentId"]
    world.environment.time += 40
    answer = world.ask(beat(None, "python-2.0-local"))
    second = answer["agentId"]

    assert first != second
    (told,) = answer["others"]
    assert {"agentId": first, "agent": "python-1.0-local", "state": "disconnected", "silence": 40.0} == told
    world.environment.time += 10
    told = world.ask(beat(first))["others"]
    assert [{"agentId": second, "agent": "python-2.0-local", "state": "training", "silence": 10.0}] == told
    assert ["training"] == [other["state"] for other in world.ask(beat(second))["others"]]
    states = {agent["id"]: agent["state"] for agent in world.ask(get(MODEL))["agents"]}
    assert {first: "training", second: "training"} == states


def test_of_a_run_that_has_said_its_end_or_was_silent_for_long_nobody_is_told(world: World) -> None:
    first = world.ask(beat(None))["agentId"]
    world.ask(post(f"/v1/agent/heartbeat/models/{MODEL_ID}", {"agentId": first, "state": "closed"}))
    second = world.ask(beat(None))
    world.environment.time += SILENCE
    third = world.ask(beat(None))

    assert ["agentId"] == list(second)
    assert ["agentId"] == list(third)


@pytest.mark.parametrize(
    ("said", "state", "error"),
    [
        ({"state": "closed"}, "stopped", None),
        ({"state": "closed", "error": "ValueError"}, "stopped", None),
        ({"state": "failed", "error": "ValueError"}, "failed", "ValueError"),
        ({"state": "failed"}, "failed", None),
        ({"state": "failed", "error": "E" * 100}, "failed", "E" * 100),
        ({"state": "failed", "error": "E" * 101}, "failed", None),
        ({"state": "failed", "error": "no key: 1234"}, "failed", None),
        ({"state": "failed", "error": ["ValueError"]}, "failed", None),
        ({"state": "paused", "error": "ValueError"}, "training", None),
        ({"state": {}}, "training", None),
        ({"state": ["failed"]}, "training", None),
    ],
    ids=str,
)
def test_what_the_last_heartbeat_says_is_the_state(
    world: World, said: dict[str, Any], state: str, error: str | None
) -> None:
    world.ask(beat("agent"))
    world.ask(post(f"/v1/agent/heartbeat/models/{MODEL_ID}", {"agentId": "agent"} | said))
    record = world.ask(get(MODEL))

    assert ("new", state, error) == (record["status"], record["state"], record["error"])
    assert [(state, error)] == [(agent["state"], agent["error"]) for agent in record["agents"]]
    assert (state == "training") is record["is_connected"]


def test_a_heartbeat_is_remembered_with_its_time(world: World) -> None:
    world.ask(beat(None))
    world.environment.time += 300
    world.ask(beat(None))

    assert 1_000_300.0 == world.model().last_seen


@pytest.mark.parametrize("sign", ["heartbeat", "metrics"])
@pytest.mark.parametrize("first", ["heartbeat", "metrics"])
def test_a_clock_that_was_ahead_is_over_with_the_next_sign_of_life(world: World, first: str, sign: str) -> None:
    """No battery, a wrong BIOS: the HUB believed for a while that it was years later."""
    requests = {"heartbeat": beat(None), "metrics": PROTOCOL.post_metrics(MODEL_ID, {0: {"loss": 1.0}})}
    right = world.environment.time
    world.environment.time += 5 * 365 * 86_400
    world.ask(requests[first])
    world.environment.time = right
    assert not world.ask(PROTOCOL.fetch_model(MODEL_ID))["is_connected"]

    world.ask(requests[sign])

    assert right == world.model().last_seen
    assert world.ask(PROTOCOL.fetch_model(MODEL_ID))["is_connected"]


def test_a_heartbeat_changes_nothing_else(world: World) -> None:
    world.ask(an_upload(b"abc"))
    before = world.model()
    world.ask(beat("agent"))

    assert before == attrs.evolve(world.model(), agent=None, agent_id=None, last_seen=None, agents=Agents())


@pytest.mark.parametrize("agent_id", [5, True, ["agent"], {"a": "b"}, 0.5], ids=repr)
def test_a_name_that_is_no_text_is_replaced_or_refused_and_never_kept(world: World, agent_id: object) -> None:
    response = world.answer(beat(agent_id))
    checked(response)

    assert response.status in {200, 400, 422}
    assert isinstance(world.model().agent_id, str | None)


def test_a_heartbeat_of_nobody_in_particular_names_no_agent(world: World) -> None:
    world.ask(post(f"/v1/agent/heartbeat/models/{MODEL_ID}", {}))

    assert world.model().agent in {None, ""}


# Whatever comes

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
bodies = json_values | st.fixed_dictionaries(
    {},
    optional={
        "metrics": st.dictionaries(st.integers(-1, 9).map(str), json_values | st.just('{"a": NaN}'), max_size=2),
        "agentId": json_values,
        "agent": json_values,
        "dataset": st.just({"name": "coco8"}) | json_values,
        "lineage": st.just({"parent": {"name": "x.pt"}}) | json_values,
        "config": json_values,
    },
)
forms = st.fixed_dictionaries(
    {},
    optional={
        "epoch": st.text(max_size=3) | st.integers(0, 9).map(str),
        "type": st.sampled_from(["epoch", "final", "else"]),
        "isBest": st.sampled_from(["True", "False", "?"]),
        "map": st.text(max_size=3) | st.floats().map(str),
    },
)
requests = st.builds(
    Request,
    method=st.sampled_from(["GET", "POST", "PUT", ""]),
    path=st.sampled_from([*(request.path for request in ROUTES), "/files/token/x.pt", "/v1/models/x"])
    | st.text(st.characters(min_codepoint=48, max_codepoint=122), max_size=8).map("/{}".format),
    headers=st.sampled_from([HEADERS, HEADERS, HEADERS, {}]),
    json=bodies,
    fields=st.none() | forms,
    file=st.none() | st.just(FilePart("last.pt", 3, lambda: io.BytesIO(b"abc"))),
)


@given(st.lists(requests, min_size=1, max_size=5))
def test_whatever_is_asked_is_answered_in_the_hubs_own_form(asked: list[Request]) -> None:
    world = World()
    for request in [*asked, get(MODEL), PROTOCOL.read_metrics(MODEL_ID)]:
        response = world.answer(request)
        if response.headers["content-type"] == "application/json":
            checked(response)
        result = outcome(response, wall=0)
        assert (response.status < 400) == (result.verdict is Verdict.DELIVERED)


def test_an_envelope_that_would_be_no_json_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="JSON"):
        envelope(200, data={"map": float("nan")})


@given(status=st.integers(200, 599), message=st.text(), data=st.none() | st.dictionaries(st.text(), st.integers()))
def test_an_envelope_says_what_it_was_made_of(status: int, message: str, data: dict[str, int] | None) -> None:
    response = envelope(status, message, data, headers={"retry-after": "5"})
    expected = {"success": status < 400, "message": message}

    assert expected | ({} if data is None else {"data": data}) == strict_json(response.body)
    assert {"content-type": "application/json", "retry-after": "5"} == response.headers
