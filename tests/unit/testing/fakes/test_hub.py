"""The fake HUB: what it keeps over the life of a model, what it writes down, and how it fails when told to."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from hubport.domain.errors import HubUnreachable
from hubport.domain.hub.model import HubModel
from hubport.domain.ports.http import FilePart, Request, Response
from hubport.testing import FakeClock, FakeHub
from hubport.testing.contracts.waiting import BackgroundThread
from hubport.testing.fakes.hub_faults import kind_of

MODEL = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def hub(clock: FakeClock) -> FakeHub:
    return FakeHub(clock=clock)


@pytest.fixture
def model(hub: FakeHub) -> HubModel:
    return hub.create_model(epochs=3)


def ask(hub: FakeHub, method: str, path: str, *, timeout: float = 10.0, **content: Any) -> Response:
    return hub.send(Request(method, path, {"x-api-key": hub.api_key}, **content), timeout=timeout)


def record(hub: FakeHub, model: HubModel) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(ask(hub, "GET", f"/v1/models/{model.id}").body)["data"]
    return data


def upload(hub: FakeHub, model: HubModel, content: bytes = b"weights", **fields: str) -> Response:
    file = FilePart("last.pt", len(content), lambda: io.BytesIO(content))
    return ask(hub, "POST", f"/v1/models/{model.id}/upload", fields=fields, file=file)


def beat(hub: FakeHub, model: HubModel, agent_id: str | None = None) -> Response:
    body = {"agent": "python-8.0.100-local", "agentId": agent_id}
    return ask(hub, "POST", f"/v1/agent/heartbeat/models/{model.id}", json=body)


def log(hub: FakeHub, model: HubModel, epochs: dict[int, str], **options: Any) -> Response:
    body = {"metrics": {str(epoch): text for epoch, text in epochs.items()}, "type": "metrics"}
    return ask(hub, "POST", f"/v1/models/{model.id}", json=body, **options)


class TestALife:
    def test_a_model_goes_from_new_to_trained(self, hub: FakeHub, model: HubModel) -> None:
        assert record(hub, model)["status"] == "new"
        assert "resume" not in record(hub, model)

        log(hub, model, {0: '{"a": 1}'})
        beat(hub, model)
        assert record(hub, model)["status"] == "new"

        upload(hub, model, b"epoch 0", epoch="0", type="epoch", isBest="True")
        upload(hub, model, b"epoch 1", epoch="1", type="epoch", isBest="False")
        training = record(hub, model)
        assert training["status"] == "training"
        assert hub.send(Request("GET", training["resume"].removeprefix(hub.root)), timeout=1).body == b"epoch 1"

        upload(hub, model, b"final", epoch="2", type="final", map="0.5")
        trained = record(hub, model)
        assert trained["status"] == "trained"
        assert hub.send(Request("GET", trained["weights"].removeprefix(hub.root)), timeout=1).body == b"final"

    def test_what_it_holds_can_be_read(self, hub: FakeHub, model: HubModel) -> None:
        log(hub, model, {1: '{"a": 1}', 0: '{"a": 0}'})
        log(hub, model, {1: '{"a": 2}'})
        upload(hub, model, b"one", epoch="0", type="epoch", isBest="True")
        upload(hub, model, b"two", epoch="2", type="final", map="0.5")

        assert hub.metrics(model.id) == {0: {"a": 0}, 1: {"a": 2}}
        first, second = hub.checkpoints(model.id)
        assert (first.epoch, first.size, first.is_best, first.map) == (0, 3, True, None)
        assert (second.epoch, second.size, second.is_best, second.map) == (2, 3, False, 0.5)
        assert hashlib.sha256(b"one").hexdigest() == first.sha256
        assert hub.model(model.id).status == "trained"

    def test_what_it_does_not_hold_is_a_key_error(self, hub: FakeHub) -> None:
        with pytest.raises(KeyError):
            hub.model(MODEL)
        with pytest.raises(KeyError):
            hub.checkpoints(MODEL)
        assert hub.metrics(MODEL) == {}

    def test_an_agent_has_one_name_for_ever(self, hub: FakeHub, model: HubModel) -> None:
        given = json.loads(beat(hub, model).body)["data"]["agentId"]

        assert given == json.loads(beat(hub, model, given).body)["data"]["agentId"]
        assert given != json.loads(beat(hub, model).body)["data"]["agentId"]
        assert json.loads(beat(hub, model, "of another HUB").body)["data"]["agentId"] == "of another HUB"

    def test_a_heartbeat_is_dated(self, hub: FakeHub, model: HubModel, clock: FakeClock) -> None:
        beat(hub, model)
        first = hub.model(model.id).last_seen
        clock.advance(300)
        beat(hub, model)

        assert first is not None
        assert first + 300 == hub.model(model.id).last_seen

    def test_a_model_may_be_created_over_the_wire(self, hub: FakeHub) -> None:
        body = {
            "dataset": {"name": "coco8.yaml"},
            "lineage": {"parent": {"name": "yolov8n.pt"}},
            "config": {"epochs": 7},
        }

        answer = ask(hub, "POST", "/v1/models", json=body)

        assert answer.status == 201
        assert hub.model(json.loads(answer.body)["data"]["id"]).epochs == 7

    def test_a_record_may_be_odd(self, hub: FakeHub) -> None:
        model = hub.create_model(record={"status": "lost", "data": ..., "extra": None})

        found = record(hub, model)

        assert (found["status"], found["extra"]) == ("lost", None)
        assert "data" not in found

    def test_fields_of_a_model_are_given_by_name(self, hub: FakeHub) -> None:
        model = hub.create_model(id=MODEL, epochs=5, data="https://data.invalid/set.zip")

        assert (MODEL, 5, "https://data.invalid/set.zip") == (model.id, model.epochs, record(hub, model)["data"])

    def test_the_same_seed_gives_the_same_names(self) -> None:
        first, second, third = FakeHub(seed=1), FakeHub(seed=1), FakeHub(seed=2)

        assert first.api_key == second.api_key != third.api_key
        assert first.create_model().id == second.create_model().id

    def test_its_links_hang_below_its_root(self) -> None:
        hub = FakeHub(root="http://127.0.0.1:8421")
        model = hub.create_model()
        upload(hub, model, epoch="0", type="epoch", isBest="True")

        assert record(hub, model)["resume"].startswith("http://127.0.0.1:8421/files/")


class TestItsKey:
    def test_only_the_right_one_opens(self, hub: FakeHub, model: HubModel) -> None:
        for headers in ({}, {"x-api-key": "x" * 42}, {"authorization": f"Bearer {hub.api_key}"}):
            answer = hub.send(Request("GET", f"/v1/models/{model.id}", headers), timeout=1)
            assert answer.status == 401

    def test_may_be_chosen(self) -> None:
        hub = FakeHub(api_key="a-key", bearer="a-token")

        assert hub.api_key == "a-key"
        assert hub.send(Request("POST", "/v1/auth", {"x-api-key": "a-key"}), timeout=1).status == 200
        assert hub.send(Request("POST", "/v1/auth", {"authorization": "Bearer a-token"}), timeout=1).status == 200
        assert hub.send(Request("POST", "/v1/auth", {"authorization": "Bearer None"}), timeout=1).status == 401

    def test_without_a_bearer_no_token_opens(self, hub: FakeHub) -> None:
        assert hub.send(Request("POST", "/v1/auth", {"authorization": "Bearer None"}), timeout=1).status == 401


class TestTheLedger:
    def test_holds_every_request_in_its_order(self, hub: FakeHub, model: HubModel, clock: FakeClock) -> None:
        ask(hub, "POST", "/v1/auth")
        record(hub, model)
        clock.advance(3)
        log(hub, model, {0: "{}"})
        beat(hub, model)
        upload(hub, model, epoch="0", type="epoch", isBest="True")
        ask(hub, "GET", f"/v1/models/{model.id}/metrics")
        ask(hub, "GET", hub.checkpoints(model.id)[0].path)
        ask(hub, "POST", "/v1/models", json={"unknown": 1})

        kinds = ["auth", "model", "metrics", "heartbeat", "upload", "read", "file", "create"]
        assert kinds == [entry.kind for entry in hub.ledger]
        assert [entry.at for entry in hub.ledger] == [0, 0, 3, 3, 3, 3, 3, 3]
        assert [entry.status for entry in hub.ledger] == [200] * 7 + [422]

    def test_can_be_read_by_kind(self, hub: FakeHub, model: HubModel) -> None:
        beat(hub, model)
        log(hub, model, {0: "{}"})
        beat(hub, model)

        assert [entry.kind for entry in hub.received("heartbeat")] == ["heartbeat"] * 2
        assert hub.received("upload") == []

    def test_holds_what_a_form_said(self, hub: FakeHub, model: HubModel) -> None:
        upload(hub, model, b"weights", epoch="0", type="epoch", isBest="True")

        (entry,) = hub.received("upload")
        assert entry.fields == {"epoch": "0", "type": "epoch", "isBest": "True"}
        assert entry.file == ("last.pt", 7, hashlib.sha256(b"weights").hexdigest())
        assert entry.json is None

    def test_holds_no_file_that_was_not_kept(self, hub: FakeHub, model: HubModel) -> None:
        upload(hub, model, b"first", epoch="0", type="epoch", isBest="True")
        hub.garble(on="upload", calls=1)
        upload(hub, model, b"second", epoch="1", type="epoch", isBest="True")
        upload(hub, model, b"third", epoch="no number", type="epoch")

        assert [entry.file is None for entry in hub.received("upload")] == [False, True, True]

    def test_holds_a_request_that_got_no_answer(self, hub: FakeHub, model: HubModel) -> None:
        hub.down()
        with pytest.raises(HubUnreachable):
            beat(hub, model)

        (entry,) = hub.ledger
        assert (entry.kind, entry.status) == ("heartbeat", None)

    @pytest.mark.parametrize(
        ("method", "path", "kind"),
        [
            ("GET", f"/v1/models/{MODEL}?a=/upload", "model"),
            ("POST", "/v1/models?limit=1", "create"),
            ("GET", "/files/token/x-best.pt", "file"),
            ("GET", f"/v1/models/{MODEL}/metrics?x", "read"),
        ],
    )
    def test_tells_kinds_by_the_path(self, method: str, path: str, kind: str) -> None:
        assert kind == kind_of(Request(method, path))


FAULTS: dict[str, Callable[[FakeHub, dict[str, Any]], None]] = {
    "down": lambda hub, how: hub.down(**how),
    "slow": lambda hub, how: hub.slow(60.0, **how),
    "refuse": lambda hub, how: hub.refuse(503, **how),
    "rate_limit": lambda hub, how: hub.rate_limit(5, **how),
    "garble": lambda hub, how: hub.garble(**how),
    "lose_answers": lambda hub, how: hub.lose_answers(**how),
}


def fails(hub: FakeHub, model: HubModel) -> bool:
    try:
        answer = beat(hub, model)
    except HubUnreachable:
        return True
    return answer.status != 200 or not answer.body.startswith(b"{")


@pytest.mark.parametrize("name", FAULTS)
class TestFaults:
    def test_last_until_they_are_healed(self, hub: FakeHub, model: HubModel, name: str) -> None:
        FAULTS[name](hub, {})

        assert [fails(hub, model) for _ in range(5)] == [True] * 5
        hub.heal()
        assert not fails(hub, model)

    def test_last_for_a_number_of_calls(self, hub: FakeHub, model: HubModel, name: str) -> None:
        FAULTS[name](hub, {"calls": 2})

        assert [fails(hub, model) for _ in range(4)] == [True, True, False, False]

    def test_last_for_a_time(self, hub: FakeHub, model: HubModel, clock: FakeClock, name: str) -> None:
        FAULTS[name](hub, {"seconds": 600})

        assert fails(hub, model)
        clock.advance(599 - clock.now())
        assert fails(hub, model)
        clock.advance(1)
        assert not fails(hub, model)

    def test_meet_one_kind_of_request(self, hub: FakeHub, model: HubModel, name: str) -> None:
        FAULTS[name](hub, {"on": "heartbeat", "calls": 1})

        assert log(hub, model, {0: "{}"}).status == 200
        assert record(hub, model)["status"] == "new"
        assert fails(hub, model)
        assert not fails(hub, model)

    def test_follow_each_other(self, hub: FakeHub, model: HubModel, name: str) -> None:
        FAULTS[name](hub, {"calls": 1})
        hub.down(calls=1)

        assert [fails(hub, model) for _ in range(3)] == [True, True, False]


class TestEachFault:
    def test_down_does_nothing(self, hub: FakeHub, model: HubModel) -> None:
        hub.down(calls=1)
        with pytest.raises(HubUnreachable, match="the fake HUB is down"):
            log(hub, model, {0: "{}"})

        assert hub.metrics(model.id) == {}

    def test_slow_is_an_answer_for_the_patient(self, hub: FakeHub, model: HubModel, clock: FakeClock) -> None:
        hub.slow(9.0)

        assert log(hub, model, {0: "{}"}, timeout=10.0).status == 200
        assert clock.now() == 9.0
        assert hub.metrics(model.id) == {0: {}}

    def test_slow_is_no_answer_for_the_impatient(self, hub: FakeHub, model: HubModel, clock: FakeClock) -> None:
        hub.slow(11.0)
        with pytest.raises(HubUnreachable, match="no answer within 10 s"):
            log(hub, model, {0: "{}"}, timeout=10.0)

        assert clock.now() == 10.0
        assert hub.metrics(model.id) == {}

    def test_slow_makes_only_the_slow_call_wait(self, hub: FakeHub, model: HubModel, clock: FakeClock) -> None:
        hub.slow(8.0, on="upload")
        alarm = clock.alarm()

        def work() -> None:
            alarm.wait(0)
            upload(hub, model, epoch="0", type="epoch", isBest="True")
            alarm.retire()

        side = BackgroundThread(work)
        clock.advance(5)
        assert log(hub, model, {0: "{}"}).status == 200
        assert hub.checkpoints(model.id) == ()
        clock.advance(5)
        side.join()

        assert [entry.kind for entry in hub.ledger] == ["metrics", "upload"]
        assert len(hub.checkpoints(model.id)) == 1

    def test_slow_works_in_real_time_too(self) -> None:
        hub = FakeHub()
        hub.slow(3600.0)

        with pytest.raises(HubUnreachable):
            hub.send(Request("POST", "/v1/auth", {"x-api-key": hub.api_key}), timeout=0.01)

    def test_refuse_says_what_it_is_told_to(self, hub: FakeHub, model: HubModel) -> None:
        hub.refuse(413, "too large")

        answer = upload(hub, model, epoch="0", type="epoch")

        assert answer.status == 413
        assert json.loads(answer.body) == {"success": False, "message": "too large"}
        assert hub.checkpoints(model.id) == ()

    def test_refuse_may_choose_its_requests(self, hub: FakeHub, model: HubModel) -> None:
        hub.refuse(422, when=lambda request: "7" in request.json["metrics"], on="metrics")

        assert log(hub, model, {6: "{}"}).status == 200
        assert log(hub, model, {6: "{}", 7: "{}"}).status == 422
        assert log(hub, model, {8: "{}"}).status == 200

    def test_rate_limits_come_with_their_headers(self, hub: FakeHub, model: HubModel, clock: FakeClock) -> None:
        hub.rate_limit(30)

        headers = beat(hub, model).headers

        assert headers["retry-after"] == "30"
        assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("100", "0")
        assert int(headers["x-ratelimit-reset"]) == clock.wall() + 30

    def test_rate_limits_may_lose_their_headers_on_the_way(self, hub: FakeHub, model: HubModel) -> None:
        hub.rate_limit(30, stripped=True)

        answer = beat(hub, model)

        assert answer.status == 429
        assert list(answer.headers) == ["content-type"]

    def test_garbage_may_be_chosen(self, hub: FakeHub, model: HubModel) -> None:
        hub.garble(b"\x00half", status=502)

        answer = beat(hub, model)

        assert (answer.status, answer.body) == (502, b"\x00half")
        assert hub.model(model.id).agent is None

    def test_lost_answers_are_of_requests_that_were_heeded(self, hub: FakeHub, model: HubModel) -> None:
        hub.lose_answers(calls=2)
        with pytest.raises(HubUnreachable):
            log(hub, model, {0: '{"a": 1}'})
        with pytest.raises(HubUnreachable):
            upload(hub, model, epoch="0", type="epoch", isBest="True")

        assert hub.metrics(model.id) == {0: {"a": 1}}
        assert len(hub.checkpoints(model.id)) == 1
        assert [entry.status for entry in hub.ledger] == [None, None]
