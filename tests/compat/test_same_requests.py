"""``hubport.HUBTrainingSession`` and the session of ``ultralytics`` 8.0.100, side by side against the same HUB.

Both are asked for the same, and what they say to the HUB is compared, kind by kind and in order: method, path, key
header, JSON body, form fields, file parts. What ours does better, and only that, is named here:

* what is no JSON (``NaN``, ``Infinity``) is sent as ``null``;
* a form without its file, and a metrics call without metrics, are not sent;
* what is still queued at the final upload is sent before it;
* a key that the HUB does not take, and a model that it does not have, are said to be so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.compat.clients import Clients, Run, Step, step
from tests.compat.recording_hub import Answer, HubScript, Recorded

MAP = "metrics/mAP50-95(B)"
KEY = "a1" * 21
MODEL_ID = "Abcdefghij0123456789"
REF = f"{KEY}_{MODEL_ID}"

NEW: Mapping[str, Any] = {
    "id": MODEL_ID,
    "status": "new",
    "data": "coco8.yaml",
    "batch": 16,
    "batch_size": 8,
    "epochs": 3,
    "imgsz": 640,
    "patience": 50,
    "device": "",
    "cache": "ram",
    "cfg": None,
    "weights": "yolov8n.pt",
}
RESUMED = {**NEW, "status": "training", "resume": f"https://hub.test/{MODEL_ID}-epoch-1.pt"}

AT_ONCE = {"HUBPORT_METRICS_INTERVAL": "0", "HUBPORT_CHECKPOINT_INTERVAL": "0"}
"""The old class paces nothing by itself, its callbacks do; our engine does too, and is told not to."""


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in NEW.items() if name not in names}


def connect(ref: str = REF) -> Step:
    return step("construct", ref=ref, sees={"auth": 1, "model": 1, "heartbeat": 1})


def queue(epoch: int, text: str) -> Step:
    return step("queue", epoch=epoch, text=text)


def upload_metrics(*, seen: int) -> Step:
    return step("call", name="upload_metrics", sees={"metrics": seen})


def upload_model(*args: Any, seen: int, **kwargs: Any) -> Step:
    return step("call", name="upload_model", args=args, kwargs=kwargs, sees={"upload": seen})


EMPTY_QUEUE = step("set", name="metrics_queue", value={})
STOP = step("set", name="alive", value=False)


@pytest.fixture
def last(tmp_path: Path) -> str:
    path = tmp_path / "last.pt"
    path.write_bytes(b"\r\n--last\x00" * 5000)
    return str(path)


@pytest.fixture
def best(tmp_path: Path) -> str:
    path = tmp_path / "best.pt"
    path.write_bytes(bytes(range(256)) * 300)
    return str(path)


# ── the comparison ────────────────────────────────────────────────────────────────────────────────────────────────


def _as_json(text: str) -> str:
    """An epoch's text with ``null`` for what is no JSON, and otherwise to the letter."""
    if "NaN" not in text and "Infinity" not in text:
        return text
    return json.dumps(json.loads(text, parse_constant=lambda _: None))


def _with_null(request: Recorded) -> Recorded:
    metrics = {epoch: _as_json(text) for epoch, text in request.json["metrics"].items()}
    return attrs.evolve(request, json={**request.json, "metrics": metrics})


def improved(ledger: Mapping[str, list[Recorded]]) -> dict[str, list[Recorded]]:
    """What the old client sent, with the improvements that are ours on purpose."""
    better = dict(ledger)
    better["metrics"] = [_with_null(request) for request in ledger.get("metrics", []) if request.json["metrics"]]
    better["upload"] = [request for request in ledger.get("upload", []) if request.files]
    return {kind: requests for kind, requests in better.items() if requests}


def without_end(ledger: Mapping[str, list[Recorded]]) -> dict[str, list[Recorded]]:
    """What our client sent, without the heartbeat by which it says its end: the old one ends without a word."""
    alive = [request for request in ledger.get("heartbeat", []) if "state" not in request.json]
    others = {kind: requests for kind, requests in ledger.items() if kind != "heartbeat"}
    return others | ({"heartbeat": alive} if alive else {})


def assert_same(old: Run, new: Run) -> None:
    """Neither raised, and both said the same."""
    assert (None, None) == (old.raised, new.raised)
    assert improved(old.ledger) == without_end(new.ledger)


# ── requests ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ref", [REF, f"https://hub.ultralytics.com/models/{REF}"], ids=["KEY_ID", "URL"])
def test_connecting(clients: Clients, ref: str) -> None:
    old, new = clients.run_both(HubScript(NEW), [connect(ref), STOP])
    assert_same(old, new)
    # The second heartbeat says the end.
    assert {"auth": 1, "model": 1, "heartbeat": 2} == new.counts()


def test_connecting_to_a_model_that_is_resumed(clients: Clients) -> None:
    assert_same(*clients.run_both(HubScript(RESUMED), [connect()]))


def test_the_second_heartbeat_says_the_agent_id_that_the_hub_gave(clients: Clients) -> None:
    script = HubScript(NEW, agent_id="agent-7")
    known = step("await", name="agent_id")
    twice = {"heartbeat": 2}
    second_loop = step("call", name="_start_heartbeat", endless=True, sees=twice)  # its own waits for 300 s
    old = clients.run("old", script, [connect(), known, second_loop])
    new = clients.run(
        "new", script, [connect(), step("await", name="agent_id", sees=twice)], HUBPORT_HEARTBEAT_INTERVAL="0.1"
    )
    assert [None, "agent-7"] == [beat.json["agentId"] for beat in new.ledger["heartbeat"][:2]]
    assert old.ledger["heartbeat"] == new.ledger["heartbeat"][:2]


def test_metrics_of_one_epoch_and_of_several(clients: Clients) -> None:
    steps = [
        connect(),
        queue(0, json.dumps({"train/box_loss": 1.25, MAP: 0.1, "model/parameters": 3011043, "model/GFLOPs": 8.194})),
        upload_metrics(seen=1),
        EMPTY_QUEUE,
        queue(1, json.dumps({"train/box_loss": 1e-05})),
        queue(2, json.dumps({"train/box_loss": 1.0})),
        queue(3, '{"spacing":"kept",   "as":"it was"}'),
        upload_metrics(seen=2),
        EMPTY_QUEUE,
        queue(10, json.dumps({"val/cls_loss": 0.5})),
        upload_metrics(seen=3),
    ]
    old, new = clients.run_both(HubScript(NEW), steps, **AT_ONCE)
    assert_same(old, new)
    assert [["0"], ["1", "2", "3"], ["10"]] == [list(call.json["metrics"]) for call in new.ledger["metrics"]]


def test_metrics_that_are_no_json_are_null(clients: Clients) -> None:
    diverged = json.dumps({"train/box_loss": float("nan"), "val/box_loss": float("inf"), MAP: 0.0})
    old, new = clients.run_both(HubScript(NEW), [connect(), queue(0, diverged), upload_metrics(seen=1)], **AT_ONCE)
    assert_same(old, new)
    assert "NaN" in old.ledger["metrics"][0].json["metrics"]["0"]
    assert {"train/box_loss": None, "val/box_loss": None, MAP: 0.0} == json.loads(
        new.ledger["metrics"][0].json["metrics"]["0"]
    )


def test_an_epoch_that_is_sent_twice(clients: Clients) -> None:
    steps = [
        connect(),
        queue(0, '{"a": 1, "b": 1}'),
        upload_metrics(seen=1),
        upload_metrics(seen=2),
        EMPTY_QUEUE,
        queue(0, '{"a": 2}'),
        upload_metrics(seen=3),
    ]
    assert_same(*clients.run_both(HubScript(NEW), steps, **AT_ONCE))


def test_no_metrics_are_no_call(clients: Clients) -> None:
    steps = [connect(), step("call", name="upload_metrics"), queue(0, "{}"), upload_metrics(seen=1)]
    old, new = clients.run_both(HubScript(NEW), steps, **AT_ONCE)
    assert_same(old, new)
    assert (2, 1) == (len(old.ledger["metrics"]), len(new.ledger["metrics"]))


def test_checkpoints_of_epochs(clients: Clients, last: str, best: str) -> None:
    steps = [
        connect(),
        upload_model(1, {"$path": last}, True, seen=1),
        upload_model(2, last, seen=2),
        upload_model(epoch=3, weights={"$path": best}, is_best=False, seen=3),  # called last.pt all the same
    ]
    old, new = clients.run_both(HubScript(NEW), steps, **AT_ONCE)
    assert_same(old, new)
    assert {("last.pt", "last.pt")} == {
        (part.name, part.filename) for call in new.ledger["upload"] for part in call.files
    }


@pytest.mark.parametrize("options", [{"map": 0.4217}, {}], ids=["map", "no map"])
def test_the_final_checkpoint(clients: Clients, best: str, options: dict[str, Any]) -> None:
    steps = [connect(), upload_model(2, {"$path": best}, **options, final=True, seen=1), STOP]
    old, new = clients.run_both(HubScript(NEW), steps, **AT_ONCE)
    assert_same(old, new)
    assert ["best.pt"] == [part.filename for part in new.ledger["upload"][0].files]


def test_a_missing_checkpoint_is_no_call(clients: Clients, best: str, tmp_path: Path) -> None:
    steps = [
        connect(),
        step("call", name="upload_model", args=[1, str(tmp_path / "nowhere" / "last.pt")]),
        step("call", name="upload_model", args=[2, str(tmp_path / "nowhere" / "best.pt")], kwargs={"final": True}),
        upload_model(2, best, final=True, seen=1),
    ]
    old, new = clients.run_both(HubScript(NEW), steps, **AT_ONCE)
    assert_same(old, new)
    assert (3, 1) == (len(old.ledger["upload"]), len(new.ledger["upload"]))


def test_fetching_the_model_again_and_sending_when_no_longer_alive(clients: Clients, last: str) -> None:
    steps = [
        connect(),
        STOP,
        step("call", name="_get_model", sees={"model": 2}),
        queue(0, "{}"),
        upload_metrics(seen=1),
        upload_model(0, last, seen=1),
    ]
    old, new = clients.run_both(HubScript(NEW), steps, **AT_ONCE)
    assert_same(old, new)
    assert old.answers == new.answers


def test_off_the_main_thread_ours_works(clients: Clients) -> None:
    steps = [step("construct", ref=REF, thread="other", sees={"heartbeat": 1})]
    old, new = clients.run_both(HubScript(NEW), steps)
    assert old.ledger == without_end(new.ledger)
    assert old.raised is not None
    assert new.raised is None


def test_a_signal_handler_called_by_hand_leaves_with_the_signals_number(clients: Clients) -> None:
    steps = [connect(), step("call", name="_handle_signal", args=[15, None])]
    old, new = clients.run_both(HubScript(NEW), steps)
    assert old.ledger == without_end(new.ledger)
    assert old.raised == new.raised
    assert "SystemExit" == (new.raised or {})["type"]


# ── attributes ────────────────────────────────────────────────────────────────────────────────────────────────────

ATTRIBUTES = (
    "agent_id",
    "alive",
    "api_url",
    "auth_header",
    "metrics_queue",
    "model",
    "model_file",
    "model_id",
    "model_url",
    "rate_limits",
    "timers",
    "train_args",
)


RECORDS: Mapping[str, Mapping[str, Any]] = {
    "new": NEW,
    "training": RESUMED,
    "batch_size only": without("batch"),
    "yolov5": {**NEW, "weights": "yolov5n.pt"},
    "yolov3 in a folder": {**NEW, "weights": "weights/yolov3-tiny.pt"},
    "from scratch": {**NEW, "cfg": "yolov5s.yaml", "weights": "yolov5s.pt"},
    "other types": {**NEW, "imgsz": [640, 480], "device": [0, 1], "cache": True, "patience": None},
}


@pytest.fixture(scope="module")
def described(clients: Clients) -> Mapping[str, tuple[Any, Any]]:
    """One process of each client, which connects to each of the models in turn."""
    steps, answers = [], []
    for number, record in enumerate(RECORDS.values(), start=1):
        model_id = f"Model{number:015}"
        answers.append(Answer(200, {"success": True, "message": "", "data": {**record, "id": model_id}}))
        steps += [
            step("construct", ref=f"{KEY}_{model_id}", sees={"model": number, "heartbeat": number}),
            step("await", name="agent_id"),
            step("describe", names=ATTRIBUTES),
            STOP,
            step("describe", names=["alive"]),
        ]
    old, new = clients.run_both(HubScript(answers={"model": tuple(answers)}), steps)
    assert (None, None) == (old.raised, new.raised)
    return dict(zip(RECORDS, zip(pairs(old.described), pairs(new.described), strict=True), strict=True))


def pairs(flat: list[Any]) -> list[Any]:
    return [flat[at : at + 2] for at in range(0, len(flat), 2)]


@pytest.mark.parametrize("name", RECORDS)
def test_the_attributes_are_the_same(described: Mapping[str, tuple[Any, Any]], name: str) -> None:
    """By type, value and order, before and after ``alive = False``."""
    old, new = described[name]
    assert old == new
    assert set(ATTRIBUTES) == set(new[0])


# ── exceptions ────────────────────────────────────────────────────────────────────────────────────────────────────

NO = {"success": False, "message": "the HUB's own words", "data": {}}


def record(fields: Mapping[str, Any]) -> Answer:
    return Answer(200, {"success": True, "message": "", "data": fields})


RAISES = {
    "no reference": ("nonsense", None),
    "empty reference": ("", None),
    "short ID": ("https://hub.ultralytics.com/models/short", None),
    "trained": (REF, record({**NEW, "status": "trained"})),
    "empty data": (REF, record({**NEW, "data": ""})),
    "no data": (REF, record(without("data"))),
    "empty record": (REF, record({})),
    "no status": (REF, record(without("status"))),
    "no epochs": (REF, record(without("epochs"))),
    "no resume": (REF, record({**NEW, "status": "training"})),
    "401": (REF, Answer(401, NO)),
    "404": (REF, Answer(404, NO)),
}
STUMBLES = {
    "404 without data": (REF, Answer(404, {"message": "gone"})),
    "400 without a body": (REF, Answer(400, b"")),
    "403 in HTML": (REF, Answer(403, b"<html>Please log in</html>")),
    "no model file": (REF, record(without("weights", "cfg"))),
}
OURS = {
    "404 without data": "HubRefused",
    "400 without a body": "HubRefused",
    "403 in HTML": "HubRefused",
    "no model file": "InvalidModelRecord",
}

Refused = Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]


@pytest.fixture(scope="module")
def refused(clients: Clients) -> Refused:
    """One process of each client, which tries to connect in all these ways; what each raised."""
    attempts = {**RAISES, **STUMBLES}
    answers = tuple(answer for _, answer in attempts.values() if answer is not None)
    steps = [step("construct", ref=ref) for ref, _ in attempts.values()]
    old, new = clients.run_both(HubScript(answers={"model": answers}), steps)
    assert old.ledger["model"] == new.ledger["model"]
    assert {"auth", "model"} == set(old.ledger) == set(new.ledger)
    outcomes = zip(old.answers[:-1], new.answers[:-1], strict=True)
    return {name: (was["raised"], now["raised"]) for name, (was, now) in zip(attempts, outcomes, strict=True)}


@pytest.mark.parametrize("name", RAISES)
def test_where_the_old_class_raised_ours_raises_the_same_builtin_type(refused: Refused, name: str) -> None:
    assert_raises_what(*refused[name])


def assert_raises_what(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> None:
    """Ours is, among others, every built-in that the old exception was, and it speaks."""
    assert old is not None
    assert new is not None
    assert set(old["bases"]) <= set(new["bases"])
    assert new["message"]


@pytest.mark.parametrize("name", STUMBLES)
def test_where_the_old_class_stumbled_ours_says_what_is_wrong(refused: Refused, name: str) -> None:
    old, new = refused[name]
    assert old["type"] in {"AttributeError", "TypeError"}  # of a None somewhere inside
    assert OURS[name] == new["type"]


def test_no_hub_at_all_is_a_connection_error(clients: Clients) -> None:
    nobody = "http://127.0.0.1:1"
    old, new = clients.run_both(
        HubScript(NEW), [step("construct", ref=REF)], hub_url=nobody, HUBPORT_CONNECT_TIMEOUT="0.2"
    )
    assert_raises_what(old.raised, new.raised)
    assert "HubUnreachable" == (new.raised or {})["type"]


def test_without_a_key_nobody_is_asked_for_one(clients: Clients) -> None:
    """The old class asks at the terminal, three times, and where there is none it ends with an EOFError."""
    old, new = clients.run_both(HubScript(NEW), [step("construct", ref=MODEL_ID)])
    assert ("EOFError", "AuthenticationFailed") == ((old.raised or {})["type"], (new.raised or {})["type"])
    assert ({}, {}) == (old.ledger, new.ledger)


def test_a_status_that_the_old_class_did_not_know_left_it_without_train_args(clients: Clients) -> None:
    old, new = clients.run_both(
        HubScript({**NEW, "status": "paused"}), [step("construct", ref=REF), step("describe", names=["train_args"])]
    )
    assert "AttributeError" == (old.raised or {})["type"]
    assert "InvalidModelRecord" == (new.raised or {})["type"]


def test_a_key_that_the_hub_does_not_take_ends_it_at_once(clients: Clients) -> None:
    """The old class logged it and went on without a key: to the record, and to heartbeats for ever."""
    unwelcome = HubScript(NEW, {"auth": (Answer(401, NO),)})
    old, new = clients.run_both(unwelcome, [step("construct", ref=REF)])
    assert old.raised is None
    assert "AuthenticationFailed" == (new.raised or {})["type"]
    assert {"auth": old.ledger["auth"]} == new.ledger


# ── driven by the old client's own callbacks ──────────────────────────────────────────────────────────────────────


def training(folder: Path, *, epochs: int, due: bool) -> list[Step]:
    """The steps of a training; *due* says whether each epoch's requests are, and are waited for."""

    def callback(name: str, sees: dict[str, int] | None = None, **arguments: Any) -> Step:
        return step("callback", name=name, folder=str(folder), sees=sees, **arguments)

    steps = [connect()]
    if due:
        limits = {"metrics": 0.0, "ckpt": 0.0, "heartbeat": 300.0}
        steps.append(step("set", name="rate_limits", value=limits))
    steps.append(callback("on_pretrain_routine_end"))
    for epoch in range(epochs):
        seen = epoch + 1 if due else 0
        steps += [
            callback("on_fit_epoch_end", {"metrics": seen}, epoch=epoch),
            callback("on_model_save", {"upload": seen}),
        ]
    return [*steps, callback("on_train_end", {"upload": 1}), step("describe", names=["alive", "metrics_queue"])]


def delivered(run: Run) -> dict[int, dict[str, float]]:
    """What the HUB holds after it: a later value for an epoch replaces the earlier."""
    calls = [call.json["metrics"] for call in run.ledger["metrics"]]
    return {int(epoch): json.loads(text) for call in calls for epoch, text in call.items()}


def test_the_old_callbacks_drive_our_session_as_they_drove_their_own(
    clients: Clients, last: str, best: str, tmp_path: Path
) -> None:
    old, new = clients.run_both(HubScript(NEW), training(tmp_path, epochs=4, due=True), in_peer=True)
    assert_same(old, new)
    assert {0, 1, 2, 3} == set(delivered(new))
    assert ["epoch"] * 4 + ["final"] == [dict(call.fields)["type"] for call in new.ledger["upload"]]
    assert old.described == new.described


def test_the_old_callbacks_in_a_training_too_short_for_them_lose_nothing(
    clients: Clients, last: str, best: str, tmp_path: Path
) -> None:
    """With their own limits of 3 s and 900 s nothing falls due before the end: the old class lost all of it."""
    new = clients.run("new", HubScript(NEW), training(tmp_path, epochs=2, due=False), in_peer=True)
    assert new.raised is None
    assert {0, 1} == set(delivered(new))
    assert 0.5 == delivered(new)[1][MAP]
    final = new.ledger["upload"][-1]
    assert {"epoch": "1", "type": "final", "map": "0.5"} == dict(final.fields)
    assert [Path(best).stat().st_size] == [part.size for part in final.files]
    assert {"alive": False, "metrics_queue": {}} == {name: told["value"] for name, told in new.described[0].items()}
