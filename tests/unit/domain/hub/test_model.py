import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.checkpoint import CheckpointKind
from hubport.domain.client.model_record import ModelRecord
from hubport.domain.client.train_plan import TrainPlan
from hubport.domain.errors import AlreadyTrained
from hubport.domain.hub.agents import SILENCE
from hubport.domain.hub.api import model_json
from hubport.domain.hub.api.model_json import ModelSerializer
from hubport.domain.hub.model import HubModel, StoredCheckpoint
from hubport.domain.hub.progress import Progress
from hubport.domain.run_end import CLOSED, EndKind, RunEnd
from hubport.domain.run_state import RunState
from tests.unit.domain.strategies import MODEL_ID, few, model_ids, strict_json, words_of

ROOT = "https://hub.example"
MODEL = HubModel(MODEL_ID, name="a model", data="coco8.yaml")

stored = st.builds(
    StoredCheckpoint,
    name=st.integers(0, 999).map(lambda epoch: f"{MODEL_ID}-epoch-{epoch}.pt"),
    token=words_of(8),
    kind=st.sampled_from(CheckpointKind),
    epoch=st.integers(0, 999),
    size=st.integers(1, 10**9),
    sha256=st.just("0" * 64),
    is_best=st.booleans(),
    map=st.none() | st.floats(0, 1),
)
models = st.builds(
    HubModel,
    id=model_ids,
    name=st.text(max_size=3),
    data=st.sampled_from(["coco8.yaml", "https://hub.example/data/coco8.zip"]),
    weights=st.sampled_from(["yolov8n.pt", "yolov5n.pt"]),
    cfg=st.none() | st.just("yolov8n.yaml"),
    epochs=st.integers(1, 1000),
    batch=st.integers(-1, 1000),
    imgsz=st.integers(32, 1280),
    patience=st.integers(0, 1000),
    device=st.sampled_from(["", "0", "0,1", "cpu"]),
    cache=st.sampled_from(["", "ram"]),
    checkpoints=st.lists(stored, max_size=3).map(tuple),
)

# What 8.2 and later send.
CREATE: dict[str, Any] = {
    "config": {"batchSize": 8, "epochs": 20, "imageSize": 320, "patience": 5, "device": "0", "cache": "ram"},
    "dataset": {"name": "https://hub.example/data/coco8.zip"},
    "lineage": {"architecture": {"name": "yolov8n"}, "parent": {"name": "yolov8n.pt"}},
    "meta": {"name": "digits"},
}


def created(**changes: Any) -> HubModel:
    return model_json.created(MODEL_ID, CREATE | changes, at=5.0)


def record_of(model: HubModel) -> dict[str, Any]:
    return ModelSerializer(ROOT, 0.0, lambda _: None).record(model, Progress())


# Its status


@few
@given(models)
def test_the_status_follows_from_the_checkpoints(model: HubModel) -> None:
    kinds = [checkpoint.kind for checkpoint in model.checkpoints]

    assert ("trained" if CheckpointKind.FINAL in kinds else "training" if kinds else "new") == model.status


@few
@given(models)
def test_training_is_never_said_without_a_checkpoint_to_resume(model: HubModel) -> None:
    record = record_of(model)

    assert ("resume" in record) == any(checkpoint.kind is CheckpointKind.EPOCH for checkpoint in model.checkpoints)
    assert record["status"] != "training" or record["resume"].endswith(".pt")


@few
@given(models, stored)
def test_a_checkpoint_is_the_newest_of_its_kind_as_soon_as_it_is_stored(
    model: HubModel, checkpoint: StoredCheckpoint
) -> None:
    after = attrs.evolve(model, checkpoints=(*model.checkpoints, checkpoint))

    assert checkpoint == (after.final if checkpoint.kind is CheckpointKind.FINAL else after.last)


@few
@given(models, stored)
def test_trained_is_for_ever(model: HubModel, checkpoint: StoredCheckpoint) -> None:
    after = attrs.evolve(model, checkpoints=(*model.checkpoints, checkpoint))

    order = ["new", "training", "trained"]
    assert order.index(model.status) <= order.index(after.status)


# Its record


@few
@given(models)
def test_the_record_has_the_flat_fields_the_nested_ones_and_both_batches(model: HubModel) -> None:
    record = record_of(model)
    args = {
        "data": model.data,
        "batch": model.batch,
        "epochs": model.epochs,
        "imgsz": model.imgsz,
        "patience": model.patience,
        "device": model.device,
        "cache": model.cache,
    }

    assert args == record["train_args"]
    assert args == {name: record[name] for name in args}
    assert model.batch == record["batch_size"]
    assert (model.id, model.status, model.cfg) == (record["id"], record["status"], record["cfg"])
    assert (model.last is not None) == record["has_last_weights"]
    assert (model.final is not None) == record["has_best_weights"]
    assert {"name": model.name} == record["meta"]
    assert {"id": None, "name": model.data} == record["dataset"]


@few
@given(models)
def test_the_record_is_strict_json(model: HubModel) -> None:
    record = record_of(model)

    assert record == strict_json(json.dumps(record, allow_nan=False))


@few
@given(models)
def test_links_lie_below_the_root_end_in_pt_and_have_no_query(model: HubModel) -> None:
    record = record_of(model)
    links = [record[name] for name in ("resume", "weights") if str(record.get(name)).startswith(ROOT)]

    assert (model.last is not None) + (model.final is not None) == len(links)
    for link in links:
        assert link.endswith(".pt")
        assert not set("?#&") & set(link)
        assert link.startswith(f"{ROOT}/files/")


@few
@given(models)
def test_what_the_hub_says_is_what_our_own_client_understands(model: HubModel) -> None:
    record = ModelRecord.from_data(record_of(model), asked_for=MODEL_ID)
    assert model.id == record.id
    if model.status == "trained":
        with pytest.raises(AlreadyTrained):
            TrainPlan.of(record, model_url="")
        return
    plan = TrainPlan.of(record, model_url="")
    if model.last is None:
        assert record_of(model)["train_args"] == plan.train_args
        assert (model.cfg or str(model.weights).replace("yolov5n", "yolov5nu")) == plan.model_file
    else:
        assert {"data": model.data, "resume": True} == plan.train_args
        assert ROOT + model.last.path == plan.model_file


def test_a_trained_model_links_its_final_weights() -> None:
    final = StoredCheckpoint(f"{MODEL_ID}-best.pt", "token", 3, "0" * 64, CheckpointKind.FINAL, 99, map=0.42)
    record = record_of(attrs.evolve(MODEL, checkpoints=(final,)))

    assert f"{ROOT}/files/token/{MODEL_ID}-best.pt" == record["weights"]
    assert "resume" not in record


def test_a_trained_model_still_says_what_it_was_trained_from() -> None:
    trained = attrs.evolve(MODEL, checkpoints=(a_checkpoint(9, kind=CheckpointKind.FINAL),))
    record = record_of(trained)

    assert ("yolov8n.pt", "coco8.yaml") == (record["base_model"], record["train_args"]["data"])
    assert record_of(MODEL)["train_args"] == record["train_args"]
    assert "yolov8n.yaml" == record_of(attrs.evolve(trained, cfg="yolov8n.yaml", weights=None))["base_model"]


@pytest.mark.parametrize(
    ("logged", "stored", "epoch"), [(None, [], None), (3, [], 3), (None, [5], 5), (3, [5], 5), (7, [5, 2], 7)]
)
def test_progress_is_the_newest_epoch_that_metrics_or_a_checkpoint_tell_of(
    logged: int | None, stored: list[int], epoch: int | None
) -> None:
    """The metrics of the last epochs never come from old clients, and the final upload does."""
    model = attrs.evolve(MODEL, checkpoints=tuple(a_checkpoint(number) for number in stored))
    record = ModelSerializer(ROOT, 0.0, lambda _: None).record(model, Progress(epoch=logged))

    assert (epoch, logged) == (record["progress"]["epoch"], record["metrics_epoch"])


def test_a_model_that_says_nothing_has_the_trainers_defaults() -> None:
    expected = {"batch": 16, "epochs": 100, "imgsz": 640, "patience": 100, "device": "", "cache": ""}

    assert expected | {"data": "coco8.yaml"} == record_of(MODEL)["train_args"]
    assert "yolov8n.pt" == record_of(MODEL)["weights"]
    assert not record_of(MODEL)["is_custom"]


# Its beginning


def test_a_new_model_is_what_the_body_says() -> None:
    assert (
        HubModel(
            MODEL_ID,
            name="digits",
            data="https://hub.example/data/coco8.zip",
            weights="yolov8n.pt",
            cfg=None,
            epochs=20,
            batch=8,
            imgsz=320,
            patience=5,
            device="0",
            cache="ram",
            created=5.0,
        )
        == created()
    )


@pytest.mark.parametrize("parent", [{}, {"name": None}, {"name": ""}, None])
def test_without_a_parent_it_is_trained_from_scratch(parent: object) -> None:
    model = created(lineage={"architecture": {"name": "yolov8n.yaml"}, "parent": parent})

    assert ("yolov8n.yaml", None) == (model.cfg, model.weights)
    assert "yolov8n.yaml" == record_of(model)["cfg"]
    assert not record_of(model)["is_pretrained"]


@pytest.mark.parametrize("config", [{}, None])
def test_without_hyperparameters_it_has_those_of_the_trainer(config: object) -> None:
    model = created(config=config)

    assert (16, 100, 640, 100, "", "") == (
        model.batch,
        model.epochs,
        model.imgsz,
        model.patience,
        model.device,
        model.cache,
    )


@pytest.mark.parametrize("meta", [{}, None, {"name": None}, {"name": ""}])
def test_without_a_name_it_is_called_after_what_it_comes_from(meta: object) -> None:
    assert "yolov8n.pt" == created(meta=meta).name
    assert "yolov8n.yaml" == created(meta=meta, lineage={"architecture": {"name": "yolov8n"}}).name


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"dataset": {}}, "dataset"),
        ({"dataset": {"name": 5}}, "dataset"),
        ({"dataset": "coco8"}, "dataset"),
        ({"lineage": None}, "lineage"),
        ({"lineage": {}}, "lineage"),
        ({"lineage": {"parent": {}, "architecture": {}}}, "lineage"),
        ({"lineage": "yolov8n"}, "lineage"),
        ({"lineage": {"parent": "yolov8n.pt"}}, "parent"),
        ({"lineage": {"architecture": ["yolov8n"]}}, "architecture"),
        ({"meta": "digits"}, "meta"),
        ({"config": [1]}, "config"),
        ({"config": {"epochs": "many"}}, "epochs"),
        ({"config": {"epochs": "9" * 30}}, "epochs"),
        ({"config": {"epochs": 10**10}}, "epochs"),
        ({"config": {"device": ["0"]}}, "device"),
        ({"config": {"cache": "a\0b"}}, "cache"),
        ({"meta": {"name": "x" * 1001}}, "meta.name"),
        ({"meta": {"name": "\ud800"}}, "meta.name"),
        ({"meta": {"note": "\ud800"}}, "meta"),
        ({"meta": {"note": "\0"}}, "meta"),
        ({"meta": {"note": "x" * 70_000}}, "meta"),
        ({"trashed": "yes"}, "trashed"),
        ({"datasetId": 5}, "datasetId"),
        ({"weights": "yolov8n.pt"}, "weights"),
        ({"config": {"epochs": 1.5}}, "epochs"),
        ({"config": {"epochs": True}}, "epochs"),
        ({"config": {"imageSize": []}}, "imageSize"),
        ({"config": {"imageSize": ["640"]}}, "imageSize"),
        ({"config": {"patience": {}}}, "patience"),
        ({"lineage": {"parent": {"name": 5}}}, "parent"),
        ({"lineage": {"parent": {"name": ["yolov8n.pt"]}}}, "parent"),
        ({"lineage": {"architecture": {"name": {"a": "b"}}}}, "architecture"),
    ],
    ids=repr,
)
def test_a_body_that_makes_no_sense_is_refused_with_the_part_that_does_not(changes: dict[str, Any], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        created(**changes)


@pytest.mark.parametrize("device", [0, "0"], ids=["number", "text"])
def test_the_first_device_is_a_device(device: object) -> None:
    assert "0" == created(config={"device": device}).device


def test_numbers_may_come_as_text() -> None:
    """As the SDK's own examples have them; minus one lets the trainer choose."""
    model = created(config={"epochs": "5", "batchSize": "-1", "imageSize": "", "patience": None})

    assert (5, -1, 640, 100) == (model.epochs, model.batch, model.imgsz, model.patience)


# Its change


def test_a_change_leaves_what_it_does_not_name() -> None:
    model = attrs.evolve(created(), meta={"note": "kept"})

    renamed = model_json.patched(model, {"meta": {"name": "other", "more": 1}})

    assert attrs.evolve(model, name="other", meta={"note": "kept", "more": 1}) == renamed
    assert attrs.evolve(model, epochs=7) == model_json.patched(model, {"config": {"epochs": 7}})
    assert attrs.evolve(model, is_trashed=True) == model_json.patched(model, {"trashed": True})


def test_a_dataset_of_this_hub_stands_in_for_a_name_and_back() -> None:
    own = model_json.patched(created(), {"datasetId": "D" * 20})
    assert "D" * 20 == own.dataset
    assert not record_of(own)["data"]  # its file is not there: clients take that for "still being processed"

    named = model_json.patched(own, {"dataset": {"name": "coco8.yaml"}})
    assert (None, "coco8.yaml") == (named.dataset, record_of(named)["data"])


# Its checkpoints


def a_checkpoint(
    epoch: int, *, content: str = "", kind: CheckpointKind = CheckpointKind.EPOCH, is_best: bool = False
) -> StoredCheckpoint:
    return StoredCheckpoint(
        f"{epoch}.pt", f"token{epoch}{content}", 3, (content or str(epoch)) * 64, kind, epoch, is_best=is_best
    )


def with_all(*checkpoints: StoredCheckpoint, keep: int) -> HubModel:
    model = MODEL
    for checkpoint in checkpoints:
        model = model.with_checkpoint(checkpoint, keep=keep)
    return model


def test_the_newest_stay_and_the_best_and_the_final_one() -> None:
    epochs = [a_checkpoint(epoch, is_best=epoch in {1, 2}) for epoch in range(6)]
    finals = [a_checkpoint(epoch, kind=CheckpointKind.FINAL) for epoch in (6, 7)]

    model = with_all(*epochs, *finals, keep=2)

    assert [epochs[2], epochs[4], epochs[5], finals[1]] == list(model.checkpoints)
    assert epochs[2] == model.best


@few
@given(st.lists(stored, min_size=1, max_size=12), st.integers(0, 3))
def test_what_resumes_and_what_ends_a_training_is_never_given_up(uploads: list[StoredCheckpoint], keep: int) -> None:
    uploads = [attrs.evolve(upload, sha256=f"{number:064}") for number, upload in enumerate(uploads)]
    model = with_all(*uploads, keep=keep)
    everything = attrs.evolve(MODEL, checkpoints=tuple(uploads))

    assert (everything.last, everything.final, everything.best) == (model.last, model.final, model.best)
    assert everything.status == model.status
    assert len([c for c in model.checkpoints if c.kind is CheckpointKind.EPOCH]) <= max(keep, 1) + 1


def test_an_upload_that_is_sent_again_keeps_the_address_that_was_given_out() -> None:
    """Its client never saw the answer; somebody else may have seen the address."""
    first, other = a_checkpoint(1), a_checkpoint(2)
    again = attrs.evolve(first, token="another")

    model = with_all(first, other, again, keep=5)

    assert [other, first] == list(model.checkpoints)
    assert first == model.last


# What is none


@pytest.mark.parametrize("kind", list(CheckpointKind))
def test_an_empty_file_of_an_earlier_version_is_no_checkpoint(kind: CheckpointKind) -> None:
    """It gives no resume and ends no model, and goes when the next one comes."""
    empty = StoredCheckpoint("e.pt", "e", 0, "e3b0", kind=kind, epoch=9, is_best=True)
    good = StoredCheckpoint("g.pt", "g", 3, "ab", kind=CheckpointKind.EPOCH, epoch=8)
    model = attrs.evolve(MODEL, checkpoints=(empty,))
    assert ("new", None, None, None) == (model.status, model.last, model.best, model.final)

    model = attrs.evolve(MODEL, checkpoints=(good, empty))
    assert ("training", good, None, None) == (model.status, model.last, model.best, model.final)

    assert (good,) == attrs.evolve(MODEL, checkpoints=(empty,)).with_checkpoint(good, keep=5).checkpoints


# Its silence


def test_a_run_is_connected_until_it_was_silent_for_a_quarter_of_an_hour() -> None:
    model = attrs.evolve(MODEL, last_seen=1000.0)

    assert model.is_connected(1000.0 + SILENCE - 1)
    assert not model.is_connected(1000.0 + SILENCE)
    assert not MODEL.is_connected(0.0)


def test_a_sign_of_life_from_the_future_proves_nothing() -> None:
    """It was noted while the server's clock was wrong; clocks of two servers may differ by a little."""
    now = 1_700_000_000.0
    five_years = 5 * 365 * 86_400

    assert not attrs.evolve(MODEL, last_seen=now + five_years).is_connected(now)
    assert not attrs.evolve(MODEL, last_seen=now + SILENCE).is_connected(now)
    assert attrs.evolve(MODEL, last_seen=now + 5).is_connected(now)


# Its state


def test_a_model_that_nothing_was_heard_of_is_new() -> None:
    assert (RunState.NEW, None) == (MODEL.state(0.0), MODEL.state_until(0.0))


def test_metrics_alone_are_a_run_until_they_have_been_missing_for_long() -> None:
    model = attrs.evolve(MODEL, last_seen=1000.0)

    assert (RunState.TRAINING, 1900.0) == (model.state(1001.0), model.state_until(1001.0))
    assert (RunState.DISCONNECTED, None) == (model.state(1900.0), model.state_until(1900.0))


def test_a_checkpoint_of_nobody_is_no_new_model() -> None:
    model = MODEL.with_checkpoint(a_checkpoint(1), keep=5)

    assert RunState.DISCONNECTED is model.state(0.0)


def test_a_final_checkpoint_outweighs_every_run() -> None:
    model = MODEL.with_checkpoint(a_checkpoint(1, kind=CheckpointKind.FINAL), keep=5)
    for end in (None, CLOSED, RunEnd(EndKind.FAILED, "ValueError")):
        model = model.with_heartbeat("a", None, at=5.0, end=end)
        assert (RunState.TRAINED, None) == (model.state(6.0), model.error(6.0))


def test_what_is_left_over_and_comes_after_the_end_begins_no_run() -> None:
    model = MODEL.with_heartbeat("a", None, at=5.0).with_heartbeat("a", None, at=6.0, end=CLOSED)
    model = attrs.evolve(model, last_seen=7.0)

    assert RunState.STOPPED is model.state(8.0)
    assert RunState.TRAINING is model.with_heartbeat("b", None, at=8.0).state(9.0)


def test_an_end_that_was_said_stays_whatever_time_goes_by() -> None:
    model = MODEL.with_heartbeat("a", None, at=5.0, end=RunEnd(EndKind.FAILED, "ValueError"))

    assert (RunState.FAILED, "ValueError") == (model.state(10**9), model.error(10**9))
    assert model.state_until(6.0) is None


def test_the_end_of_one_of_two_runs_is_not_the_end_of_the_model() -> None:
    model = MODEL
    for number, name in enumerate(["a", "b", "a", "b"]):
        model = model.with_heartbeat(name, None, at=float(number))
    model = model.with_heartbeat("b", None, at=5.0, end=RunEnd(EndKind.FAILED, "ValueError"))

    assert (RunState.TRAINING, None) == (model.state(6.0), model.error(6.0))


def test_a_run_that_was_killed_and_began_again_shows_its_own_end() -> None:
    """Its predecessor never says that it is dead, and would otherwise pass for alive for a quarter of an hour."""
    model = MODEL.with_heartbeat("killed", None, at=0.0).with_heartbeat("again", None, at=60.0)
    model = model.with_heartbeat("again", None, at=90.0, end=RunEnd(EndKind.FAILED, "ValueError"))

    assert RunState.FAILED is model.state(100.0)


def test_a_state_holds_until_the_first_run_goes_silent() -> None:
    model = MODEL.with_heartbeat("a", None, at=0.0).with_heartbeat("b", None, at=10.0)
    model = model.with_heartbeat("a", None, at=20.0)

    assert 910.0 == model.state_until(30.0)
    assert 920.0 == model.state_until(910.0)
    assert None is model.state_until(920.0)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "parent", "x"]), inner),
    max_leaves=4,
)


@given(st.fixed_dictionaries({}, optional={part: json_values | st.just(CREATE[part]) for part in CREATE}))
def test_any_body_makes_a_model_or_a_value_error(body: dict[str, Any]) -> None:
    try:
        model = model_json.created(MODEL_ID, body, at=1.0)
    except ValueError as refused:
        assert str(refused)  # noqa: PT017 - either way is fine, and this holds for one of them
        return
    assert "new" == model.status
    assert model.weights or model.cfg
